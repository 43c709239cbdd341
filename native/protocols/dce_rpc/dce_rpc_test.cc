// Fragments of C706 12.6 and MS-RPCE 2.2.2, one call a record; limits at their edges.
#include "protocols/dce_rpc/dce_rpc.h"

#include "base/test.h"
#include "protocols/dce_rpc/endpoint_map.h"
#include "protocols/dce_rpc/interfaces.h"
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
Data le(std::uint64_t v, std::size_t n) {
  Data out;
  for (std::size_t i = 0; i < n; i++) out.push_back(static_cast<std::uint8_t>(v >> (8 * i)));
  return out;
}
Data pdu(unsigned type, std::uint32_t call, const Data& body, unsigned flags = 3, const Data& auth = {}) {
  const std::size_t trailer = auth.empty() ? 0 : auth.size();
  return Data{5, 0, static_cast<std::uint8_t>(type), static_cast<std::uint8_t>(flags), 0x10, 0, 0, 0} +
         le(16 + body.size() + trailer, 2) + le(trailer > 0 ? trailer - 8 : 0, 2) + le(call, 4) + body + auth;
}
const Data kSvcctl = hex("81bb7a36 4498f135 ad3298f0 38001003");
const Data kMapper = hex("0883afe1 1f5dc911 91a40800 2b14a0fa");
const Data kNdr = hex("045d888a eb1cc911 9fe80800 2b104860 02000000");
Data context(unsigned id, const Data& uuid) { return le(id, 2) + le(1, 2) + uuid + le(2, 4) + kNdr; }
Data bind(const Data& contexts, unsigned count = 1, unsigned type = 11, const Data& auth = {}) {
  return pdu(type, 1, le(0x16d0, 2) + le(0x16d0, 2) + le(0, 4) + le(count, 4) + contexts, 3, auth);
}
const Data kAck =
    pdu(12, 1, le(0x16d0, 2) + le(0x16d0, 2) + le(1, 4) + le(4, 2) + hex("31333500") + le(1, 4) + le(0, 4) + kNdr);
Data request(std::uint32_t call, unsigned opnum, const Data& stub = {}, unsigned ctx = 0, unsigned flags = 3) {
  return pdu(0, call, le(stub.size(), 4) + le(ctx, 2) + le(opnum, 2) + stub, flags);
}
Data response(std::uint32_t call, const Data& stub = {}, unsigned flags = 3) {
  return pdu(2, call, le(stub.size(), 4) + le(0, 4) + stub, flags);
}

