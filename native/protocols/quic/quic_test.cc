// QUIC by RFC 9000 and RFC 9001, whose appendix A has the keys; version 2 by RFC 9369.
#include "protocols/quic/quic.h"

#include "base/test.h"
#include "files/hasher.h"
#include "protocols/harness.h"
#include "protocols/quic/build.h"
#include "protocols/quic/crypto_stream.h"

using namespace catenary;
using namespace catenary::quic;
using build::Octets;
using flow::Dir;
using flow::Harness;
using flow::Probe;
using test::hex;

namespace {

constexpr Dir kClient = Dir::kOrig, kServer = Dir::kResp;

Harness flow_of() { return {quic::kProtocol, 17, 40000, 443}; }

// A ClientHello with a server name (a.example) and two protocols (h3, h2); a ServerHello of TLS 1.3.
Octets client_hello(std::size_t padding = 0) {
  Octets extensions =
      hex("0000 000e 000c 00 0009 612e6578616d706c65  0010 0008 0006 02 6833 02 6832  002b 0003 02 0304");
  if (padding > 0) {
    build::append(extensions, hex("0015"));
    extensions.push_back(static_cast<std::uint8_t>(padding >> 8));
    extensions.push_back(static_cast<std::uint8_t>(padding));
    extensions.resize(extensions.size() + padding);
  }
  Octets body = hex("0303");
  body.resize(34, 7);
  build::append(body, hex("00 0002 1301 01 00"));
  body.push_back(static_cast<std::uint8_t>(extensions.size() >> 8));
  body.push_back(static_cast<std::uint8_t>(extensions.size()));
  build::append(body, extensions);
  Octets out = {1, 0, static_cast<std::uint8_t>(body.size() >> 8), static_cast<std::uint8_t>(body.size())};
  build::append(out, body);
  return out;
}

Octets server_hello() {
  Octets body = hex("0303");
  body.resize(34, 9);
  build::append(body, hex("00 1301 00 0006 002b 0002 0304"));
  Octets out = {2, 0, 0, static_cast<std::uint8_t>(body.size())};
  build::append(out, body);
  return out;
}

Octets frames(const Octets& message) { return build::crypto_frame(0, message); }

build::Ids server_ids() {
  build::Ids ids;
  ids.dcid = {1, 2, 3, 4};
  ids.scid = {0xaa, 0xbb};
  return ids;
}

// Long header packets that stay closed.
Octets closed_packet(std::uint8_t first, const build::Ids& ids) {
  Octets out = {first, 0, 0, 0, 1};
  out.push_back(static_cast<std::uint8_t>(ids.dcid.size()));
  build::append(out, ids.dcid);
  out.push_back(static_cast<std::uint8_t>(ids.scid.size()));
  build::append(out, ids.scid);
  build::append(out, hex("4014 0000000000000000000000000000000000000000"));
  return out;
}

std::string digits(Bytes b) {
  std::string out(b.size() * 2, ' ');
  files::hex_text(b, out.data());
  return out;
}

}  // namespace

// RFC 9001 A.1, RFC 9369 A.1.
TEST(quic, keys_of_the_appendix) {
  const Octets dcid = hex("8394c8f03e515708");
  const InitialKeys client = derive_keys(kVersion1, dcid, true), server = derive_keys(kVersion1, dcid, false);
  EXPECT_EQ(digits(client.key), "1f369613dd76d5467730efcbe3b1a22d");
  EXPECT_EQ(digits(client.iv), "fa044b2f42a3fd3b46fb255c");
  EXPECT_EQ(digits(client.header), "9f50449e04a0e810283a1e9933adedd2");
  EXPECT_EQ(digits(server.key), "cf3a5331653c364c88f0f379b6067e37");
  EXPECT_EQ(digits(server.iv), "0ac1493ca1905853b0bba03e");
  EXPECT_EQ(digits(server.header), "c206b8d9b9f0f37644430b490eeaa314");
  EXPECT_EQ(digits(derive_keys(kVersion2, dcid, true).key), "8b1a0bc121284290a29e0971b5cd045d");
}

