#include "sensor/reader.h"

#include <sys/random.h>
#include <time.h>

#include "base/check.h"

namespace catenary::sensor {

// A live event waits no longer than this for company.
constexpr Nanos kLiveHandOver = kSecond / 4;

namespace {

// Segments say where their packets came from.
ReaderOptions told(ReaderOptions o) {
  if (!o.pipeline.packets) return o;
  o.pipeline.packets->interface = o.interface;
  o.pipeline.packets->filter = o.filter;
  if (!o.interface.empty()) o.pipeline.packets->snaplen = static_cast<std::uint32_t>(o.snaplen);
  return o;
}

}  // namespace

SipKey random_key() {
  SipKey key;
  CATENARY_CHECK(getrandom(&key, sizeof key, 0) == static_cast<ssize_t>(sizeof key));
  return key;
}

Reader::Reader(ReaderOptions options, event::DrainSink& sink)
    : options_(told(std::move(options))), pipeline_(options_.pipeline, sink), ledger_(options_.interface) {}

void Reader::look_at_ring() {
  if (packets::Writer* w = pipeline_.packets(); w && !options_.interface.empty()) w->ring(source_->stats());
}

bool Reader::open_next() {
  std::string error;
  if (!options_.interface.empty()) {
    if (next_file_++ > 0) return false;
    results_.emplace_back(options_.interface);
    source_ = capture::open_live(options_.interface, {options_.filter, options_.snaplen}, error);
    if (!source_) results_.back().error = error;
    return source_ != nullptr;
  }
  while (next_file_ < options_.files.size()) {
    const std::string& path = options_.files[next_file_++];
    results_.emplace_back(path);
    source_ = capture::open_file(path, {options_.filter}, error);
    if (source_) return true;
    results_.back().error = error;
  }
  return false;
}

void Reader::close_source(const std::string& error) {
  results_.back().error = error;
  position_ += source_->position();
  last_stats_ = source_->stats();
  source_.reset();
}

void Reader::keep_ledger(Nanos now) {
  if (ledger_.is_due(now)) ledger_.write(now, pipeline_, source_->stats());
}

bool Reader::run(std::uint64_t packets_max) {
  const std::uint64_t drains = pipeline_.events().drains();
  std::uint64_t n = 0;
  while (!is_done_) {
    if (stop_.load(std::memory_order_relaxed) || (!source_ && !open_next())) {
      if (source_ && !options_.interface.empty()) ledger_.write(pipeline_.events().now(), pipeline_, source_->stats());
      if (source_) {
        look_at_ring();
        close_source("");
      }
      pipeline_.finish();
      is_done_ = true;
      return false;
    }
    capture::RawPacket raw;
    switch (source_->next(raw)) {
      case capture::Next::kPacket:
        results_.back().see(raw.ts);
        if (!options_.interface.empty()) keep_ledger(raw.ts);
        pipeline_.packet(raw);
        if (options_.packets_max > 0 && pipeline_.counters().packets >= options_.packets_max) stop();
        if (!options_.interface.empty() && raw.ts - handed_over_ >= kLiveHandOver) {
          look_at_ring();
          pipeline_.tick(raw.ts);
          handed_over_ = raw.ts;
          return true;
        }
        break;
      case capture::Next::kTimeout: {
        // Nothing came within the read timeout: let flows time out, hand over what there is.
        timespec now{};
        clock_gettime(CLOCK_REALTIME, &now);
        const Nanos clock = static_cast<Nanos>(now.tv_sec) * kSecond + now.tv_nsec;
        keep_ledger(clock);
        look_at_ring();
        pipeline_.tick(clock);
        return true;
      }
      case capture::Next::kEnd: close_source(""); break;
      case capture::Next::kError: close_source(source_->error()); break;
    }
    if (pipeline_.events().drains() != drains) return true;
    if (++n >= packets_max) return true;
  }
  return false;
}

}  // namespace catenary::sensor
