// Messages of RFC 4120 5, a request and its answer one record; limits at their edges.
#include "protocols/kerberos/kerberos.h"

#include "base/test.h"
#include "protocols/harness.h"

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
Data tlv(unsigned tag, const Data& value) {
  Data out{static_cast<std::uint8_t>(tag)};
  if (value.size() < 0x80)
    out.push_back(static_cast<std::uint8_t>(value.size()));
  else
    out = out + Data{0x82, static_cast<std::uint8_t>(value.size() >> 8), static_cast<std::uint8_t>(value.size())};
  return out + value;
}
Data seq(const Data& v) { return tlv(0x30, v); }
Data ctx(unsigned n, const Data& v) { return tlv(0xa0 + n, v); }
Data number(unsigned n) { return tlv(2, Data{0, static_cast<std::uint8_t>(n)}); }
Data text(std::string_view s) { return tlv(0x1b, {s.begin(), s.end()}); }
Data when(std::string_view s) { return tlv(0x18, {s.begin(), s.end()}); }
Data name(const std::vector<std::string>& parts) {
  Data all;
  for (const std::string& p : parts) all = all + text(p);
  return seq(ctx(0, number(1)) + ctx(1, seq(all)));
}
Data encrypted(unsigned cipher) { return seq(ctx(0, number(cipher)) + ctx(2, tlv(4, hex("00112233")))); }
Data ticket(unsigned cipher) {
  return tlv(0x61, seq(ctx(0, number(5)) + ctx(1, text("EXAMPLE.TEST")) + ctx(2, name({"krbtgt", "EXAMPLE.TEST"})) +
                       ctx(3, encrypted(cipher))));
}
Data ap_request(unsigned cipher = 23) {
  return tlv(0x6e, seq(ctx(0, number(5)) + ctx(1, number(14)) + ctx(2, tlv(3, hex("0000000000"))) +
                       ctx(3, ticket(cipher)) + ctx(4, encrypted(18))));
}
Data pa(unsigned type, const Data& value) { return seq(ctx(1, number(type)) + ctx(2, tlv(4, value))); }
Data body(const Data& client, const Data& service, const std::vector<unsigned>& ciphers = {18, 17, 23}) {
  Data list;
  for (const unsigned c : ciphers) list = list + number(c);
  return seq(ctx(0, tlv(3, hex("0040810010"))) + client + ctx(2, text("EXAMPLE.TEST")) + ctx(3, service) +
             ctx(5, when("20370913024805Z")) + ctx(7, number(9)) + ctx(8, seq(list)));
}
Data as_request(std::string_view user = "alice", const Data& proofs = {}) {
  return tlv(0x6a, seq(ctx(1, number(5)) + ctx(2, number(10)) + (proofs.empty() ? Data{} : ctx(3, seq(proofs))) +
                       ctx(4, body(ctx(1, name({std::string(user)})), name({"krbtgt", "EXAMPLE.TEST"})))));
}
Data tgs_request(const Data& more = {}) {
  return tlv(0x6c, seq(ctx(1, number(5)) + ctx(2, number(12)) + ctx(3, seq(pa(1, ap_request()) + more)) +
                       ctx(4, body({}, name({"cifs", "fs1.example.test"})))));
}
Data reply(unsigned type, unsigned cipher = 18) {
  return tlv(0x60 + type, seq(ctx(0, number(5)) + ctx(1, number(type)) + ctx(3, text("EXAMPLE.TEST")) +
                              ctx(4, name({"alice"})) + ctx(5, ticket(cipher)) + ctx(6, encrypted(17))));
}
Data error(unsigned code, std::string_view said = {}) {
  return tlv(0x7e, seq(ctx(0, number(5)) + ctx(1, number(30)) + ctx(4, when("20370913024805Z")) + ctx(5, number(1)) +
                       ctx(6, number(code)) + ctx(9, text("EXAMPLE.TEST")) + ctx(10, name({"krbtgt", "EXAMPLE.TEST"})) +
                       (said.empty() ? Data{} : ctx(11, text(said)))));
}
Data framed(const Data& m) {
  return Data{0, 0, static_cast<std::uint8_t>(m.size() >> 8), static_cast<std::uint8_t>(m.size())} + m;
}

