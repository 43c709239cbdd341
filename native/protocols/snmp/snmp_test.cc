// Messages of RFC 1157, RFC 3416 and RFC 3412; limits at their edges.
#include "protocols/snmp/snmp.h"

#include "base/test.h"
#include "protocols/harness.h"

using namespace catenary;
using flow::Dir;
using flow::Harness;
using test::hex;
using Data = std::vector<std::uint8_t>;

namespace {

enum : std::uint8_t { kGet = 0xa0, kNext, kResponse, kSet, kTrapV1, kBulk, kInform, kTrapV2, kReport };

Data operator+(Data a, const Data& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
Data ber(std::uint8_t tag, const Data& content) {
  Data out = {tag};
  if (content.size() < 128)
    out.push_back(static_cast<std::uint8_t>(content.size()));
  else
    out = out + Data{0x82, static_cast<std::uint8_t>(content.size() >> 8), static_cast<std::uint8_t>(content.size())};
  return out + content;
}
Data number(std::uint8_t v) { return ber(2, {v}); }
Data octets(std::string_view s) { return ber(4, test::bytes(s)); }

const Data kDescription = hex("2b 06 01 02 01 01 01 00"), kUpTime = hex("2b 06 01 02 01 01 03 00");
const Data kTrapName = hex("2b 06 01 06 03 01 01 04 01 00"), kLinkDown = hex("2b 06 01 06 03 01 01 05 03");
const Data kNull = hex("05 00");

Data binding(const Data& name, const Data& value = kNull) { return ber(0x30, ber(6, name) + value); }
Data pdu(std::uint8_t type, const Data& bindings, std::uint8_t status = 0) {
  return ber(type, number(7) + number(status) + number(0) + ber(0x30, bindings));
}
Data message(const Data& inner, std::uint8_t version = 1, std::string_view community = "public") {
  return ber(0x30, number(version) + octets(community) + inner);
}
Data v3(std::uint8_t flags, std::string_view user, const Data& inner, std::uint8_t model = 3) {
  const Data security =
      ber(0x30, ber(4, hex("80 00 1f 88")) + number(1) + number(2) + octets(user) + octets("") + octets(""));
  return ber(0x30, number(3) + ber(0x30, number(9) + hex("02 02 05 dc") + ber(4, {flags}) + number(model)) +
                       ber(4, security) + inner);
}
Data scoped(const Data& inner) { return ber(0x30, octets("") + octets("") + inner); }

const Data kAsk = message(pdu(kGet, binding(kDescription)));
const Data kAnswer =
    message(pdu(kResponse, binding(kDescription, octets("router")) + binding(kUpTime, hex("43 02 03 e8"))));

Harness flow_of() { return {snmp::kProtocol, 17, 40000, 161}; }
std::string told_of(const Data& m, std::uint64_t events = 1) {
  Harness h = flow_of();
  h.orig(m);
  const std::string out = h.close();
  EXPECT_EQ(h.count(Kind::snmp), events);
  return out;
}
// In a flow that is known to be SNMP already.
std::string told_after(const Data& m) {
  Harness h = flow_of();
  h.orig(kAsk);
  h.orig(m);
  const std::string out = h.close();
  EXPECT_EQ(h.count(Kind::snmp), 1u);
  return out;
}

}  // namespace

TEST(snmp, a_flow_is_one_event) {
  Harness h = flow_of();
  h.orig(kAsk);
  h.wait(kSecond / 4);
  h.resp(kAnswer);
  EXPECT_EQ(std::string_view(h.flow().services[0]), "snmp");
  const std::string out = h.close();
  EXPECT_EQ(h.count(Kind::snmp), 1u);
  EXPECT_EQ(h.count(Kind::weird), 0u);
  EXPECT_HAS(out, R"("duration":0.25,"version":"2c","community":"public","get_requests":1,"get_bulk_requests":0,)"
                  R"("get_responses":2,"set_requests":0,"display_string":"router","up_since":1699999990.250000,)"
                  R"("messages":2,"traps":0,"first_oid":"1.3.6.1.2.1.1.1.0","last_oid":"1.3.6.1.2.1.1.1.0")");
  EXPECT_LACKS(out, "engine_id");
  EXPECT_LACKS(out, "is_encrypted");
}

TEST(snmp, variables_are_counted_by_type_of_message) {
  const Data three = binding(kDescription) + binding(kUpTime) + binding(kTrapName);
  EXPECT_HAS(told_of(message(pdu(kGet, three))), R"("get_requests":3)");
  EXPECT_HAS(told_of(message(pdu(kNext, three))), R"("get_requests":3)");
  EXPECT_HAS(told_of(message(pdu(kBulk, three))), R"("get_bulk_requests":3)");
  EXPECT_HAS(told_of(message(pdu(kResponse, three))), R"("get_responses":3)");
  EXPECT_HAS(told_of(message(pdu(kSet, three))), R"("set_requests":3)");
  EXPECT_HAS(told_of(message(pdu(kInform, three))), R"("traps":1)");
  EXPECT_HAS(told_of(message(pdu(kReport, three))), R"("set_requests":0,"messages":1,"traps":0)");
  EXPECT_HAS(told_of(message(pdu(kSet, three))),
             R"("first_oid":"1.3.6.1.2.1.1.1.0","last_oid":"1.3.6.1.6.3.1.1.4.1.0")");
}

TEST(snmp, versions_and_communities) {
  EXPECT_HAS(told_of(message(pdu(kGet, {}), 0, "private")), R"("version":"1","community":"private")");
  EXPECT_HAS(told_of(message(pdu(kGet, {}), 1, "")), R"("version":"2c","community":"")");
  Harness h = flow_of();
  h.orig(message(pdu(kGet, {}), 0, "first"));
  h.orig(message(pdu(kGet, {}), 1, "second"));
  EXPECT_HAS(h.close(), R"("version":"1","community":"first")");
  EXPECT_HAS(told_after(message(pdu(kGet, {}), 2)), "snmp_version_unknown");
}

TEST(snmp, the_first_error_of_an_answer) {
  EXPECT_HAS(told_of(message(pdu(kResponse, {}, 2))), R"("error_status":2)");
  EXPECT_LACKS(told_of(message(pdu(kResponse, {}))), "error_status");
  EXPECT_LACKS(told_of(message(pdu(kBulk, {}, 2))), "error_status");  // non-repeaters
}

// RFC 3412 6, RFC 3414 2.4.
TEST(snmp, version_three) {
  const std::string clear = told_of(v3(4, "admin", scoped(pdu(kGet, {}))));
  EXPECT_HAS(clear, R"("version":"3","community":"admin")");
  EXPECT_HAS(clear, R"("engine_id":"80001f88","user":"admin","is_authenticated":false,"is_encrypted":false)");
  const std::string hidden = told_of(v3(7, "admin", octets("????")));
  EXPECT_HAS(hidden, R"("user":"admin","is_authenticated":true,"is_encrypted":true)");
  EXPECT_LACKS(hidden, "community");
  EXPECT_LACKS(told_of(v3(4, "", scoped(pdu(kGet, {})))), "community");
  EXPECT_LACKS(told_of(v3(4, "admin", scoped(pdu(kGet, {})), 2)), "engine_id");  // another model of security
  EXPECT_HAS(told_after(v3(4, "admin", octets("not a sequence"))), "snmp_malformed");
  EXPECT_HAS(told_after(v3(6, "admin", scoped(pdu(kGet, {})))), "snmp_malformed");
}

TEST(snmp, traps) {
  const auto v1 = [](std::uint8_t generic) {
    return message(ber(kTrapV1, ber(6, hex("2b 06 01 04 01 09")) + hex("40 04 c0000201") + number(generic) +
                                    number(17) + hex("43 01 05") + ber(0x30, binding(kUpTime))),
                   0);
  };
  EXPECT_HAS(told_of(v1(2)), R"("traps":1,"trap_oid":"1.3.6.1.6.3.1.1.5.3")");
  EXPECT_HAS(told_of(v1(6)), R"("traps":1,"trap_oid":"1.3.6.1.4.1.9.0.17")");
  const Data v2 = message(pdu(kTrapV2, binding(kUpTime, hex("43 01 05")) + binding(kTrapName, ber(6, kLinkDown))));
  EXPECT_HAS(told_of(v2), R"("traps":1,"trap_oid":"1.3.6.1.6.3.1.1.5.3")");
  EXPECT_LACKS(told_of(v2), "up_since");
}

// Nothing of a message that is cut is counted, whatever its length says.
TEST(snmp, a_message_cut_anywhere) {
  const Data encrypted = v3(7, "admin", octets("????"));
  for (const Data& whole : {kAnswer, v3(4, "admin", scoped(pdu(kResponse, binding(kDescription)))), encrypted}) {
    for (std::size_t cut = 1; cut < whole.size(); cut++) {
      const Data part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(cut));
      const std::string out = told_after(part);
      EXPECT_HAS(out, "snmp_malformed");
      EXPECT_HAS(out, R"("get_responses":0)");
      told_of(part, 0);
    }
    EXPECT_LACKS(told_after(whole), "weird");
  }
}

