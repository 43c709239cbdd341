// A row for each case of MS-RDPBCGR 2.2.1: what is asked, chosen, said of the client and of the server's keys.
#include "protocols/rdp/rdp.h"

#include "base/test.h"
#include "protocols/harness.h"
#include "protocols/rdp/names.h"

using namespace catenary;
using flow::Dir;
using flow::Harness;
using flow::Probe;
using test::hex;
using Data = std::vector<std::uint8_t>;

namespace {

Data operator+(Data a, const Data& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
Data text(std::string_view s) { return {s.begin(), s.end()}; }
Data le(std::uint64_t v, std::size_t bytes) {
  Data d;
  for (std::size_t i = 0; i < bytes; i++) d.push_back(static_cast<std::uint8_t>(v >> 8 * i));
  return d;
}
Data wide(std::string_view s, std::size_t bytes) {
  Data d;
  for (const char c : s) d = d + Data{static_cast<std::uint8_t>(c), 0};
  d.resize(bytes);
  return d;
}
Data tpkt(const Data& body) {
  const std::size_t n = body.size() + 4;
  return Data{3, 0, static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n)} + body;
}
Data x224(std::uint8_t type, const Data& variable) {
  return tpkt(Data{static_cast<std::uint8_t>(6 + variable.size()), type, 0, 0, 0, 0, 0} + variable);
}
Data negotiation(std::uint8_t type, std::uint32_t value) { return Data{type, 0, 8, 0} + le(value, 4); }
Data request(std::string_view user, const Data& more = {}) {
  return x224(0xe0, text("Cookie: mstshash=" + std::string(user) + "\r\n") + more);
}
Data block(unsigned type, const Data& body) { return le(type, 2) + le(body.size() + 4, 2) + body; }
Data ber(const Data& tag, const Data& v) {
  return tag + Data{0x82, static_cast<std::uint8_t>(v.size() >> 8), static_cast<std::uint8_t>(v.size())} + v;
}
Data per(std::size_t n) { return {static_cast<std::uint8_t>(0x80 | n >> 8), static_cast<std::uint8_t>(n)}; }
const Data kObject = hex("00 05 00 14 7c 00 01");

Data client(const Data& blocks) {
  const Data gcc = hex("00 08 00 10 00 01 c0 00") + text("Duca") + per(blocks.size()) + blocks;
  return tpkt(hex("02 f0 80") +
              ber(hex("7f65"), hex("040101 040101 0101ff 3000 3000 3000") + ber({4}, kObject + per(gcc.size()) + gcc)));
}
Data server(const Data& blocks, unsigned result = 0) {
  const Data gcc = hex("14 760a 01 01") + Data{static_cast<std::uint8_t>(result)} + hex("01 c0 00") + text("McDn") +
                   per(blocks.size()) + blocks;
  return tpkt(hex("02 f0 80") +
              ber(hex("7f66"), hex("0a0100 020100 3000") + ber({4}, kObject + per(gcc.size()) + gcc)));
}
Data core(std::uint32_t layout = 0x409, std::uint16_t high = 16, std::uint16_t early = 0) {
  return block(0xc001, hex("04000800 0004 0003 01ca 03aa") + le(layout, 4) + le(2600, 4) + wide("DESK", 32) + Data(76) +
                           Data(8) + le(high, 2) + le(7, 2) + le(early, 2) + wide("555-OEM", 64));
}
Data channels(std::size_t n) {
  Data d = le(n, 4);
  for (std::size_t i = 0; i < n; i++) d = d + hex("7264706472000000 00000000");
  return block(0xc003, d);
}
Data security(std::uint32_t method, std::uint32_t level, const Data& certificate = {}) {
  Data d = le(method, 4) + le(level, 4);
  if (method != 0) d = d + le(4, 4) + le(certificate.size(), 4) + Data(4) + certificate;
  return block(0x0c02, d);
}

Harness flow_of() { return {rdp::kProtocol, 6, 40000, 3389}; }

}  // namespace

