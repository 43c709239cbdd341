#include "sensor/ledger.h"

#include "base/test.h"
#include "event/json.h"

namespace catenary::sensor {
namespace {

// Drains as JSON lines, those of the ledger.
struct Lines final : event::DrainSink {
  std::vector<std::string> out;
  void on_drain(std::span<const event::Batch> batches) override {
    for (const event::Batch& b : batches)
      if (b.kind == Kind::capture_stats || b.kind == Kind::coverage)
        for (std::string& line : event::json_lines(b.kind, b.bytes)) out.push_back(std::move(line));
  }
};

// ARP, whole: 14 bytes of Ethernet, 28 of a request.
const std::uint8_t kArp[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0,  0, 0, 0, 1, 8, 6, 0, 1, 8, 0,  6, 4, 0,
                             1,    2,    0,    0,    0,    0,    1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2};

struct Bench {
  Lines lines;
  Pipeline pipeline{PipelineOptions{}, lines};
  Ledger ledger{"mirror0"};

  void packet(Nanos at, std::size_t bytes = sizeof kArp) { pipeline.packet({at, sizeof kArp, 1, Bytes{kArp, bytes}}); }
  std::vector<std::string> written(Nanos now, const capture::SourceStats& stats) {
    lines.out.clear();
    ledger.write(now, pipeline, stats);
    pipeline.events().drain();
    return lines.out;
  }
};

bool has(const std::string& line, std::string_view part) { return line.find(part) != std::string::npos; }

TEST(ledger, a_minute_is_two_records_of_what_happened_in_it) {
  Bench b;
  const Nanos minute = 1'700'000'040 * kSecond;  // a whole one
  EXPECT(b.ledger.is_due(minute));
  EXPECT_EQ(b.written(minute + 5 * kSecond, {100, 7, 0}).size(), 0u);
  EXPECT(!b.ledger.is_due(minute + 60 * kSecond - 1));
  b.packet(minute + 6 * kSecond);
  b.packet(minute + 7 * kSecond);
  b.packet(minute + 8 * kSecond, 20);
  EXPECT(b.ledger.is_due(minute + 60 * kSecond));
  const auto lines = b.written(minute + 60 * kSecond, {104, 8, 0});
  EXPECT_EQ(lines.size(), 2u);
  if (lines.size() != 2) return;
  const std::string& stats = lines[0];
  for (const char* part :
       {"\"interface\":\"mirror0\"", "\"interval\":55", "\"packets\":3", "\"bytes\":126", "\"captured_bytes\":104",
        "\"kernel_received\":4", "\"kernel_dropped\":1", "\"decoded\":3", "\"truncated\":1", "\"malformed\":0"})
    EXPECT(has(stats, part));
  const std::string& coverage = lines[1];
  for (const char* part : {"\"protocol_class\":\"all\"", "\"measured\":0.75", "\"packets\":3", "\"lost_packets\":1",
                           "\"reasons\":[\"kernel_dropped\"]"})
    EXPECT(has(coverage, part));
}

TEST(ledger, a_quiet_minute_was_watched) {
  Bench b;
  const Nanos minute = 1'700'000'040 * kSecond;
  b.written(minute, {});
  const auto lines = b.written(minute + 60 * kSecond, {});
  EXPECT_EQ(lines.size(), 2u);
  if (lines.size() != 2) return;
  EXPECT(has(lines[1], "\"measured\":1"));
  EXPECT(has(lines[1], "\"packets\":0"));
  EXPECT(has(lines[1], "\"reasons\":[]") || !has(lines[1], "reasons"));
}

TEST(ledger, the_kernel_counts_in_32_bits) {
  Bench b;
  const Nanos minute = 1'700'000'040 * kSecond;
  b.written(minute, {0xfffffff0, 0xffffffff, 0});
  const auto lines = b.written(minute + 60 * kSecond, {0x10, 1, 0});
  EXPECT_EQ(lines.size(), 2u);
  if (lines.size() != 2) return;
  EXPECT(has(lines[0], "\"kernel_received\":32"));
  EXPECT(has(lines[0], "\"kernel_dropped\":2"));
}

TEST(ledger, a_clock_that_goes_back_writes_nothing) {
  Bench b;
  const Nanos minute = 1'700'000'040 * kSecond;
  b.written(minute, {});
  EXPECT_EQ(b.written(minute - kSecond, {}).size(), 0u);
}

}  // namespace
}  // namespace catenary::sensor
