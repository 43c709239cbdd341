// RFC 4253: identification (4.2), packets (6), key exchange (7.1, 8); a login by its sizes; limits at their edges.
#include "protocols/ssh/ssh.h"

#include "base/test.h"
#include "protocols/harness.h"

using namespace catenary;
using flow::Dir;
using flow::Harness;
using Data = std::vector<std::uint8_t>;

namespace {

Data operator+(Data a, const Data& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
Data be32(std::size_t v) {
  return {static_cast<std::uint8_t>(v >> 24), static_cast<std::uint8_t>(v >> 16), static_cast<std::uint8_t>(v >> 8),
          static_cast<std::uint8_t>(v)};
}
Data string(std::string_view s) { return be32(s.size()) + test::bytes(s); }
Data packet(std::uint8_t type, const Data& payload, std::uint8_t padding = 4) {
  return be32(payload.size() + padding + 2u) + Data{padding, type} + payload + Data(padding);
}

struct Offer {
  std::string kex = "curve25519-sha256", host_key = "ssh-ed25519", cipher = "aes128-ctr", cipher_down = "aes128-ctr",
              mac = "hmac-sha1", compression = "none";
};
Data lists(const Offer& o) {
  Data out(16);
  for (const std::string& list :
       {o.kex, o.host_key, o.cipher, o.cipher_down, o.mac, o.mac, o.compression, o.compression, {}, {}}) {
    out = out + string(list);
  }
  return out + Data(5);
}
Data kexinit(const Offer& o = {}) { return packet(20, lists(o)); }

const Data kClient = test::bytes("SSH-2.0-one\r\n"), kServer = test::bytes("SSH-2.0-two\r\n");
// The host key is one byte: k.
const Data kReply = packet(31, string("k") + string("f") + string("s"));
const Data kNewkeys = packet(21, {});
const Data kClientSide = kClient + kexinit() + packet(30, string("e")) + kNewkeys;
const Data kServerSide = kServer + kexinit() + kReply + kNewkeys;

Harness flow_of() { return {ssh::kProtocol, 6, 40000, 22}; }

void exchange(Harness& h) {
  h.orig(kClientSide);
  h.resp(kServerSide);
}
std::string told(Harness& h, std::uint64_t events = 1) {
  const std::string out = h.close();
  EXPECT_EQ(h.count(Kind::ssh), events);
  return out;
}
std::string told_of(const Data& client, const Data& server) {
  Harness h = flow_of();
  h.orig(client);
  h.resp(server);
  return told(h);
}
std::string names(std::size_t n) {
  std::string out;
  for (std::size_t i = 0; i < n; i++) out += "n" + std::to_string(i) + ",";
  return out;
}

}  // namespace

TEST(ssh, a_flow_is_one_event) {
  Harness h = flow_of();
  exchange(h);
  const std::string out = told(h);
  EXPECT_HAS(
      out, R"("version":2,"auth_attempts":0,"client":"SSH-2.0-one","server":"SSH-2.0-two","cipher_alg":"aes128-ctr")");
  EXPECT_HAS(out, R"("mac_alg":"hmac-sha1","compression_alg":"none","kex_alg":"curve25519-sha256")");
  EXPECT_HAS(out, R"("host_key_alg":"ssh-ed25519")");
  // printf k | sha256sum; printf 'curve25519-sha256;aes128-ctr;hmac-sha1;none' | md5sum
  EXPECT_HAS(out, R"("host_key_fingerprint":"SHA256:glTDKakoUPbVOd03b0gW7idkUX2l4CNVFK9DMWRIDXo")");
  EXPECT_HAS(out, R"("hassh":"7fffb234014b2a6c335168b9683cbb70","hassh_server":"7fffb234014b2a6c335168b9683cbb70")");
  EXPECT_EQ(h.count(Kind::weird), 0u);
  EXPECT_EQ(std::string_view(h.flow().services[0]), "ssh");
}

TEST(ssh, segments_may_end_anywhere) {
  Harness whole = flow_of();
  exchange(whole);
  const std::string expected = whole.close();
  for (std::size_t cut = 1; cut < kClientSide.size(); cut++) {
    Harness h = flow_of();
    h.orig(Bytes(kClientSide).first(cut));
    h.orig(Bytes(kClientSide).subspan(cut));
    h.resp(kServerSide);
    EXPECT_EQ(h.close(), expected);
  }
  for (std::size_t cut = 1; cut < kServerSide.size(); cut++) {
    Harness h = flow_of();
    h.orig(kClientSide);
    h.resp(Bytes(kServerSide).first(cut));
    h.resp(Bytes(kServerSide).subspan(cut));
    EXPECT_EQ(h.close(), expected);
  }
}

// What did not come is unset, and a banner that did not end is said to be cut.
TEST(ssh, a_flow_cut_anywhere) {
  for (std::size_t cut = 6; cut < kServerSide.size(); cut++) {
    Harness h = flow_of();
    h.orig(kClientSide);
    h.resp(Bytes(kServerSide).first(cut));
    const std::string out = told(h);
    EXPECT_EQ(out.find(R"("cut":true)") != std::string::npos, cut < kServer.size());
    EXPECT_EQ(out.find(R"("version":2)") != std::string::npos, cut >= kServer.size());
    EXPECT_EQ(out.find("cipher_alg") != std::string::npos, cut >= (kServer + kexinit()).size());
    EXPECT_EQ(out.find("host_key_fingerprint") != std::string::npos, cut >= (kServer + kexinit() + kReply).size());
  }
}

TEST(ssh, the_order_of_the_sides_does_not_matter) {
  Harness h = flow_of();
  h.resp(kServerSide);
  h.orig(kClientSide);
  EXPECT_HAS(told(h), R"("kex_alg":"curve25519-sha256")");
}

// RFC 4253 5; 1.99 speaks both, 0 stands for nothing in common.
TEST(ssh, versions) {
  const auto version = [](const char* a, const char* b) {
    return told_of(test::bytes("SSH-" + std::string(a) + "-x\n"), test::bytes("SSH-" + std::string(b) + "-y\n"));
  };
  EXPECT_HAS(version("2.0", "1.99"), R"("version":2)");
  EXPECT_HAS(version("1.99", "1.99"), R"("version":2)");
  EXPECT_HAS(version("1.5", "1.99"), R"("version":1)");
  EXPECT_HAS(version("1.5", "1.5"), R"("version":1)");
  EXPECT_HAS(version("1.5", "2.0"), R"("version":0)");
}

TEST(ssh, packets_of_who_speaks_both_wait_for_the_other_side) {
  Harness h = flow_of();
  h.resp(test::bytes("SSH-1.99-two\r\n") + kexinit());
  h.orig(kClientSide);
  h.resp(kReply + kNewkeys);
  EXPECT_HAS(told(h), "host_key_fingerprint");
}

TEST(ssh, version_one_is_not_read_further) {
  Harness h = flow_of();
  h.orig("SSH-1.5-one\n");
  h.resp(test::bytes("SSH-1.5-two\n") + Data(200, 0xff));
  EXPECT_HAS(told(h), R"("version":1,"auth_attempts":0,"client":"SSH-1.5-one","server":"SSH-1.5-two")");
  EXPECT_EQ(h.count(Kind::weird), 0u);
}

// RFC 4253 7.1: the client's order decides.
TEST(ssh, the_first_of_the_client_that_the_server_has) {
  const std::string out = told_of(kClient + kexinit({.kex = "a,,b,c", .cipher = "x,y", .cipher_down = "z"}),
                                  kServer + kexinit({.kex = "c,b", .cipher = "y", .cipher_down = "z"}));
  EXPECT_HAS(out, R"("kex_alg":"b")");
  EXPECT_HAS(out, R"("cipher_alg":"To server: y, to client: z")");
}

TEST(ssh, nothing_in_common_is_a_weird) {
  const std::string out = told_of(kClient + kexinit({.mac = "a"}), kServer + kexinit({.mac = "b"}));
  EXPECT_HAS(out, R"("mac_alg":"Algorithm negotiation failed")");
  EXPECT_HAS(out, "ssh_no_common_algorithm");
}

// The key is in another message, as the exchange has it: RFC 4419 3, RFC 4432 4.
TEST(ssh, where_the_host_key_is) {
  struct Row {
    const char* kex;
    std::uint8_t type;
  };
  for (const Row& row :
       {Row{"curve25519-sha256", 31}, Row{"diffie-hellman-group18-sha512", 31},
        Row{"diffie-hellman-group-exchange-sha256", 33}, Row{"gss-gex-sha1-x", 33}, Row{"rsa2048-sha256", 30}}) {
    for (std::uint8_t type = 30; type <= 34; type++) {
      const Data init = kexinit({.kex = row.kex});
      const std::string out = told_of(kClient + init, kServer + init + packet(type, string("k")));
      EXPECT_EQ(out.find("host_key_fingerprint") != std::string::npos, type == row.type);
    }
  }
}

TEST(ssh, contradictions_are_weirds) {
  Data list_too_long = lists({});
  list_too_long[16] = 0x7f;
  EXPECT_HAS(told_of(kClient + packet(20, list_too_long), kServer), "ssh_kexinit_malformed");
  EXPECT_HAS(told_of(kClient + packet(20, Data(9)), kServer), "ssh_kexinit_malformed");
  EXPECT_HAS(told_of(kClient + kexinit() + kexinit(), kServer), "ssh_message_unexpected");
  EXPECT_HAS(told_of(kClient + packet(50, {}), kServer), "ssh_message_unexpected");
  EXPECT_LACKS(told_of(kClient + packet(2, {}) + packet(4, {}) + packet(3, {}) + packet(1, {}), kServer), "weird");
  // Padding that fills the packet, and one byte more.
  EXPECT_LACKS(told_of(kClient + test::hex("00000006 04 02 00000000"), kServer), "weird");
  EXPECT_HAS(told_of(kClient + test::hex("00000006 05 02 00000000"), kServer), "ssh_packet_length_wrong");
  EXPECT_HAS(told_of(kClient + test::hex("00000000 00"), kServer), "ssh_packet_length_wrong");
  // The key's length leaves the message.
  EXPECT_LACKS(told_of(kClientSide, kServer + kexinit() + packet(31, be32(9))), "fingerprint");
}

TEST(ssh, after_a_gap_what_was_seen_is_told) {
  Harness h = flow_of();
  h.orig(kClient);
  h.resp(kServer);
  h.gap(Dir::kResp, 100);
  EXPECT(!h.is_attached());
  EXPECT_HAS(told(h), R"("version":2)");
}

// ---- logins ----

namespace {
std::string login(std::initializer_list<std::size_t> sizes, const Offer& o = {}) {
  Harness h = flow_of();
  h.orig(kClient + kexinit(o) + kNewkeys + Data(60));
  h.resp(kServer + kexinit(o) + kNewkeys);
  for (const std::size_t size : sizes) h.resp(Data(size));
  return told(h);
}
}  // namespace

TEST(ssh, a_login_is_judged_by_sizes) {
  EXPECT_HAS(login({52, 36}), R"("auth_success":true,"auth_attempts":1)");           // by "none"
  EXPECT_HAS(login({52, 84, 36}), R"("auth_success":true,"auth_attempts":1)");       // after "none" was refused
  EXPECT_HAS(login({52, 84, 84, 36}), R"("auth_success":true,"auth_attempts":2)");   // and one password
  EXPECT_HAS(login({52, 84, 84, 84}), R"("auth_success":false,"auth_attempts":2)");  // never
  EXPECT_HAS(login({52, 84, 200, 36}), R"("auth_success":true,"auth_attempts":1)");  // 200: a key is acceptable
  EXPECT_LACKS(login({52, 84}), "auth_success");
  EXPECT_LACKS(login({52}), "auth_success");
}

// RFC 4252 5.4: 256 bytes more than the answer before are a banner, once.
TEST(ssh, a_banner_is_no_failure) {
  EXPECT_HAS(login({52, 52 + 257, 84, 84}), R"("auth_success":false,"auth_attempts":1)");
  EXPECT_LACKS(login({52, 52 + 256, 84, 84}), "auth_success");
}

TEST(ssh, a_login_that_succeeded_ends_the_reading) {
  Harness h = flow_of();
  exchange(h);
  h.orig(Data(60));
  h.resp(Data(52));
  h.resp(Data(36));
  EXPECT(!h.is_attached());
  EXPECT_EQ(h.count(Kind::ssh), 1u);
}

TEST(ssh, what_comes_with_newkeys_counts) {
  Harness h = flow_of();
  h.orig(kClientSide + Data(60));
  h.resp(kServerSide + Data(52));
  h.resp(Data(36));
  EXPECT_HAS(told(h), R"("auth_success":true)");
  // What the server says before the client has encrypted anything is no answer.
  Harness early = flow_of();
  exchange(early);
  early.resp(Data(52));
  early.orig(Data(60));
  early.resp(Data(52));
  EXPECT(early.is_attached());
  early.resp(Data(36));
  EXPECT_HAS(told(early), R"("auth_success":true)");
}

TEST(ssh, compressed_sizes_say_nothing) {
  EXPECT_LACKS(login({52, 36}, {.compression = "zlib@openssh.com"}), "auth_success");
}

// ---- limits ----

TEST(ssh, banner_at_its_limit) {
  for (std::size_t n = ssh::kBannerBytesMax - 1; n <= ssh::kBannerBytesMax + 1; n++) {
    const std::string line = "SSH-2.0-" + std::string(n - 9, 'x') + "\n";
    EXPECT_EQ(line.size(), n);
    Harness h = flow_of();
    h.orig(line);
    EXPECT_EQ(h.is_attached(), n <= ssh::kBannerBytesMax);
    const std::string out = told(h);
    EXPECT_EQ(out.find("ssh_banner_too_long") != std::string::npos, n > ssh::kBannerBytesMax);
    EXPECT_EQ(out.find(R"("cut":true)") != std::string::npos, n > ssh::kBannerBytesMax);
  }
}

TEST(ssh, lines_before_the_banner_at_their_limit) {
  for (std::size_t n = ssh::kLinesMax - 1; n <= ssh::kLinesMax + 1; n++) {
    Harness h = flow_of();
    h.orig(kClient);
    for (std::size_t i = 0; i < n; i++) h.resp("hello\r\n");
    h.resp(kServer);
    EXPECT_EQ(told(h).find("SSH-2.0-two") != std::string::npos, n <= ssh::kLinesMax);
  }
}

TEST(ssh, packet_at_its_limit) {
  for (std::uint32_t n = ssh::kPacketBytesMax - 1; n <= ssh::kPacketBytesMax + 1; n++) {
    Harness h = flow_of();
    h.orig(kClient + packet(2, Data(n - 6)));
    EXPECT_EQ(h.is_attached(), n <= ssh::kPacketBytesMax);
    EXPECT_EQ(told(h).find("ssh_packet_length_wrong") != std::string::npos, n > ssh::kPacketBytesMax);
  }
  // The longest lists still have a fingerprint.
  const std::string long_list(ssh::kPacketBytesMax - 400, 'x');
  EXPECT_HAS(told_of(kClient + kexinit({.kex = long_list}), kServer), "hassh");
}

TEST(ssh, names_of_a_list_at_their_limit) {
  for (std::size_t n = ssh::kNamesMax - 1; n <= ssh::kNamesMax + 1; n++) {
    const Offer many = {.kex = names(n - 1) + "last"}, one = {.kex = "last"};
    for (const std::string& out : {told_of(kClient + kexinit(many), kServer + kexinit(one)),
                                   told_of(kClient + kexinit(one), kServer + kexinit(many))}) {
      EXPECT_EQ(out.find("ssh_too_many_algorithms") != std::string::npos, n > ssh::kNamesMax);
      EXPECT_EQ(out.find(R"("kex_alg":"last")") != std::string::npos, n <= ssh::kNamesMax);
    }
  }
}

TEST(ssh, name_at_its_limit) {
  for (std::size_t n = ssh::kNameBytesMax - 1; n <= ssh::kNameBytesMax + 1; n++) {
    const Offer o = {.kex = std::string(n, 'k')};
    const std::string out = told_of(kClient + kexinit(o), kServer + kexinit(o));
    EXPECT_EQ(out.find(R"("cut":true)") != std::string::npos, n > ssh::kNameBytesMax);
  }
}

TEST(ssh, kept_kexinit_at_its_limit) {
  const std::size_t rest = lists({.kex = ""}).size();
  for (std::size_t n = ssh::kKexinitKeptMax - 1; n <= ssh::kKexinitKeptMax + 1; n++) {
    const std::string out =
        told_of(kClient + kexinit({.kex = "k," + std::string(n - rest - 2, 'x')}), kServer + kexinit({.kex = "k"}));
    EXPECT_EQ(out.find("kex_alg") != std::string::npos, n <= ssh::kKexinitKeptMax);
    EXPECT_EQ(out.find("ssh_too_many_algorithms") != std::string::npos, n > ssh::kKexinitKeptMax);
  }
}

// ---- detection ----

TEST(ssh, any_port_and_either_side) {
  for (const Dir dir : {Dir::kOrig, Dir::kResp}) {
    Harness h(ssh::kProtocol, 6, 40000, 9999);
    h.send(dir, kClient);
    EXPECT(h.is_attached());
    EXPECT_EQ(h.flow().service_count, 0u);  // confirmed by an exchange of keys, not by a banner
  }
}

TEST(ssh, other_protocols_are_not_claimed) {
  for (const std::string_view first :
       {"GET / HTTP/1.1\r\n", "SSH-3.0-x\r\n", "SSH 2.0\r\n", "SSH-2_0", "\x16\x03\x01", "220 x SSH-2.0\r\n"}) {
    Harness h = flow_of();
    h.orig(first);
    EXPECT(!h.is_attached());
    h.close();
    EXPECT_EQ(h.count(Kind::ssh), 0u);
  }
}