TEST(quic, varints) {
  static constexpr std::pair<std::string_view, std::uint64_t> kRows[] = {
      {"25", 37}, {"40 25", 37}, {"7bbd", 15293}, {"9d7f3e7d", 494878333}, {"c2197c5eff14e88c", 151288809941952652}};
  for (const auto& [text, value] : kRows) {
    const Octets bytes = hex(text);
    Cursor in(bytes);
    EXPECT_EQ(take_varint(in), value);
    EXPECT(in.done() && in.ok());
  }
  const Octets cut = hex("c2197c");
  Cursor in(cut);
  EXPECT_EQ(take_varint(in), 0u);
  EXPECT(!in.ok());
}

TEST(quic, a_connection_begins_with_a_whole_initial_packet) {
  const auto ask = [](Bytes data, std::uint16_t port) {
    return quic::probe({kClient, data, 40000, port, false, true});
  };
  const Octets first = build::initial({}, frames(client_hello()), true);
  EXPECT_EQ(first.size(), kClientDatagramMin);
  EXPECT(ask(first, 4433) == Probe::kYes);
  EXPECT(ask(Bytes(first).first(kClientDatagramMin - 1), 443) == Probe::kNo);
  Octets longer = first;
  longer.push_back(0);
  EXPECT(ask(longer, 443) == Probe::kYes);
  Octets other = first;
  other[0] &= 0xbf;  // the fixed bit
  EXPECT(ask(other, 443) == Probe::kNo);
  other = first;
  other[1] = 0x5a;  // a version nobody has
  EXPECT(ask(other, 443) == Probe::kNo);
  // RFC 9000 15: one that asks for the others.
  std::copy_n(hex("1a2a3a4a").begin(), 4, other.begin() + 1);
  EXPECT(ask(other, 443) == Probe::kYes);
  EXPECT(ask(other, 4433) == Probe::kNo);
  EXPECT(ask(Octets(1300, 0x16), 443) == Probe::kNo);
}

TEST(quic, hellos_are_read_and_the_handshake_is_a_tls_event) {
  Harness h = flow_of();
  h.orig(build::initial({}, frames(client_hello()), true));
  Octets answer = build::initial(server_ids(), frames(server_hello()), false, 0);
  build::append(answer, closed_packet(0xe0, server_ids()));
  h.resp(answer);
  h.orig(closed_packet(0xe0, {}));
  for (int i = 0; i < 5; i++) h.orig(hex("40 aabb 0000"));
  const std::string out = h.close();
  EXPECT_HAS(out, R"("version":"1","client_initial_dcid":"8394c8f03e515708","client_scid":"01020304")");
  EXPECT_HAS(out, R"("server_scid":"aabb","server_name":"a.example","client_protocol":"h3","history":"ISishHOOO")");
  EXPECT_HAS(out, R"("version":"TLSv13","cipher":"TLS_AES_128_GCM_SHA256","server_name":"a.example")");
  EXPECT_HAS(out, R"("ja4":"q13d0103h3_)");
  EXPECT_HAS(out, R"("ssl_history":"Cs")");
  EXPECT_EQ(h.count(Kind::weird), 0u);
  EXPECT_EQ(std::string(h.flow().services[0]), "quic");
  EXPECT_EQ(std::string(h.flow().services[1]), "tls");
}

TEST(quic, version_2_has_other_keys_and_types) {
  Harness h = flow_of();
  h.orig(build::initial({}, frames(client_hello()), true, kClientDatagramMin, kVersion2));
  EXPECT_HAS(h.close(), R"("version":"quicv2")");
  EXPECT_EQ(h.count(Kind::tls), 1u);
}

// RFC 9000 19.6: pieces come in any order, in any packets.
TEST(quic, a_hello_in_pieces) {
  const Octets hello = client_hello(1500);
  for (std::size_t cut = 1; cut < hello.size(); cut += 97) {
    Octets second = build::crypto_frame(cut, Bytes(hello).subspan(cut));
    Harness h = flow_of();
    h.orig(build::initial({}, second, true));
    h.orig(build::initial({}, build::crypto_frame(0, Bytes(hello).first(cut)), true));
    EXPECT_HAS(h.close(), R"("history":"IIS")");
    EXPECT_EQ(h.count(Kind::tls), 1u);
  }
}

TEST(quic, a_datagram_cut_short_is_no_finding) {
  const Octets first = build::initial({}, frames(client_hello()), true);
  for (std::size_t cut = 0; cut < first.size(); cut++) {
    Harness h = flow_of();
    h.orig(first);
    h.orig(Bytes(first).first(cut));
    h.close();
    EXPECT_EQ(h.count(Kind::quic), 1u);
  }
}