using Turns = std::vector<std::pair<Dir, Data>>;
constexpr Dir kUp = Dir::kOrig, kDown = Dir::kResp;
std::string told(const Turns& turns, std::uint8_t proto = 17) {
  Harness h(kerberos::kProtocol, proto, 40000, 88);
  for (const auto& [dir, m] : turns) h.send(dir, proto == 17 ? m : framed(m));
  return h.close();
}

}  // namespace

TEST(kerberos, first_bytes) {
  const auto ask = [](const Data& d, bool is_tcp) { return kerberos::probe({kUp, d, 40000, 8888, is_tcp, true}); };
  EXPECT(ask(as_request(), false) == Probe::kYes);
  EXPECT(ask(as_request() + Data{0}, false) == Probe::kNo);
  EXPECT(ask(framed(as_request()), true) == Probe::kYes);
  EXPECT(ask(framed(error(6)), true) == Probe::kYes);
  EXPECT(ask(as_request(), true) == Probe::kNo);
  Data longer = framed(as_request());
  longer[3]++;
  EXPECT(ask(longer, true) == Probe::kNo);
  EXPECT(ask(hex("0000"), true) == Probe::kMore);
  EXPECT(ask(hex("00000100 6a"), true) == Probe::kMore);
  EXPECT(ask(hex("00000100 16"), true) == Probe::kNo);
  EXPECT(ask(hex("30820100 020103"), false) == Probe::kNo);
}

TEST(kerberos, a_first_ticket) {
  const Data proof = pa(2, encrypted(23)) + pa(128, hex("3005a0030101ff"));
  const std::string out = told({{kUp, as_request("alice", proof)}, {kDown, reply(11)}});
  EXPECT_HAS(out,
             R"("request_type":"AS","client":"alice/EXAMPLE.TEST","service":"krbtgt/EXAMPLE.TEST","success":true)");
  EXPECT_HAS(out, R"("till":2136422885.000000,"cipher":"aes256-cts-hmac-sha1-96","forwardable":true,"renewable":true)");
  EXPECT_HAS(out, R"("request_ciphers":["aes256-cts-hmac-sha1-96","aes128-cts-hmac-sha1-96","rc4-hmac"])");
  EXPECT_HAS(out, R"("preauth":["enc-timestamp","pac-request"],"preauth_cipher":"rc4-hmac","kdc_options":1082195984)");
  EXPECT_LACKS(out, "weird");
}

TEST(kerberos, a_ticket_for_a_service) {
  const std::string out = told({{kUp, tgs_request()}, {kDown, reply(13, 23)}}, 6);
  EXPECT_HAS(out, R"("request_type":"TGS","client":"alice/EXAMPLE.TEST","service":"krbtgt/EXAMPLE.TEST")");
  EXPECT_HAS(out, R"("cipher":"rc4-hmac")");
  EXPECT_HAS(out, R"("ticket_cipher":"rc4-hmac")");
  const Data other = seq(ctx(0, name({"administrator"})) + ctx(1, text("EXAMPLE.TEST")));
  EXPECT_HAS(told({{kUp, tgs_request(pa(129, other))}, {kDown, reply(13)}}), R"("for_user":"administrator")");
}

TEST(kerberos, errors_have_a_name_or_a_text) {
  EXPECT_HAS(told({{kUp, as_request()}, {kDown, error(24)}}),
             R"("success":false,"error_code":24,"error_msg":"KDC_ERR_PREAUTH_FAILED")");
  EXPECT_HAS(told({{kUp, as_request()}, {kDown, error(6, "CLIENT_NOT_FOUND")}}), R"("error_msg":"CLIENT_NOT_FOUND")");
  EXPECT_LACKS(told({{kUp, as_request()}, {kDown, error(99)}}), "error_msg");
  EXPECT_EQ(kerberos::error_name(76), "KDC_ERR_KDC_NAME_MISMATCH");
  EXPECT_EQ(kerberos::error_name(77), "");
  EXPECT_EQ(kerberos::cipher_name(0xffffff7b), "rc4-hmac-old");
  EXPECT_EQ(kerberos::cipher_name(99), "unknown-99");
}

TEST(kerberos, a_demand_for_a_proof_does_not_count) {
  const std::string out =
      told({{kUp, as_request()}, {kDown, error(25, "NEEDED_PREAUTH")}, {kUp, as_request()}, {kDown, reply(11)}});
  EXPECT_HAS(out, R"("error_msg":"NEEDED_PREAUTH")");
  EXPECT_HAS(out, R"("success":true)");
  EXPECT_LACKS(out, R"("ordinal":2)");
}