Harness flow_of() { return {dce_rpc::kProtocol, 6, 40000, 135}; }
using Turns = std::vector<std::pair<Dir, Data>>;
constexpr Dir kUp = Dir::kOrig, kDown = Dir::kResp;
std::string told(const Turns& turns) {
  Harness h = flow_of();
  for (const auto& [dir, m] : turns) h.send(dir, m);
  return h.close();
}
const Turns kBound = {{kUp, bind(context(0, kSvcctl))}, {kDown, kAck}};
Turns bound(const Turns& more) {
  Turns all = kBound;
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace

TEST(dce_rpc, first_bytes) {
  const auto ask = [](const Data& d) { return dce_rpc::probe({kUp, d, 40000, 49664, true, true}); };
  EXPECT(ask(bind(context(0, kSvcctl))) == Probe::kYes);
  EXPECT(ask(kAck) == Probe::kYes);
  EXPECT(ask(hex("0500 0b03 00000000 0048 0000 00000001")) == Probe::kYes);  // big endian
  EXPECT(ask(hex("0500 0b03 10000000 4800 4800 01000000")) == Probe::kNo);   // more authentication than fragment
  EXPECT(ask(hex("0500 0b03 20000000 4800 0000 01000000")) == Probe::kNo);
  EXPECT(ask(hex("0500 09")) == Probe::kNo);
  EXPECT(ask(hex("0502")) == Probe::kNo);
  EXPECT(ask(hex("0500")) == Probe::kMore);
  EXPECT(ask(hex("0501 00")) == Probe::kMore);  // SOCKS begins alike, and is shorter
  EXPECT(ask(hex("04")) == Probe::kNo);
}

TEST(dce_rpc, a_call_is_told_with_its_answer) {
  Harness h = flow_of();
  for (const auto& [dir, m] : kBound) h.send(dir, m);
  h.orig(request(2, 12));
  h.wait(kSecond / 4);
  h.resp(response(2));
  const std::string out = h.close();
  EXPECT_HAS(out, R"("rtt":0.25,"named_pipe":"135","endpoint":"svcctl","operation":"CreateServiceW",)"
                  R"("uuid":"367abb81-9844-35f1-ad32-98f038001003","opnum":12,"is_answered":true)");
  EXPECT_EQ(h.count(Kind::dce_rpc), 1u);
  EXPECT_EQ(h.count(Kind::weird), 0u);
}

TEST(dce_rpc, calls_may_overtake_each_other) {
  const std::string out =
      told(bound({{kUp, request(2, 12)}, {kUp, request(3, 2)}, {kDown, response(3)}, {kDown, response(2)}}));
  EXPECT_HAS(out, "CreateServiceW");
  EXPECT_HAS(out, "DeleteService");
}

TEST(dce_rpc, faults_and_silence) {
  EXPECT_HAS(told(bound({{kUp, request(2, 12)}, {kDown, pdu(3, 2, le(0, 8) + le(5, 4) + le(0, 4))}})),
             R"("fault":5,"is_answered":true)");
  EXPECT_HAS(told(bound({{kUp, request(2, 12)}})), R"("is_answered":false)");
  EXPECT_LACKS(told(bound({{kDown, response(9)}})), R"("kind":"dce_rpc")");
}

TEST(dce_rpc, without_a_name_the_number_is_told) {
  const Data stranger = hex("78563412 3412 3412 1234 123456789abc");
  const std::string out = told({{kUp, bind(context(3, stranger))}, {kUp, request(2, 7, {}, 3)}, {kDown, response(2)}});
  EXPECT_HAS(out, R"("endpoint":"unknown-12345678-1234-1234-1234-123456789abc","operation":"unknown-7")");
  EXPECT_HAS(told(bound({{kUp, request(2, 999)}, {kDown, response(2)}})),
             R"("endpoint":"svcctl","operation":"unknown-999")");
  // The bind was not seen.
  EXPECT_LACKS(told({{kUp, request(2, 7)}, {kDown, response(2)}}), "endpoint");
}

TEST(dce_rpc, contexts_are_added_and_changed) {
  const std::string out = told({{kUp, bind(context(0, kSvcctl))},
                                {kUp, bind(context(1, kMapper), 1, 14)},
                                {kUp, request(2, 2, {}, 1)},
                                {kDown, response(2)}});
  EXPECT_HAS(out, R"("endpoint":"epmapper","operation":"ept_lookup")");
}

TEST(dce_rpc, fragments_of_a_call_are_one) {
  const std::string out = told(bound({{kUp, request(2, 12, le(0, 8), 0, 1)},
                                      {kUp, request(2, 12, le(0, 8), 0, 2)},
                                      {kDown, response(2, {}, 1)},
                                      {kDown, response(2, {}, 2)}}));
  EXPECT_HAS(out, R"("operation":"CreateServiceW")");
  Harness h = flow_of();
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 0);
}

// C706 Appendix L and O: which interface is looked for, and where it listens.
TEST(dce_rpc, the_endpoint_mapper_is_read) {
  const Data floors = le(5, 2) + le(19, 2) + Data{0x0d} + kSvcctl + le(2, 2) + le(2, 2) + le(0, 2) + le(19, 2) +
                      Data{0x0d} + Data(18) + le(2, 2) + le(0, 2) + le(1, 2) + Data{0x0b} + le(2, 2) + le(0, 2) +
                      le(1, 2) + Data{0x07} + le(2, 2) + hex("c200") + le(1, 2) + Data{0x09} + le(4, 2) + le(0, 4);
  const Data tower = le(floors.size(), 4) + le(floors.size(), 4) + floors;
  const Data ask = le(1, 4) + Data(16) + le(2, 4) + tower;
  const Data answer = Data(20) + le(1, 4) + le(4, 4) + le(0, 4) + le(1, 4) + le(3, 4) + tower;
  const std::string out =
      told({{kUp, bind(context(0, kMapper))}, {kUp, request(2, 3, ask)}, {kDown, response(2, answer)}});
  EXPECT_HAS(out, R"("mapped_uuid":"367abb81-9844-35f1-ad32-98f038001003","mapped_port":49664)");
  for (std::size_t n = 0; n < answer.size(); n++) dce_rpc::mapped_port(Bytes(answer).first(n));
  for (std::size_t n = 0; n < ask.size(); n++) dce_rpc::mapped_interface(Bytes(ask).first(n));
}