TEST(rdp, first_bytes) {
  const auto ask = [](const Data& d, std::uint16_t port = 9000, Dir dir = Dir::kOrig) {
    return rdp::probe({dir, d, 40000, port, true, true});
  };
  EXPECT(ask(request("alice")) == Probe::kYes);
  EXPECT(ask(x224(0xe0, text("Cookie: msts=1.2.3\r\n"))) == Probe::kYes);
  EXPECT(ask(x224(0xe0, negotiation(1, 3))) == Probe::kYes);
  EXPECT(ask(x224(0xe0, {}), 3389) == Probe::kYes);
  EXPECT(ask(client(core())) == Probe::kYes);
  EXPECT(ask(x224(0xe0, {})) != Probe::kYes);
  EXPECT(ask(x224(0xe0, hex("c0010a c1020100 c2020102 0000000000000000000000")), 102) == Probe::kNo);  // S7
  EXPECT(ask(request("alice"), 3389, Dir::kResp) == Probe::kNo);
  EXPECT(ask(hex("0301 0013 0ee0 0000000000")) == Probe::kNo);
  for (std::size_t n = 0; n < 6; n++) {
    Data cut = request("a");
    cut.resize(n);
    EXPECT(ask(cut) == (n == 0 ? Probe::kNo : Probe::kMore));
  }
}

TEST(rdp, tls_is_handed_over) {
  Harness h = flow_of();
  h.orig(request("alice", negotiation(1, 11)));
  h.resp(x224(0xd0, negotiation(2, 2)));
  EXPECT(!h.is_attached());
  EXPECT(h.flow().detection == flow::Detection::kOpen);
  const std::string out = h.close();
  EXPECT_HAS(out, R"("cookie":"alice","result":"encrypted","security_protocol":"HYBRID")");
  EXPECT_HAS(out, R"("ssl":true,"requested_protocols":11)");
}

TEST(rdp, a_refusal_has_its_reason) {
  Harness h = flow_of();
  h.orig(x224(0xe0, negotiation(1, 1)));
  h.resp(x224(0xd0, negotiation(3, 5)));
  EXPECT(!h.is_attached());
  EXPECT_HAS(h.close(), R"("cookie":"","result":"HYBRID_REQUIRED_BY_SERVER")");
}

TEST(rdp, what_client_and_server_say) {
  Harness h = flow_of();
  h.orig(request("alice"));
  h.resp(x224(0xd0, {}));
  h.orig(client(core() + channels(2)));
  h.resp(server(block(0x0c01, hex("04000800")) + security(2, 3, hex("01000000 00000000"))));
  EXPECT_EQ(std::string(h.flow().services[0]), "rdp");
  EXPECT_EQ(h.close().find("weird"), std::string::npos);
  EXPECT_EQ(h.count(Kind::rdp), 1u);
  EXPECT_HAS(h.lines(Kind::rdp)[0],
             R"("result":"Success","security_protocol":"RDP","client_channels":["rdpdr","rdpdr"],)"
             R"("keyboard_layout":"English - United States","client_build":"RDP 5.1","client_name":"DESK",)"
             R"("client_dig_product_id":"555-OEM","desktop_width":1024,"desktop_height":768,)"
             R"("requested_color_depth":"16bit","cert_type":"RSA","cert_count":1,"cert_permanent":true,)"
             R"("encryption_level":"High","encryption_method":"128bit","ssl":false)");
}

TEST(rdp, segments_may_end_anywhere) {
  const Data said = request("alice") + client(core() + channels(1));
  const Data answered = x224(0xd0, {}) + server(security(0, 0));
  Harness whole = flow_of();
  whole.orig(said);
  whole.resp(answered);
  const std::string expected = whole.close();
  for (std::size_t cut = 1; cut < said.size(); cut++) {
    Harness h = flow_of();
    h.orig(Bytes(said).first(cut));
    h.orig(Bytes(said).subspan(cut));
    h.resp(Bytes(answered).first(std::min(cut, answered.size())));
    if (h.is_attached()) h.resp(Bytes(answered).subspan(std::min(cut, answered.size())));
    EXPECT_EQ(h.close(), expected);
  }
}

