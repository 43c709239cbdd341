// Messages of MS-NLMP 2.2.1, one exchange a record; limits at their edges.
#include "protocols/ntlm/ntlm.h"

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
Data le(std::uint64_t v, std::size_t n) {
  Data out;
  for (std::size_t i = 0; i < n; i++) out.push_back(static_cast<std::uint8_t>(v >> (8 * i)));
  return out;
}
Data wide(std::string_view s) {
  Data out;
  for (const char c : s) out = out + le(static_cast<std::uint8_t>(c), 2);
  return out;
}
Data narrow(std::string_view s) { return {s.begin(), s.end()}; }
Data head(std::uint32_t type) { return narrow(std::string_view("NTLMSSP\0", 8)) + le(type, 4); }
Data at(std::size_t length, std::size_t offset) { return le(length, 2) + le(length, 2) + le(offset, 4); }
Data pair(std::uint16_t id, const Data& value) { return le(id, 2) + le(value.size(), 2) + value; }

const Data kVersion = {10, 0, 0x61, 0x4a, 0, 0, 0, 15};  // 10.0.19041
const Data kNegotiate = head(1) + le(0x02000001, 4) + at(0, 0) + at(0, 0) + kVersion;
const Data kPairs = pair(2, wide("EXAMPLE")) + pair(1, wide("DC1")) + pair(4, wide("example.test")) +
                    pair(3, wide("dc1.example.test")) + pair(5, wide("forest.test")) + pair(7, le(1, 8)) + pair(0, {});

Data challenge(const Data& pairs = kPairs, std::uint32_t flags = 0x02800001) {
  return head(2) + at(0, 0) + le(flags, 4) + le(0x8877665544332211, 8) + le(0, 8) + at(pairs.size(), 56) + kVersion +
         pairs;
}
Data authenticate(std::string_view user, std::size_t nt = 200, std::size_t lm = 24, std::uint32_t flags = 0x00000001) {
  const Data domain = wide("EXAMPLE"), name = wide(user), host = wide("WORK5");
  const std::size_t base = 64;
  std::size_t next = base;
  const auto put = [&](std::size_t size) {
    next += size;
    return at(size, next - size);
  };
  Data fields;
  for (const std::size_t size : {lm, nt, domain.size(), name.size(), host.size(), std::size_t{0}})
    fields = fields + put(size);
  return head(3) + fields + le(flags, 4) + Data(lm + nt) + domain + name + host;
}

Harness flow_of() { return {ntlm::kProtocol, 6, 40000, 445}; }

std::string told(const std::vector<std::pair<char, Data>>& messages) {
  Harness h = flow_of();
  for (const auto& [side, m] : messages) side == '>' ? h.orig(m) : h.resp(m);
  return h.close();
}

}  // namespace

TEST(ntlm, an_exchange_is_one_record) {
  Harness h = flow_of();
  h.orig(kNegotiate);
  h.resp(challenge());
  h.orig(authenticate("alice"));
  h.outcome(true, true);
  const std::string out = h.close();
  EXPECT_EQ(h.count(Kind::ntlm), 1u);
  EXPECT_EQ(h.count(Kind::weird), 0u);
  EXPECT_HAS(out, R"("username":"alice","hostname":"WORK5","domainname":"EXAMPLE","server_nb_computer_name":"DC1",)"
                  R"("server_dns_computer_name":"dc1.example.test","server_tree_name":"forest.test","success":true,)"
                  R"("success_in_token":true,"ordinal":1,"superseded":false,"server_nb_domain_name":"EXAMPLE",)"
                  R"("server_dns_domain_name":"example.test","client_version":"10.0.19041",)"
                  R"("server_version":"10.0.19041","response":"ntlmv2","challenge":"1122334455667788")");
  EXPECT_EQ(h.flow().service_count, 1u);
}

