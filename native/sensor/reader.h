// Reads one or several sources through one pipeline: what `catenary read` runs.
#pragma once

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "sensor/ledger.h"
#include "sensor/pipeline.h"

namespace catenary::sensor {

struct ReaderOptions {
  std::vector<std::string> files;  // read one after another as one history; "-" is standard input
  std::string interface;           // or live from here
  std::string filter;
  int snaplen = 262144;
  std::uint64_t packets_max = 0;  // ends in order after so many; 0 for no limit
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

class Reader {
 public:
  Reader(ReaderOptions options, event::DrainSink& sink);

  // Works until a drain was handed over, or for about `packets_max` packets. False when all is done
  // and the last drain is out.
  bool run(std::uint64_t packets_max);
  // Ends early and in order: open flows are ended, what is collected goes out. From any thread.
  void stop() noexcept { stop_.store(true, std::memory_order_relaxed); }

  Pipeline& pipeline() noexcept { return pipeline_; }
  const std::vector<FileResult>& results() const noexcept { return results_; }
  // Bytes of all files consumed so far.
  std::uint64_t position() const noexcept { return position_ + (source_ ? source_->position() : 0); }
  bool is_done() const noexcept { return is_done_; }
  capture::SourceStats source_stats() { return source_ ? source_->stats() : last_stats_; }

 private:
  bool open_next();
  void close_source(const std::string& error);
  // Live: what the kernel has counted is known to who keeps packets.
  void look_at_ring();
  // Live: a minute that ended is written down.
  void keep_ledger(Nanos now);

  ReaderOptions options_;
  Pipeline pipeline_;
  Ledger ledger_;  // of live captures
  std::unique_ptr<capture::Source> source_;
  std::vector<FileResult> results_;
  std::size_t next_file_ = 0;
  std::uint64_t position_ = 0;
  capture::SourceStats last_stats_;
  Nanos handed_over_ = 0;
  std::atomic<bool> stop_{false};
  bool is_done_ = false;
};

// 128 bits from the system's random source.
SipKey random_key();

}  // namespace catenary::sensor
