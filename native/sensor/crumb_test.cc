// The flow that is being parsed is named while it is, and one in quarantine is counted and not parsed.
#include "sensor/crumb.h"

#include "base/test.h"
#include "event/json.h"
#include "sensor/pipeline.h"

namespace catenary::sensor {
namespace {

struct Lines final : event::DrainSink {
  std::vector<std::string> out;
  void on_drain(std::span<const event::Batch> batches) override {
    for (const event::Batch& b : batches)
      for (std::string& line : event::json_lines(b.kind, b.bytes)) out.push_back(std::move(line));
  }
  std::size_t count(std::string_view kind) const {
    std::size_t n = 0;
    for (const std::string& line : out) n += line.find("{\"kind\":\"" + std::string(kind) + "\"") == 0;
    return n;
  }
};

// A DNS query for a.example, from 10.0.0.1:4001 to 10.0.0.2:53; the answer, with the ends the other way round.
std::vector<std::uint8_t> dns(bool is_answer) {
  std::vector<std::uint8_t> p = test::hex("020000000002 020000000001 0800 4500 0037 0000 0000 4011 0000");
  const auto ends = is_answer ? test::hex("0a000002 0a000001 0035 0fa1") : test::hex("0a000001 0a000002 0fa1 0035");
  const auto rest = test::hex("0023 0000 1234");
  const auto flags = is_answer ? test::hex("8180") : test::hex("0100");
  const auto question = test::hex("0001 0000 0000 0000 0161 07 6578616d706c65 00 0001 0001");
  for (const auto& part : {ends, rest, flags, question}) p.insert(p.end(), part.begin(), part.end());
  return p;
}

std::size_t lookups(Lines& lines, Crumb* crumb, std::vector<Crumb> quarantined) {
  PipelineOptions options;
  options.crumb = crumb;
  options.quarantined = std::move(quarantined);
  Pipeline pipeline(options, lines);
  const auto query = dns(false), answer = dns(true);
  Nanos now = 1'700'000'000 * kSecond;
  for (const auto* p : {&query, &answer}) pipeline.packet({now++, static_cast<std::uint32_t>(p->size()), 1, *p});
  pipeline.finish();
  return lines.count("dns");
}

TEST(crumb, both_directions_and_every_life_of_a_flow_are_one) {
  flow::Flow a, b;
  a.orig_h = b.resp_h = Ip::v4(test::hex("0a000001"));
  a.resp_h = b.orig_h = Ip::v4(test::hex("0a000002"));
  a.orig_p = b.resp_p = 4001;
  a.resp_p = b.orig_p = 53;
  a.proto = b.proto = 17;
  a.first = 1;
  Crumb x, y;
  x.set(a);
  y.set(b);
  EXPECT(x == y);
  EXPECT(x.is_set);
  b.proto = 6;
  y.set(b);
  EXPECT(!(x == y));
  // The same host twice.
  b = a;
  a.resp_h = a.orig_h;
  b.orig_h = b.resp_h = a.orig_h;
  std::swap(b.orig_p, b.resp_p);
  x.set(a);
  y.set(b);
  EXPECT(x == y);
}

TEST(crumb, a_flow_in_quarantine_is_counted_and_not_parsed) {
  Lines open;
  Crumb crumb;
  EXPECT_EQ(lookups(open, &crumb, {}), 1U);
  // It names the flow and says that nothing is being parsed now.
  EXPECT(!crumb.is_set);
  EXPECT_EQ(crumb.proto, 17);
  crumb.is_set = 1;
  Lines closed;
  EXPECT_EQ(lookups(closed, nullptr, {crumb}), 0U);
  EXPECT_EQ(closed.count("conn"), 1U);
  Crumb other = crumb;
  other.ports[0]++;
  Lines others;
  EXPECT_EQ(lookups(others, nullptr, {other}), 1U);
}

}  // namespace
}  // namespace catenary::sensor