TEST(kerberos, repeated_unanswered_and_unasked) {
  Harness h(kerberos::kProtocol, 17, 40000, 88);
  h.orig(as_request());
  h.orig(as_request());
  h.orig(as_request("bob"));
  const std::string out = h.close();
  EXPECT_EQ(h.count(Kind::kerberos), 2u);
  EXPECT_LACKS(out, R"("success":)");
  EXPECT_HAS(told({{kDown, reply(11)}}), "kerberos_answer_unasked");
  EXPECT_HAS(told({{kDown, reply(11)}}), R"("client":"alice/EXAMPLE.TEST")");
}

TEST(kerberos, services_have_two_names) {
  Harness udp(kerberos::kProtocol, 17, 40000, 88), tcp(kerberos::kProtocol, 6, 40000, 88);
  udp.orig(as_request());
  tcp.orig(framed(as_request()));
  EXPECT_EQ(std::string_view(udp.flow().services[0]), "krb");
  EXPECT_EQ(std::string_view(tcp.flow().services[0]), "krb_tcp");
}

TEST(kerberos, contradictions_are_weirds) {
  const Data wrong = tlv(0x6a, seq(ctx(4, hex("0201"))));
  EXPECT_HAS(told({{kUp, as_request()}, {kUp, wrong}}), "kerberos_malformed");
  Harness h(kerberos::kProtocol, 6, 40000, 88);
  h.orig(framed(as_request()));
  h.orig(hex("00010001 6a"));
  EXPECT(!h.is_attached());
  EXPECT_HAS(h.close(), "kerberos_message_too_long");
}

TEST(kerberos, every_cut_every_split_and_every_changed_byte) {
  const Turns all = {{kUp, tgs_request()}, {kDown, reply(13)}, {kUp, as_request()}, {kDown, error(24)}};
  const std::string whole = told(all, 6);
  for (std::size_t i = 0; i < all.size(); i++) {
    const Data m = framed(all[i].second);
    for (std::size_t n = 0; n < m.size(); n++) {
      Harness split(kerberos::kProtocol, 6, 40000, 88), cut(kerberos::kProtocol, 6, 40000, 88);
      for (std::size_t k = 0; k < all.size(); k++) {
        const Data other = framed(all[k].second);
        split.send(all[k].first, k == i ? Bytes(other).first(n) : Bytes(other));
        if (k == i) split.send(all[k].first, Bytes(other).subspan(n));
        if (k <= i) cut.send(all[k].first, k == i ? Bytes(other).first(n) : Bytes(other));
      }
      EXPECT_EQ(split.close(), whole);
      cut.close();
      kerberos::Message out;
      Data wrong = all[i].second;
      if (n < wrong.size()) wrong[n] ^= 0xff;
      kerberos::read(wrong, out);
      kerberos::read(Bytes(all[i].second).first(std::min(n, all[i].second.size())), out);
    }
  }
}

// ---- limits ----

TEST(kerberos, lists_and_names_are_cut) {
  for (const std::size_t n : {kerberos::kListMax - 1, kerberos::kListMax, kerberos::kListMax + 1}) {
    kerberos::Message m;
    Data proofs;
    for (std::size_t i = 0; i < n; i++) proofs = proofs + pa(150, {});
    const Data request = tlv(
        0x6a,
        seq(ctx(1, number(5)) + ctx(2, number(10)) + ctx(3, seq(proofs)) +
            ctx(4, body(ctx(1, name(std::vector<std::string>(n, "p"))), name({"s"}), std::vector<unsigned>(n, 18)))));
    EXPECT(kerberos::read(request, m));
    const std::size_t kept = std::min(n, kerberos::kListMax);
    EXPECT_EQ(m.ciphers.size(), kept);
    EXPECT_EQ(m.preauth.size(), kept);
    EXPECT_EQ(m.client->size(), 2 * std::min(n, kerberos::kNamePartsMax) - 1);
  }
  for (const std::size_t n : {kerberos::kNameBytesMax - 1, kerberos::kNameBytesMax, kerberos::kNameBytesMax + 1}) {
    kerberos::Message m;
    EXPECT(kerberos::read(as_request(std::string(n, 'n')), m));
    EXPECT_EQ(m.client->size(), std::min(n, kerberos::kNameBytesMax));
  }
}
