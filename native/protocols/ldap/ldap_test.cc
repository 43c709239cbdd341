// Messages of RFC 4511 4 and filters of RFC 4515; limits at their edges.
#include "protocols/ldap/ldap.h"

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
  const std::size_t n = value.size();
  if (n < 0x80)
    out.push_back(static_cast<std::uint8_t>(n));
  else
    out = out + Data{0x83, static_cast<std::uint8_t>(n >> 16), static_cast<std::uint8_t>(n >> 8),
                     static_cast<std::uint8_t>(n)};
  return out + value;
}
Data text(std::string_view s, unsigned tag = 4) { return tlv(tag, {s.begin(), s.end()}); }
Data number(unsigned n, unsigned tag = 2) { return tlv(tag, {static_cast<std::uint8_t>(n)}); }
Data message(unsigned id, const Data& op) { return tlv(0x30, number(id) + op); }
Data bind(unsigned id, std::string_view name, const Data& choice) {
  return message(id, tlv(0x60, number(3) + text(name) + choice));
}
Data result(unsigned id, unsigned tag, unsigned code, std::string_view said = {}) {
  return message(id, tlv(tag, number(code, 0x0a) + text("") + text(said)));
}
Data search(unsigned id, const Data& filter, const std::vector<std::string>& attributes = {}) {
  Data list;
  for (const std::string& a : attributes) list = list + text(a);
  return message(id, tlv(0x63, text("dc=example,dc=test") + number(2, 0x0a) + number(0, 0x0a) + number(0) + number(0) +
                                   number(0, 1) + filter + tlv(0x30, list)));
}
Data is(std::string_view name, std::string_view value, unsigned tag = 0xa3) {
  return tlv(tag, text(name) + text(value));
}
const Data kPresent = text("objectClass", 0x87);
Data entry(unsigned id, std::size_t n = 10) { return message(id, tlv(0x64, text("cn=x") + tlv(0x30, Data(n)))); }

using Turns = std::vector<std::pair<Dir, Data>>;
constexpr Dir kUp = Dir::kOrig, kDown = Dir::kResp;
std::string told(const Turns& turns, std::uint8_t proto = 6) {
  Harness h(ldap::kProtocol, proto, 40000, 389);
  for (const auto& [dir, m] : turns) h.send(dir, m);
  return h.close();
}
std::string filter_of(const Data& filter) {
  Cursor in(filter);
  std::string out;
  bool is_cut = false;
  return ldap::filter_text(ber::next(in), out, is_cut) ? out + (is_cut ? "..." : "") : "wrong";
}

}  // namespace

TEST(ldap, first_bytes) {
  const auto ask = [](const Data& d, bool is_tcp = true) { return ldap::probe({kUp, d, 40000, 9000, is_tcp, true}); };
  EXPECT(ask(bind(1, "", text("", 0x80))) == Probe::kYes);
  EXPECT(ask(search(1, kPresent)) == Probe::kYes);
  EXPECT(ask(search(1, kPresent), false) == Probe::kYes);
  EXPECT(ask(result(1, 0x61, 0)) == Probe::kYes);
  EXPECT(ask(message(1, tlv(0x42, {}))) == Probe::kYes);
  EXPECT(ask(hex("3026 0201 01 04 06 7075626c6963 a019")) == Probe::kNo);  // SNMP
  EXPECT(ask(message(1, tlv(0x60, number(4) + text("")))) == Probe::kNo);
  EXPECT(ask(hex("30")) == Probe::kMore);
  EXPECT(ask(hex("16 0301")) == Probe::kNo);
}

TEST(ldap, binds) {
  const std::string simple =
      told({{kUp, bind(1, "cn=admin", text("secret", 0x80))}, {kDown, result(1, 0x61, 49, "no")}});
  EXPECT_HAS(simple, R"("message_id":1,"version":3,"opcode":"bind simple","result":"invalid credentials",)"
                     R"("diagnostic_message":"no","object":"cn=admin","argument":"REDACTED","result_code":49)");
  EXPECT_LACKS(simple, "secret");
  EXPECT_LACKS(told({{kUp, bind(1, "", text("", 0x80))}}), "argument");
  const Data sasl = tlv(0xa3, text("GSS-SPNEGO") + tlv(4, hex("4e544c4d53535000 01000000 01000000")));
  const std::string out = told({{kUp, bind(2, "", sasl)}, {kDown, result(2, 0x61, 14)}});
  EXPECT_HAS(out, R"("opcode":"bind SASL","result":"SASL bind in progress","argument":"GSS-SPNEGO")");
  EXPECT_HAS(out, R"("kind":"ntlm")");
}