TEST(snmp, contradictions_are_weirds) {
  for (const Data& wrong : {
           message(ber(kGet, number(1) + number(0) + number(0))),   // no list
           message(pdu(kGet, ber(0x31, {}))),                       // a set for a binding
           message(pdu(kGet, ber(0x30, ber(6, kUpTime)))),          // no value
           message(pdu(kGet, ber(0x30, ber(4, kUpTime) + kNull))),  // no name
           message(ber(kGet, octets("") + number(0) + number(0) + ber(0x30, {}))),
           message({}),
           ber(0x30, number(1)),
           ber(0x31, {}),
       }) {
    EXPECT_HAS(told_after(wrong), "snmp_malformed");
  }
  EXPECT_HAS(told_after(message(ber(0xa9, {}))), "snmp_pdu_unknown");
  EXPECT_HAS(told_after(message(ber(0x9e, {}))), "snmp_pdu_unknown");
}

// A binding whose name cannot be read is still one; as in Zeek.
TEST(snmp, a_name_that_is_too_long_is_a_weird) {
  const std::string out = told_of(message(pdu(kGet, binding(hex("2b 80 80 80 80 80 80 80 80 80 80 00")))));
  EXPECT_LACKS(out, "snmp_malformed");
  EXPECT_HAS(told_of(message(pdu(kGet, binding(hex("2b ff ff ff ff ff 7f"))))), "snmp_oid_too_long");
  EXPECT_HAS(told_of(message(pdu(kGet, binding(hex("2b 81"))))), "snmp_oid_too_long");
  EXPECT_HAS(told_of(message(pdu(kGet, binding({})))), "snmp_oid_too_long");
  EXPECT_HAS(told_of(message(pdu(kGet, binding({})))), R"("get_requests":1)");
}