TEST(quic, what_the_keys_do_not_open) {
  Octets broken = build::initial({}, frames(client_hello()), true);
  broken.back() ^= 1;
  Harness never = flow_of();
  never.orig(broken);
  EXPECT(!never.is_attached());
  EXPECT_EQ(never.close(), "");
  Harness later = flow_of();
  later.orig(build::initial({}, hex("01"), true));
  later.orig(broken);
  EXPECT_HAS(later.close(), "quic_decrypt_failed");
}

TEST(quic, a_retry_ends_a_row_and_begins_another) {
  Harness h = flow_of();
  h.orig(build::initial({}, frames(client_hello()), true));
  Octets retry = hex("f0 00000001 04 01020304 04 0badcafe");
  retry.resize(retry.size() + 20);
  h.resp(retry);
  build::Ids again;
  again.initial = again.dcid = hex("0badcafe");
  h.orig(build::initial(again, frames(client_hello()), true));
  const std::string out = h.close();
  EXPECT_EQ(h.count(Kind::quic), 2u);
  EXPECT_HAS(out, R"("history":"ISr")");
  EXPECT_HAS(out, R"("client_initial_dcid":"0badcafe","client_scid":"01020304","server_name":"a.example")");
  EXPECT_HAS(out, R"("ssl_history":"CC")");
}

TEST(quic, a_close_ends_a_row) {
  Harness h = flow_of();
  h.orig(build::initial({}, frames(client_hello()), true));
  h.resp(build::initial(server_ids(), hex("02 00 00 00 00 1c 00 00 00"), false, 0));
  EXPECT_HAS(h.close(), R"("history":"ISic")");
  EXPECT_EQ(h.count(Kind::quic), 1u);
}

TEST(quic, other_frames_and_packets) {
  Harness h = flow_of();
  h.orig(build::initial({}, hex("03 05 00 01 02 00 00 01 01 01 01 10"), true));
  h.orig(hex("00 11"));
  h.orig(closed_packet(0xd0, {}));
  const std::string out = h.close();
  EXPECT_HAS(out, "quic_frame_unexpected");
  EXPECT_HAS(out, R"("history":"IXZ")");
}

TEST(quic, a_version_nobody_has_is_a_row) {
  Octets first = build::initial({}, {}, true);
  std::copy_n(hex("1a2a3a4a").begin(), 4, first.begin() + 1);
  Harness h = flow_of();
  h.orig(first);
  EXPECT_HAS(h.close(), R"("version":"unknown-1a2a3a4a")");
  EXPECT_HAS(h.close(), R"("history":"U")");
}

TEST(quic, a_message_at_its_limit) {
  for (const std::size_t end :
       {CryptoStream::kMessageBytesMax - 1, CryptoStream::kMessageBytesMax, CryptoStream::kMessageBytesMax + 1}) {
    CryptoStream s;
    const std::uint8_t byte = 1;
    EXPECT(s.add(end - 1, {&byte, 1}) == (end <= CryptoStream::kMessageBytesMax));
  }
  for (const std::size_t n : {CryptoStream::kPiecesMax - 1, CryptoStream::kPiecesMax, CryptoStream::kPiecesMax + 1}) {
    CryptoStream s;
    bool is_kept = true;
    const std::uint8_t byte = 1;
    for (std::size_t i = 0; i < n; i++) is_kept = s.add(2 * i, {&byte, 1});
    EXPECT(is_kept == (n <= CryptoStream::kPiecesMax));
  }
  Harness h = flow_of();
  h.orig(build::initial({}, build::crypto_frame(16000, Octets(900)), true));
  EXPECT_HAS(h.close(), "quic_crypto_limit");
}

TEST(quic, a_history_at_its_limit) {
  for (const std::size_t n : {99u, 100u, 101u}) {
    Harness h = flow_of();
    h.orig(build::initial({}, hex("01"), true));
    for (std::size_t i = 1; i < n; i++) h.orig(closed_packet(0xe0, {}));
    const std::string out = h.close();
    EXPECT_HAS(out, "\"history\":\"I" + std::string(std::min<std::size_t>(n, 100) - 1, 'H') + "\"");
    EXPECT_EQ(h.count(Kind::weird), n >= 100 ? 1u : 0u);
  }
}