TEST(ldap, a_search_and_what_it_finds) {
  const Turns turns = {{kUp, search(7, is("cn", "x"), {"cn", "mail"})},
                       {kDown, entry(7) + entry(7) + result(7, 0x65, 0)}};
  const std::string out = told(turns);
  EXPECT_HAS(out,
             R"("message_id":7,"scope":"tree","deref_aliases":"never","base_object":"dc=example,dc=test",)"
             R"x("result_count":2,"result":"success","filter":"(cn=x)","attributes":["cn","mail"],"result_code":0)x");
  EXPECT_HAS(told(turns, 17), R"("result_count":2)");
  EXPECT_LACKS(told({{kUp, search(7, kPresent)}}), R"("result":)");
}

TEST(ldap, other_operations) {
  EXPECT_HAS(
      told({{kUp, bind(9, "", text("", 0x80))}, {kUp, message(1, text("cn=a", 0x4a))}, {kDown, result(1, 0x6b, 32)}}),
      R"("opcode":"delete","result":"no such object","object":"cn=a")");
  EXPECT_HAS(told({{kUp, message(1, tlv(0x66, text("cn=a") + tlv(0x30, {})))}}),
             R"("opcode":"modify","object":"cn=a")");
  EXPECT_HAS(told({{kUp, message(1, tlv(0x6c, text("cn=a") + text("cn=b") + number(1, 1)))}}),
             R"("opcode":"modify DN","object":"cn=a","argument":"cn=b")");
  EXPECT_HAS(told({{kUp, message(9, tlv(0x42, {}))}}), R"("message_id":9,"opcode":"unbind")");
  EXPECT_HAS(told({{kUp, message(1, tlv(0x77, text("1.2.3", 0x80)))}}), R"("opcode":"extended","object":"1.2.3")");
}

TEST(ldap, over_to_tls) {
  Harness h(ldap::kProtocol, 6, 40000, 389);
  h.orig(message(1, tlv(0x77, text("1.3.6.1.4.1.1466.20037", 0x80))));
  EXPECT(h.is_attached());
  h.resp(result(1, 0x78, 0));
  EXPECT(!h.is_attached());
  EXPECT_HAS(h.close(), R"x("object":"1.3.6.1.4.1.1466.20037 (StartTLS)")x");
}

TEST(ldap, filters) {
  const Data a = is("a", "1"), b = is("b", "2"), c = is("c", "3");
  EXPECT_EQ(filter_of(tlv(0xa0, a + tlv(0xa1, b + c) + tlv(0xa2, a))), "(&(a=1)(|(b=2)(c=3))(!(a=1)))");
  EXPECT_EQ(filter_of(is("a", "1", 0xa5) + a), "(a>=1)");
  EXPECT_EQ(filter_of(is("a", "1", 0xa6)), "(a<=1)");
  EXPECT_EQ(filter_of(is("a", "1", 0xa8)), "(a~=1)");
  EXPECT_EQ(filter_of(kPresent), "(objectClass=*)");
  EXPECT_EQ(filter_of(is("a", "*()\\")), "(a=\\2a\\28\\29\\5c)");
  const auto parts = [](const Data& p) { return tlv(0xa4, text("a") + tlv(0x30, p)); };
  EXPECT_EQ(filter_of(parts(text("x", 0x80) + text("y", 0x81) + text("z", 0x82))), "(a=x*y*z)");
  EXPECT_EQ(filter_of(parts(text("y", 0x81))), "(a=*y*)");
  EXPECT_EQ(filter_of(parts(text("x", 0x80))), "(a=x*)");
  EXPECT_EQ(filter_of(parts(text("z", 0x82))), "(a=*z)");
  EXPECT_EQ(filter_of(tlv(0xa9, text("1.2", 0x81) + text("a", 0x82) + text("v", 0x83) + hex("8401ff"))),
            "(a:dn:1.2:=v)");
  EXPECT_EQ(filter_of(tlv(0xa0, {})), "(&)");
  EXPECT_EQ(filter_of(tlv(0xaa, {})), "wrong");
  EXPECT_EQ(filter_of(tlv(0xa0, hex("a305"))), "wrong");
}

TEST(ldap, signed_messages_are_read_and_sealed_ones_are_not) {
  const Data sasl = tlv(0xa3, text("GSSAPI"));
  const auto play = [&](unsigned flags, const Data& before, const Data& behind, unsigned rotation) {
    const Data m = search(7, kPresent);
    const Data token =
        Data{5, 4, static_cast<std::uint8_t>(flags), 0xff, 0, 12, 0, static_cast<std::uint8_t>(rotation)} + Data(8) +
        before + m + behind;
    return told({{kUp, bind(1, "", sasl)},
                 {kDown, result(1, 0x61, 0)},
                 {kUp, Data{0, 0, 0, static_cast<std::uint8_t>(token.size())} + token}});
  };
  EXPECT_HAS(play(4, {}, Data(12), 0), "objectClass");
  EXPECT_HAS(play(4, Data(12), {}, 12), "objectClass");
  EXPECT_LACKS(play(6, {}, Data(12), 0), "objectClass");
}