TEST(dce_rpc, tokens_are_handed_on) {
  const Data ntlm = hex("0a060000 00000000 4e544c4d53535000 01000000 01000000");
  const std::string out =
      told({{kUp, bind(context(0, kSvcctl), 1, 11, ntlm)}, {kUp, request(2, 12)}, {kDown, response(2)}});
  EXPECT_HAS(out, R"("kind":"ntlm")");
  EXPECT_HAS(out, R"("auth_type":"ntlm","auth_level":"privacy")");
  // A signature behind a call is none.
  Harness h = flow_of();
  h.orig(pdu(0, 2, le(0, 8), 3, ntlm));
  EXPECT_LACKS(h.close(), R"("kind":"ntlm")");
}

TEST(dce_rpc, contradictions_are_weirds) {
  EXPECT_HAS(told(bound({{kUp, pdu(0, 2, le(0, 3))}})), "dce_rpc_malformed");
  EXPECT_HAS(told(bound({{kUp, bind(context(0, kSvcctl), 2)}})), "dce_rpc_malformed");
  Harness h = flow_of();
  h.orig(bind(context(0, kSvcctl)));
  h.orig(hex("06000003 10000000 18000000 02000000"));
  EXPECT(!h.is_attached());
  EXPECT_HAS(h.close(), "dce_rpc_malformed");
}

TEST(dce_rpc, every_cut_every_split_and_every_changed_byte) {
  const Turns all = bound({{kUp, request(2, 12, le(7, 8))}, {kDown, response(2, le(7, 8))}});
  const std::string whole = told(all);
  for (std::size_t i = 0; i < all.size(); i++) {
    for (std::size_t n = 0; n < all[i].second.size(); n++) {
      Harness split = flow_of(), cut = flow_of(), changed = flow_of();
      for (std::size_t k = 0; k < all.size(); k++) {
        const Data& m = all[k].second;
        Data wrong = m;
        if (k == i) wrong[n] ^= 0xff;
        changed.send(all[k].first, wrong);
        if (k < i) cut.send(all[k].first, m);
        if (k == i) cut.send(all[k].first, Bytes(m).first(n));
        split.send(all[k].first, k == i ? Bytes(m).first(n) : Bytes(m));
        if (k == i) split.send(all[k].first, Bytes(m).subspan(n));
      }
      EXPECT_EQ(split.close(), whole);
    }
  }
}

// ---- limits ----

TEST(dce_rpc, so_many_contexts_are_kept) {
  for (const std::size_t n : {dce_rpc::kContextsMax - 1, dce_rpc::kContextsMax, dce_rpc::kContextsMax + 1}) {
    Turns turns;
    for (std::size_t i = 0; i < n; i++) turns.push_back({kUp, bind(context(static_cast<unsigned>(i), kSvcctl), 1, 14)});
    if (n > dce_rpc::kContextsMax)
      EXPECT_HAS(told(turns), "dce_rpc_context_limit");
    else
      EXPECT_LACKS(told(turns), "dce_rpc_context_limit");
  }
}

TEST(dce_rpc, so_many_calls_wait) {
  for (const std::size_t n : {dce_rpc::kCallsMax - 1, dce_rpc::kCallsMax, dce_rpc::kCallsMax + 1}) {
    Harness h = flow_of();
    for (const auto& [dir, m] : kBound) h.send(dir, m);
    for (std::size_t i = 0; i < n; i++) h.orig(request(static_cast<std::uint32_t>(i + 2), 12));
    EXPECT_EQ(h.count(Kind::dce_rpc), n > dce_rpc::kCallsMax ? 1u : 0u);
    h.close();
    EXPECT_EQ(h.count(Kind::dce_rpc), n);
    EXPECT_EQ(h.count(Kind::weird), n > dce_rpc::kCallsMax ? 1u : 0u);
  }
}

TEST(dce_rpc, names_by_number) {
  const dce_rpc::Interface* const samr = dce_rpc::find_interface("12345778-1234-abcd-ef00-0123456789ac");
  EXPECT(samr != nullptr);
  if (!samr) return;
  EXPECT_EQ(dce_rpc::operation_name(*samr, 0), "SamrConnect");
  EXPECT_EQ(dce_rpc::operation_name(*samr, 64), "SamrConnect5");
  EXPECT_EQ(dce_rpc::operation_name(*samr, 69), "SamrPerformGenericOperation");
  EXPECT_EQ(dce_rpc::operation_name(*samr, 70), "");
  const dce_rpc::Interface* const wmi = dce_rpc::find_interface("9556dc99-828c-11cf-a37e-00aa003240c7");
  EXPECT(wmi && dce_rpc::operation_name(*wmi, 2).empty());
  EXPECT_EQ(dce_rpc::operation_name(*wmi, 24), "ExecMethod");
  EXPECT(dce_rpc::find_interface("00000000-0000-0000-0000-000000000000") == nullptr);
}