// ---- names ----

TEST(snmp, names) {
  const auto text = [](const char* digits) {
    const Data bytes = hex(digits);
    snmp::OidText out;
    return snmp::oid_text(bytes, out) ? std::string(out.view()) : "no";
  };
  EXPECT_EQ(text("2b 06 01"), "1.3.6.1");
  EXPECT_EQ(text("00"), "0.0");
  EXPECT_EQ(text("27"), "0.39");
  EXPECT_EQ(text("28"), "1.0");
  EXPECT_EQ(text("4f"), "1.39");
  EXPECT_EQ(text("50"), "2.0");
  EXPECT_EQ(text("88 37"), "2.999");
  EXPECT_EQ(text("2b 8f ff ff ff 7f"), "1.3.4294967295");
  EXPECT_EQ(text("2b 90 80 80 80 00"), "no");
  EXPECT_EQ(text(""), "no");
}

// ---- limits ----

TEST(snmp, numbers_of_a_name_at_their_limit) {
  for (std::size_t n = snmp::kOidNumbersMax - 1; n <= snmp::kOidNumbersMax + 1; n++) {
    snmp::OidText out;
    const Data name(n - 1, 1);  // the first byte is two numbers
    EXPECT_EQ(snmp::oid_text(name, out), n <= snmp::kOidNumbersMax);
    EXPECT(out.is_cut);
  }
}

TEST(snmp, text_of_a_name_at_its_limit) {
  for (std::size_t n = snmp::kOidTextMax - 1; n <= snmp::kOidTextMax + 1; n++) {
    // "0.1", then ".1" each; an odd length has one number of two digits.
    Data name((n - 1) / 2, 1);
    if (n % 2 == 0) name.back() = 10;
    snmp::OidText out;
    EXPECT(snmp::oid_text(name, out));
    EXPECT_EQ(out.is_cut, n > snmp::kOidTextMax);
    EXPECT(out.size <= snmp::kOidTextMax);
    const std::string told = told_of(message(pdu(kGet, binding(name))));
    EXPECT_EQ(told.find(R"("cut":true)") != std::string::npos, n > snmp::kOidTextMax);
  }
}

TEST(snmp, texts_at_their_limit) {
  for (std::size_t more = 0; more <= 2; more++) {
    const auto is_cut = [](const std::string& out) { return out.find(R"("cut":true)") != std::string::npos; };
    const std::string community(snmp::kCommunityMax - 1 + more, 'c'), user(snmp::kNameMax - 1 + more, 'u');
    const std::string description(snmp::kDescriptionMax - 1 + more, 'd');
    EXPECT_EQ(is_cut(told_of(message(pdu(kGet, {}), 1, community))), more == 2);
    EXPECT_EQ(is_cut(told_of(v3(7, user, octets("????")))), more == 2);
    EXPECT_EQ(is_cut(told_of(message(pdu(kResponse, binding(kDescription, octets(description)))))), more == 2);
  }
}

// ---- detection ----

TEST(snmp, any_port) {
  Harness h(snmp::kProtocol, 17, 40000, 9999);
  h.orig(kAsk);
  EXPECT(h.is_attached());
  EXPECT_EQ(h.flow().service_count, 0u);  // one side alone confirms nothing
}

TEST(snmp, who_speaks_first_from_its_port_answers) {
  Harness h(snmp::kProtocol, 17, 161, 40000);
  h.orig(kAnswer);
  EXPECT_EQ(h.flow().orig_p, 40000);
  Harness both(snmp::kProtocol, 17, 161, 162);
  both.orig(kAnswer);
  EXPECT_EQ(both.flow().orig_p, 161);
}

TEST(snmp, other_protocols_are_not_claimed) {
  // CLDAP, Kerberos, DNS, a version that is not assigned, a message of no type that is.
  for (const Data& first : {hex("30 0c 02 01 01 63 07 0a 01 00 0a 01 00 02 01 00"), hex("6a 03 02 01 05"), Data(40),
                            message(pdu(kGet, {}), 2), message(ber(0x30, {})), message({}), Data{0x30}}) {
    Harness h = flow_of();
    h.orig(first);
    EXPECT(!h.is_attached());
  }
}