TEST(rdp, every_cut_of_a_message_is_no_crash_and_every_wrong_length_a_weird) {
  const Data body = client(core() + channels(1));
  for (std::size_t n = 7; n + 4 < body.size(); n++) {
    Harness h = flow_of();
    h.orig(request("alice"));
    h.orig(tpkt(Data(body.begin() + 4, body.begin() + static_cast<std::ptrdiff_t>(4 + n))));
    h.close();
    EXPECT_EQ(h.count(Kind::rdp), 1u);
  }
  for (const Data& wrong : {client(block(0xc001, Data(20))), client(hex("01c00300")),
                            client(block(0xc003, le(2, 4) + Data(12) + Data(3))), tpkt(hex("02 f0 80 7f65 00")),
                            x224(0xe0, text("Cookie: mstshash=alice")), x224(0xe0, {1, 0, 9, 0, 0, 0, 0, 0})}) {
    Harness h = flow_of();
    h.orig(request("alice"));
    h.orig(wrong);
    EXPECT_HAS(h.close(), "rdp_message_malformed");
  }
  for (const Data& wrong : {server(hex("02 0c 03 00")), server(block(0x0c02, Data(4))), server(security(2, 3, {1})),
                            x224(0xd0, {2, 0, 9, 0, 0, 0, 0, 0})}) {
    Harness h = flow_of();
    h.orig(request("alice"));
    h.resp(wrong);
    EXPECT_HAS(h.close(), "rdp_message_malformed");
  }
}

TEST(rdp, channels_have_a_limit) {
  for (const std::size_t n : {rdp::kChannelsMax - 1, rdp::kChannelsMax, rdp::kChannelsMax + 1}) {
    Harness h = flow_of();
    h.orig(client(channels(n) + core()));
    const std::string out = h.close();
    const bool is_over = n > rdp::kChannelsMax;
    EXPECT_EQ(out.find("rdp_channel_limit") != std::string::npos, is_over);
    EXPECT_HAS(h.lines(Kind::rdp)[0], is_over ? R"("cut":true)" : R"("cut":false)");
  }
}

TEST(rdp, cookies_are_cut) {
  for (const std::size_t n : {rdp::kTextMax - 1, rdp::kTextMax, rdp::kTextMax + 1}) {
    Harness h = flow_of();
    h.orig(request(std::string(n, 'a')));
    EXPECT_HAS(h.close(), "\"cookie\":\"" + std::string(std::min(n, rdp::kTextMax), 'a') + "\"");
  }
}

TEST(rdp, certificates_of_a_chain_are_counted) {
  // Two that are none: each is counted, and said to be no certificate.
  Harness h = flow_of();
  h.orig(client(core()));
  h.resp(server(security(2, 3, hex("02000080 02000000 01000000 30 01000000 30"))));
  EXPECT_HAS(h.close(), R"("cert_type":"X.509","cert_count":2,"cert_permanent":false)");
}

TEST(rdp, names) {
  EXPECT_EQ(rdp::layout_name(0x407), "German - Germany");
  EXPECT_EQ(rdp::layout_name(0x70407), "German - Germany (Best Guess for 459783)");
  EXPECT_EQ(rdp::layout_name(0xeeee), "keyboard-61166");
  EXPECT_EQ(rdp::build_name(18363), "client_build-18363");
  EXPECT_EQ(rdp::method_name(16), "FIPS");
  EXPECT_EQ(rdp::security_name(4), "security_protocol-4");
}

TEST(rdp, other_protocols_are_left) {
  Harness h = flow_of();
  h.orig(request("alice"));
  h.resp(text("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT(!h.is_attached());
}
