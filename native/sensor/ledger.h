// What was watched and what was lost: a capture_stats record with every counter, and coverage records, for each
// minute of a live capture. "It did not happen" holds only where there is a row that says somebody was looking.
//
// In every capture_stats record, exactly (design: honest loss):
//
//   kernel_received + ring_waiting before == packets + kernel_dropped + ring_waiting
//   packets == decoded + app_dropped
//   decoded == packets_written + packets_cutoff + packets_not_kept     where packets are kept
//
// What the interface and the kernel dropped before the ring, and what was lost before it came here (ACKs of bytes that
// never came), are estimates beside them.
#pragma once

#include <string>
#include <vector>

#include "capture/source.h"
#include "sensor/pipeline.h"

namespace catenary::sensor {

struct LedgerOptions {
  std::string interface {};  // what records name
  int worker = 0, workers = 1;
  bool is_filtered = false;
};

class Ledger {
 public:
  static constexpr Nanos kInterval = 60 * kSecond;

  explicit Ledger(LedgerOptions options) : options_(std::move(options)) {}

  // True when a minute ends before `now`, or nothing was begun yet. Packet time, or the clock's where no packet came.
  bool is_due(Nanos now) const noexcept { return now >= next_; }
  // The records for the time since the last call; the first call begins, ahead of the first packet. `stats` as they
  // were before the packet at `now` was taken.
  void write(Nanos now, Pipeline& pipeline, const capture::SourceStats& stats);

 private:
  struct Totals {
    Counters packets;
    std::uint64_t weirds = 0, weirds_suppressed = 0, events = 0, event_bytes = 0;
    std::uint64_t flows_created = 0, flows_ended = 0, flows_evicted = 0, fragments_evicted = 0;
    capture::SourceStats stats;
    packets::SegmentCounters kept;
    std::vector<ClassCount> classes;
    ClassCount all;

    std::uint64_t waiting() const noexcept { return stats.received - stats.dropped - stats.taken; }
  };
  static Totals totals(Pipeline& pipeline, const capture::SourceStats& stats);
  void write_stats(Nanos until, Pipeline& pipeline, const Totals& t);
  void write_coverage(Nanos until, Pipeline& pipeline, const Totals& t);

  LedgerOptions options_;
  Nanos begun_ = 0;
  Nanos next_ = 0;
  bool is_open_ = false;
  Totals last_;
};

}  // namespace catenary::sensor
