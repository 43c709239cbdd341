// Reads one or several sources through one pipeline: what `catenary read` runs.
#pragma once

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "sensor/clock_guard.h"
#include "sensor/ledger.h"
#include "sensor/pipeline.h"

namespace catenary::sensor {

struct ReaderOptions {
  std::vector<std::string> files;  // read one after another as one history; "-" is standard input
  std::string folder;              // or all captures here, and on as they grow
  std::string interface;           // or live from here
  capture::LiveOptions live;       // its filter is that of files too
  int worker = 0;                  // which of live.fanout.workers
  bool reopens = true;             // an interface that went away is waited for, once it has been there
  std::uint64_t packets_max = 0;   // ends in order after so many; 0 for no limit
  PipelineOptions pipeline;
};

struct FileResult {
  explicit FileResult(std::string name) : path(std::move(name)) {}

  std::string path;
  std::uint64_t packets = 0;
  Nanos first = 0, last = 0;  // earliest and latest packet; where a capture stands in time is what was watched
  std::string error;          // "" when it was read to its end

  void see(Nanos ts) noexcept {
    if (packets++ == 0 || ts < first) first = ts;
    if (ts > last) last = ts;
  }
};

class Reader final : packets::RingWatch {
 public:
  Reader(ReaderOptions options, event::DrainSink& sink);
  ~Reader() override;

  // Opens the first source now instead of when it is read. The socket of a live one, -1 when it cannot be opened.
  int open() { return open_next() ? source_->socket() : -1; }
  // Works until a drain was handed over, or for about `packets_max` packets. False when all is done
  // and the last drain is out.
  bool run(std::uint64_t packets_max);
  // Ends early and in order: what an interface has delivered is taken, open flows are ended, what is collected goes
  // out. From any thread.
  void stop() noexcept { stop_.store(true, std::memory_order_relaxed); }

  Pipeline& pipeline() noexcept { return pipeline_; }
  const std::vector<FileResult>& results() const noexcept { return results_; }
  // Bytes of all files consumed so far.
  std::uint64_t position() const noexcept { return position_ + (source_ ? source_->position() : 0); }
  bool is_done() const noexcept { return is_done_; }
  // Of the interface, since the first packet could come; the packet that is being decoded counts as taken already.
  capture::SourceStats stats();

 private:
  bool is_live() const noexcept { return !options_.interface.empty(); }
  bool open_next();
  void close_source(std::string error);
  // stop() was called: nothing new is taken in.
  void shut();
  void finish();
  void packet(const capture::RawPacket& raw);
  // In its turn; jump: its stamp was ahead by so much, and is not believed.
  void take(const capture::RawPacket& raw, Nanos jump);
  // Live: the clock of packets against the one that nobody sets.
  void watch_clock(Nanos packet_time);
  // What waits for its time to be confirmed is taken.
  void settle();
  // Nothing came within the read timeout: flows time out, what there is goes out.
  void idle();
  // Live: a minute that ended is written down.
  void keep_ledger(Nanos now);
  // Without the packet in hand: it is not decoded yet.
  capture::SourceStats look() override;

  ReaderOptions options_;
  Pipeline pipeline_;
  Ledger ledger_;                            // of live captures
  ClockGuard guard_;                         // of files
  Nanos last_packet_ = 0, last_steady_ = 0;  // of live captures: packet time, and the steady clock then
  std::unique_ptr<capture::Source> source_;
  std::vector<FileResult> results_;
  std::size_t next_file_ = 0;
  std::uint64_t position_ = 0;
  capture::SourceStats before_;  // of sources that have ended
  Nanos gone_since_ = 0;         // live: there was one, and there is none [monotonic]
  bool has_packet_ = false;      // taken, and not decoded yet
  Nanos handed_over_ = 0;
  std::atomic<bool> stop_{false};
  bool is_shut_ = false;
  bool is_full_ = false;  // packets_max
  bool is_done_ = false;
};

// 128 bits from the system's random source.
SipKey random_key();

}  // namespace catenary::sensor