TEST(ntlm, kinds_of_responses) {
  EXPECT_HAS(told({{'>', authenticate("a", 24)}}), R"("response":"ntlmv1")");
  EXPECT_HAS(told({{'>', authenticate("a", 24, 24, 0x00080001)}}), R"("response":"ntlmv1-ess")");
  EXPECT_HAS(told({{'>', authenticate("a", 0)}}), R"("response":"lm")");
  EXPECT_HAS(told({{'>', authenticate("", 0, 1)}}), R"("response":"anonymous")");
  EXPECT_LACKS(told({{'>', authenticate("", 0, 1)}}), "username");
}

TEST(ntlm, how_it_ended_is_said_by_the_token_or_around_it) {
  Harness h = flow_of();
  h.orig(authenticate("alice"));
  h.outcome(false, false);
  EXPECT_HAS(h.close(), R"("success":false,"success_in_token":false)");
  EXPECT_LACKS(told({{'>', authenticate("alice")}}), R"("success":)");
}

TEST(ntlm, another_exchange_supersedes_one_without_an_end) {
  Harness h = flow_of();
  for (const char* user : {"alice", "bob"}) {
    h.orig(kNegotiate);
    h.resp(challenge());
    h.orig(authenticate(user));
  }
  h.outcome(true, true);
  h.orig(kNegotiate);
  const std::string out = h.close();
  EXPECT_EQ(h.count(Kind::ntlm), 3u);
  EXPECT_HAS(out, R"("username":"alice")");
  EXPECT_HAS(out, R"("ordinal":1,"superseded":true)");
  EXPECT_HAS(out, R"("ordinal":1,"superseded":false)");
  EXPECT_HAS(out, R"("ordinal":2,"superseded":false)");
}

// MS-NLMP 2.2.1: old clients end their messages early.
TEST(ntlm, short_forms) {
  EXPECT_LACKS(told({{'>', head(1) + le(1, 4)}, {'<', head(2) + at(0, 0) + le(1, 4) + le(7, 8)}}), "ntlm_malformed");
  const Data old = head(3) + at(0, 0) + at(0, 0) + at(0, 0) + at(2, 52) + at(0, 0) + wide("x");
  EXPECT_HAS(told({{'>', old}}), R"("username":"x")");
}

TEST(ntlm, contradictions_are_weirds) {
  Data outside = challenge();
  outside[44] = 200;  // the offset of the pairs
  for (const Data& wrong :
       {outside, narrow("NTLMSSQ"), head(2), challenge(pair(1, wide("DC1"))), challenge(Data{1, 0, 9, 0})}) {
    EXPECT_HAS(told({{'>', wrong}}), "ntlm_malformed");
  }
  EXPECT_HAS(told({{'>', head(4)}}), "ntlm_type_unknown");
}

TEST(ntlm, every_cut_and_every_changed_byte_ends) {
  for (const Data& whole : {kNegotiate, challenge(), authenticate("alice")}) {
    for (std::size_t n = 0; n < whole.size(); n++) {
      told({{'>', Data(whole.begin(), whole.begin() + static_cast<long>(n))}});
      Data changed = whole;
      changed[n] ^= 0xff;
      told({{'>', changed}});
    }
  }
}

TEST(ntlm, a_name_is_cut_at_its_limit) {
  for (const std::size_t n : {ntlm::kNameBytesMax - 1, ntlm::kNameBytesMax, ntlm::kNameBytesMax + 1}) {
    const std::string out = told({{'>', authenticate(std::string(n, 'u'))}});
    EXPECT_HAS(out, "\"username\":\"" + std::string(std::min(n, ntlm::kNameBytesMax), 'u') + "\"");
    EXPECT_HAS(out, n > ntlm::kNameBytesMax ? R"("cut":true)" : R"("cut":false)");
  }
}

TEST(ntlm, so_many_pairs_are_looked_at) {
  for (const std::size_t n : {ntlm::kPairsMax - 2, ntlm::kPairsMax - 1, ntlm::kPairsMax}) {
    Data pairs;
    for (std::size_t i = 0; i < n; i++) pairs = pairs + pair(9, {});
    const std::string out = told({{'<', challenge(pairs + pair(0, {}))}});
    if (n < ntlm::kPairsMax)
      EXPECT_LACKS(out, "ntlm_malformed");
    else
      EXPECT_HAS(out, "ntlm_malformed");
  }
}
