// What was watched and what was lost: a capture_stats record with every counter, and a coverage record, for each
// minute of a live capture. "It did not happen" holds only where there is a row that says somebody was looking.
#pragma once

#include <string>

#include "capture/source.h"
#include "sensor/pipeline.h"

namespace catenary::sensor {

class Ledger {
 public:
  static constexpr Nanos kInterval = 60 * kSecond;

  // `interface` is what records name.
  explicit Ledger(std::string interface) : interface_(std::move(interface)) {}

  // True when a minute ends before `now`, or nothing was begun yet. Packet time, or the clock's where no packet came.
  bool is_due(Nanos now) const noexcept { return now >= next_; }
  // One record of each kind for the time since the last call; the first call begins. `stats` as the source tells them
  // since it was opened.
  void write(Nanos now, Pipeline& pipeline, const capture::SourceStats& stats);

 private:
  struct Totals {
    Counters packets;
    std::uint64_t weirds = 0, weirds_suppressed = 0, events = 0, event_bytes = 0;
    std::uint64_t flows_created = 0, flows_ended = 0, flows_evicted = 0, fragments_evicted = 0;
    capture::SourceStats stats;
  };
  static Totals totals(const Pipeline& pipeline, const capture::SourceStats& stats);

  std::string interface_;
  Nanos begun_ = 0;
  Nanos next_ = 0;
  bool is_open_ = false;
  Totals last_;
};

}  // namespace catenary::sensor
