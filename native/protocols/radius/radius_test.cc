// Packets of RFC 2865 3, a request and its answer one record; limits at their edges.
#include "protocols/radius/radius.h"

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
Data attribute(unsigned type, std::string_view value) {
  return Data{static_cast<std::uint8_t>(type), static_cast<std::uint8_t>(value.size() + 2)} +
         Data(value.begin(), value.end());
}
Data packet(unsigned code, unsigned id, const Data& attributes = {}) {
  const std::size_t n = 20 + attributes.size();
  return Data{static_cast<std::uint8_t>(code), static_cast<std::uint8_t>(id), static_cast<std::uint8_t>(n >> 8),
              static_cast<std::uint8_t>(n)} +
         Data(16) + attributes;
}
const Data kAsk =
    packet(1, 7,
           attribute(1, "alice") + attribute(2, std::string(16, 'x')) + attribute(31, "02-00-5E-00-53-01") +
               attribute(32, "ap1") + attribute(30, "office") + attribute(77, "11g"));

Harness flow_of(std::uint16_t port = 1812) { return {radius::kProtocol, 17, 40000, port}; }

}  // namespace

TEST(radius, first_bytes) {
  const auto ask = [](const Data& d, std::uint16_t port) {
    return radius::probe({Dir::kOrig, d, 40000, port, false, true});
  };
  EXPECT(ask(kAsk, 9000) == Probe::kYes);
  EXPECT(ask(packet(2, 7), 1812) == Probe::kYes);
  EXPECT(ask(packet(2, 7), 9000) == Probe::kNo);  // twenty bytes could be anything
  EXPECT(ask(packet(6, 7, attribute(1, "a")), 1812) == Probe::kNo);
  EXPECT(ask(kAsk + Data{0}, 9000) == Probe::kNo);
  EXPECT(ask(packet(1, 7, {1, 1}), 1812) == Probe::kNo);
  EXPECT(ask({}, 1812) == Probe::kNo);
}

TEST(radius, a_request_and_its_answer) {
  Harness h = flow_of();
  h.orig(kAsk);
  h.wait(kSecond / 2);
  h.resp(packet(2, 7, attribute(18, "welcome") + attribute(8, "\xc0\xa8\x01\x09")));
  const std::string out = h.close();
  EXPECT_EQ(h.count(Kind::radius), 1u);
  EXPECT_HAS(out,
             R"("username":"alice","mac":"02:00:5e:00:53:01","framed_addr":"192.168.1.9","connect_info":"11g",)"
             R"("reply_msg":"welcome","result":"success","ttl":0.5,"code":"access-request","nas":"ap1","auth":"pap",)"
             R"("called_station":"office")");
  EXPECT_LACKS(out, "xxxx");
}

TEST(radius, results) {
  for (const auto& [code, result] :
       {std::pair{2, "success"}, {3, "failed"}, {5, "success"}, {42, "failed"}, {44, "success"}}) {
    Harness h = flow_of();
    h.orig(kAsk);
    h.resp(packet(static_cast<unsigned>(code), 7));
    EXPECT_HAS(h.close(), std::string(R"("result":")") + result + "\"");
  }
  Harness silent = flow_of();
  silent.orig(kAsk);
  silent.orig(kAsk);
  EXPECT_HAS(silent.close(), R"("result":"unknown")");
  EXPECT_EQ(silent.count(Kind::radius), 1u);
}

TEST(radius, a_challenge_waits_for_the_end) {
  Harness h = flow_of();
  h.orig(packet(1, 7, attribute(79, "e")));
  h.resp(packet(11, 7, attribute(79, "e")));
  EXPECT_EQ(h.count(Kind::radius), 0u);
  EXPECT_HAS(h.close(), R"("auth":"eap")");
}

// RFC 2865 4.4, 5.24: rounds have identifiers of their own; State, where there is one, says whose they are.
TEST(radius, what_answers_a_challenge_is_the_same_request) {
  for (const Data& state : {attribute(24, "s1"), Data{}}) {
    Harness h = flow_of();
    h.orig(packet(1, 7, attribute(1, "alice") + attribute(79, "e")));
    h.resp(packet(11, 7, state + attribute(18, "code?") + attribute(8, "\xc0\xa8\x01\x08")));
    h.wait(kSecond);
    h.orig(packet(1, 8, attribute(1, "alice") + state));
    h.resp(packet(2, 8, attribute(18, "welcome") + attribute(8, "\xc0\xa8\x01\x09")));
    const std::string out = h.close();
    EXPECT_EQ(h.count(Kind::radius), 1u);
    EXPECT_HAS(out, R"("framed_addr":"192.168.1.9")");
    EXPECT_HAS(out, R"("result":"success","ttl":1)");
    EXPECT_HAS(out, R"("challenges":1,"challenge_addr":"192.168.1.8","challenge_msg":"code?")");
  }
  Harness other = flow_of();
  other.orig(packet(1, 7, attribute(1, "alice")));
  other.resp(packet(11, 7, attribute(24, "s1")));
  other.orig(packet(1, 8, attribute(1, "alice") + attribute(24, "s2")));
  other.close();
  EXPECT_EQ(other.count(Kind::radius), 2u);
}

TEST(radius, proofs_and_addresses) {
  Harness h = flow_of();
  h.orig(packet(1, 1, attribute(3, "0123456789abcdefg") + attribute(4, "\x0a\x01\x02\x03")));
  h.orig(packet(1, 2, attribute(26, std::string("\0\0\x01\x37\x19\x04xx", 8)) + attribute(31, "4711")));
  const std::string out = h.close();
  EXPECT_HAS(out, R"("nas":"10.1.2.3","auth":"chap")");
  EXPECT_HAS(out, R"("mac":"4711")");
  EXPECT_HAS(out, R"("auth":"mschap")");
}

TEST(radius, contradictions_are_weirds) {
  for (const Data& wrong : {packet(1, 7, {1, 1}), packet(1, 7, {1, 9, 0}), packet(9, 7), Data{1, 7, 0, 19}}) {
    Harness h = flow_of();
    h.orig(kAsk);
    h.orig(wrong);
    EXPECT_HAS(h.close(), "radius_malformed");
  }
}

TEST(radius, every_cut_and_every_changed_byte_ends) {
  for (std::size_t n = 0; n < kAsk.size(); n++) {
    Harness cut = flow_of(), changed = flow_of();
    cut.orig(kAsk);
    cut.orig(Bytes(kAsk).first(n));
    Data wrong = kAsk;
    wrong[n] ^= 0xff;
    changed.orig(kAsk);
    changed.orig(wrong);
    if (n > 0) EXPECT_HAS(cut.close(), "radius_malformed");
  }
}

TEST(radius, so_many_requests_wait) {
  for (const std::size_t n : {radius::kPendingMax - 1, radius::kPendingMax, radius::kPendingMax + 1}) {
    Harness h = flow_of();
    for (std::size_t i = 0; i < n; i++) h.orig(packet(1, static_cast<unsigned>(i), attribute(1, "a")));
    EXPECT_EQ(h.count(Kind::radius), n > radius::kPendingMax ? 1u : 0u);
    h.close();
    EXPECT_EQ(h.count(Kind::radius), n);
    EXPECT_EQ(h.count(Kind::weird), n > radius::kPendingMax ? 1u : 0u);
  }
}
