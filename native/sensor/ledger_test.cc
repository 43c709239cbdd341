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
  Ledger ledger{{"mirror0", 0, 1, false}};

  void packet(Nanos at, std::size_t bytes = sizeof kArp) { pipeline.packet({at, sizeof kArp, 1, Bytes{kArp, bytes}}); }
  std::vector<std::string> written(Nanos now, const capture::SourceStats& stats) {
    lines.out.clear();
    ledger.write(now, pipeline, stats);
    pipeline.events().drain();
    return lines.out;
  }
};

constexpr Nanos kMinute = 1'700'000'040 * kSecond;  // a whole one

bool has(const std::string& line, std::string_view part) { return line.find(part) != std::string::npos; }

capture::SourceStats counted(std::uint64_t received, std::uint64_t dropped, std::uint64_t taken) {
  capture::SourceStats s;
  s.received = received;
  s.dropped = dropped;
  s.taken = taken;
  return s;
}

TEST(ledger, a_minute_is_two_records_of_what_happened_in_it) {
  Bench b;
  EXPECT(b.ledger.is_due(kMinute));
  // The first packet is in hand and counts as waiting.
  EXPECT_EQ(b.written(kMinute + 15 * kSecond, counted(1, 0, 0)).size(), 0u);
  EXPECT(!b.ledger.is_due(kMinute + 60 * kSecond - 1));
  b.packet(kMinute + 16 * kSecond);
  b.packet(kMinute + 17 * kSecond);
  b.packet(kMinute + 18 * kSecond, 20);
  EXPECT(b.ledger.is_due(kMinute + 60 * kSecond));
  const auto lines = b.written(kMinute + 60 * kSecond + 5, counted(6, 1, 3));
  EXPECT_EQ(lines.size(), 2u);
  if (lines.size() != 2) return;
  const std::string& stats = lines[0];
  for (const char* part :
       {"\"interface\":\"mirror0\"", "\"interval\":45", "\"packets\":3", "\"bytes\":126", "\"captured_bytes\":104",
        "\"kernel_received\":6", "\"kernel_dropped\":1", "\"ring_waiting\":2", "\"decoded\":3", "\"app_dropped\":0",
        "\"truncated\":1", "\"malformed\":0"})
    EXPECT_HAS(stats, part);
  // Three of four packets, of three quarters of the minute.
  const std::string& coverage = lines[1];
  for (const char* part : {"\"protocol_class\":\"all\"", "\"measured\":0.5625", "\"packets\":3", "\"lost_packets\":1",
                           "\"reasons\":[\"kernel_dropped\"]", "\"watched\":45", "\"minute\":1700000040"})
    EXPECT_HAS(coverage, part);
}

TEST(ledger, minutes_join_without_a_hole_and_stand_on_their_own) {
  Bench b;
  b.written(kMinute, {});
  b.packet(kMinute);
  b.written(kMinute + 60 * kSecond + 80'000'000, counted(1, 0, 1));
  b.packet(kMinute + 61 * kSecond);
  const auto lines = b.written(kMinute + 120 * kSecond, counted(2, 0, 2));
  EXPECT_EQ(lines.size(), 2u);
  if (lines.size() != 2) return;
  EXPECT_HAS(lines[0], "\"interval\":60");
  EXPECT_HAS(lines[0], "\"packets\":1,");
  EXPECT_HAS(lines[0], "\"kernel_received\":1,");
  EXPECT_HAS(lines[1], "\"measured\":1,");
}

TEST(ledger, a_quiet_minute_was_watched) {
  Bench b;
  b.written(kMinute, {});
  const auto lines = b.written(kMinute + 60 * kSecond, {});
  EXPECT_EQ(lines.size(), 2u);
  if (lines.size() != 2) return;
  EXPECT_HAS(lines[1], "\"measured\":1,");
  EXPECT_HAS(lines[1], "\"packets\":0");
  EXPECT(has(lines[1], "\"reasons\":[]") || !has(lines[1], "reasons"));
}

TEST(ledger, an_interface_that_was_down_was_not_watched) {
  Bench b;
  b.written(kMinute, {});
  capture::SourceStats stats;
  stats.down = 15 * kSecond;
  const auto lines = b.written(kMinute + 60 * kSecond, stats);
  EXPECT_EQ(lines.size(), 2u);
  if (lines.size() != 2) return;
  EXPECT_HAS(lines[0], "\"down\":15");
  for (const char* part : {"\"measured\":0.75", "\"watched\":45", "\"reasons\":[\"interface_down\"]"})
    EXPECT_HAS(lines[1], part);
}

TEST(ledger, what_the_whole_interface_lost_is_told_by_its_first_worker) {
  for (const int worker : {0, 1}) {
    Bench b;
    b.ledger = Ledger{{"mirror0", worker, 2, true}};
    b.written(kMinute, {});
    capture::SourceStats stats;
    stats.if_dropped = 3;
    stats.backlog_dropped = 2;
    stats.if_received = 10;
    const auto lines = b.written(kMinute + 60 * kSecond, stats);
    EXPECT_EQ(lines.size(), 2u);
    if (lines.size() != 2) return;
    EXPECT_EQ(has(lines[0], "\"if_dropped\":3"), worker == 0);
    EXPECT_EQ(has(lines[0], "\"backlog_dropped\":2"), worker == 0);
    EXPECT(!has(lines[0], "\"filtered\""));
    EXPECT_EQ(has(lines[1], "\"lost_packets\":5"), worker == 0);
    EXPECT_EQ(has(lines[1], "\"worker\":1"), worker == 1);
  }
}

TEST(ledger, what_the_filter_refused_is_an_estimate_of_a_worker_alone) {
  Bench b;
  b.ledger = Ledger{{"mirror0", 0, 1, true}};
  b.written(kMinute, {});
  capture::SourceStats stats = counted(4, 0, 4);
  stats.if_received = 10;
  const auto lines = b.written(kMinute + 60 * kSecond, stats);
  EXPECT_EQ(lines.size(), 2u);
  if (lines.size() == 2) EXPECT_HAS(lines[0], "\"filtered\":6");
}

TEST(ledger, a_clock_that_goes_back_writes_nothing) {
  Bench b;
  b.written(kMinute, {});
  EXPECT_EQ(b.written(kMinute - kSecond, {}).size(), 0u);
}

}  // namespace
}  // namespace catenary::sensor