TEST(ldap, contradictions_are_weirds) {
  for (const Data& wrong :
       {message(1, tlv(0x63, text("x"))), message(1, tlv(0x60, number(3))), message(1, tlv(0x65, number(0, 0x0a)))}) {
    EXPECT_HAS(told({{kUp, bind(9, "", text("", 0x80))}, {kUp, wrong}}), "ldap_malformed");
  }
  EXPECT_HAS(told({{kUp, bind(9, "", text("", 0x80))}, {kUp, message(1, tlv(0x7a, {}))}}), "ldap_operation_unknown");
  Harness h(ldap::kProtocol, 6, 40000, 389);
  h.orig(bind(9, "", text("", 0x80)));
  h.orig(hex("31 03 020101"));
  EXPECT(!h.is_attached());
}

TEST(ldap, every_cut_every_split_and_every_changed_byte) {
  const Turns all = {{kUp, bind(1, "cn=a", text("p", 0x80))},
                     {kDown, result(1, 0x61, 0)},
                     {kUp, search(2, tlv(0xa0, is("a", "b") + kPresent), {"x"})},
                     {kDown, entry(2)},
                     {kDown, result(2, 0x65, 0)}};
  const std::string whole = told(all);
  for (std::size_t i = 0; i < all.size(); i++) {
    for (std::size_t n = 0; n < all[i].second.size(); n++) {
      Harness split(ldap::kProtocol, 6, 40000, 389), cut(ldap::kProtocol, 6, 40000, 389),
          changed(ldap::kProtocol, 6, 40000, 389);
      for (std::size_t k = 0; k < all.size(); k++) {
        const Data& m = all[k].second;
        Data wrong = m;
        if (k == i) wrong[n] ^= 0xff;
        changed.send(all[k].first, wrong);
        if (k <= i) cut.send(all[k].first, k == i ? Bytes(m).first(n) : Bytes(m));
        split.send(all[k].first, k == i ? Bytes(m).first(n) : Bytes(m));
        if (k == i) split.send(all[k].first, Bytes(m).subspan(n));
      }
      EXPECT_EQ(split.close(), whole);
    }
  }
}

// ---- limits ----

TEST(ldap, so_many_operations_wait) {
  for (const std::size_t n : {ldap::kPendingMax - 1, ldap::kPendingMax, ldap::kPendingMax + 1}) {
    Harness h(ldap::kProtocol, 6, 40000, 389);
    for (std::size_t i = 0; i < n; i++) h.orig(search(static_cast<unsigned>(i), kPresent));
    EXPECT_EQ(h.count(Kind::ldap_search), n > ldap::kPendingMax ? 1u : 0u);
    h.close();
    EXPECT_EQ(h.count(Kind::ldap_search), n);
    EXPECT_EQ(h.count(Kind::weird), n > ldap::kPendingMax ? 1u : 0u);
  }
}

TEST(ldap, a_filter_has_a_depth_parts_and_a_length) {
  for (const std::size_t n : {ldap::kFilterDepthMax - 1, ldap::kFilterDepthMax, ldap::kFilterDepthMax + 1}) {
    Data f = is("a", "1");
    for (std::size_t i = 0; i < n; i++) f = tlv(0xa2, f);
    EXPECT_EQ(filter_of(f).ends_with("..."), n > ldap::kFilterDepthMax);
  }
  for (const std::size_t n : {ldap::kFilterPartsMax - 1, ldap::kFilterPartsMax, ldap::kFilterPartsMax + 1}) {
    Data f;
    for (std::size_t i = 1; i < n; i++) f = f + is("a", "");
    EXPECT_EQ(filter_of(tlv(0xa0, f)).ends_with("..."), n > ldap::kFilterPartsMax);
  }
  for (const std::size_t n : {ldap::kFilterBytesMax - 1, ldap::kFilterBytesMax, ldap::kFilterBytesMax + 1}) {
    EXPECT_EQ(filter_of(is("a", std::string(n - 4, 'v'))).ends_with("..."), n > ldap::kFilterBytesMax);
  }
  EXPECT_HAS(told({{kUp, search(1, is("a", std::string(5000, 'v')))}}), "ldap_filter_limit");
}

TEST(ldap, a_long_message_is_passed_over_and_an_entry_counted) {
  const std::size_t base = bind(1, "", text("", 0x80)).size();
  for (const std::size_t n : {ldap::kMessageBytesMax - 1, ldap::kMessageBytesMax, ldap::kMessageBytesMax + 1}) {
    const Data probe = bind(1, "", text(std::string(n - base, 'p'), 0x80));
    const Data long_bind = bind(1, "", text(std::string(n - base - (probe.size() - n), 'p'), 0x80));
    EXPECT_EQ(long_bind.size(), n);
    const std::string out =
        told({{kUp, long_bind}, {kUp, search(2, kPresent)}, {kDown, entry(2, 200'000)}, {kDown, result(2, 0x65, 0)}});
    EXPECT_EQ(out.find("ldap_message_too_long") != std::string::npos, n > ldap::kMessageBytesMax);
    EXPECT_HAS(out, R"("result_count":1,"result":"success")");
  }
}
