#include "sensor/reader.h"

#include <poll.h>
#include <sys/random.h>
#include <time.h>

#include <algorithm>

#include "base/check.h"
#include "capture/clock.h"

namespace catenary::sensor {

// A live event waits no longer than this for company.
constexpr Nanos kLiveHandOver = kSecond / 4;

namespace {

// An interface that went away is looked for so often.
constexpr int kReopenMs = 200;
// How old the steady clock's reading beside a packet may get.
constexpr Nanos kSteadyLook = 60 * kSecond;

// Segments say where their packets came from.
ReaderOptions told(ReaderOptions o) {
  if (!o.pipeline.packets) return o;
  o.pipeline.packets->interface = o.interface;
  o.pipeline.packets->filter = o.live.filter;
  if (!o.interface.empty()) o.pipeline.packets->snaplen = static_cast<std::uint32_t>(o.live.snaplen);
  return o;
}

LedgerOptions ledger_of(const ReaderOptions& o) {
  return {o.interface, o.worker, o.live.fanout.workers, !o.live.filter.empty()};
}

}  // namespace

SipKey random_key() {
  SipKey key;
  CATENARY_CHECK(getrandom(&key, sizeof key, 0) == static_cast<ssize_t>(sizeof key));
  return key;
}

Reader::Reader(ReaderOptions options, event::DrainSink& sink)
    : options_(told(std::move(options))), pipeline_(options_.pipeline, sink), ledger_(ledger_of(options_)) {
  if (packets::Writer* w = pipeline_.packets(); w && is_live()) w->watch_ring(this);
}

Reader::~Reader() {
  if (packets::Writer* w = pipeline_.packets()) w->watch_ring(nullptr);
}

capture::SourceStats Reader::stats() {
  capture::SourceStats s = before_;
  if (source_) {
    const capture::SourceStats now = source_->stats();
    s.received += now.received;
    s.dropped += now.dropped;
    s.taken += now.taken;
    s.if_received += now.if_received;
    s.if_dropped += now.if_dropped;
    s.backlog_dropped += now.backlog_dropped;
    s.down += now.down;
  }
  if (gone_since_ != 0) s.down += capture::clock_of(CLOCK_MONOTONIC) - gone_since_;
  return s;
}

capture::SourceStats Reader::look() {
  capture::SourceStats s = stats();
  s.taken -= has_packet_;
  return s;
}

bool Reader::open_next() {
  std::string error;
  const capture::FileOptions as_file{options_.live.filter};
  if (is_live()) {
    if (next_file_++ == 0) results_.emplace_back(options_.interface);
    source_ = capture::open_live(options_.interface, options_.live, error);
    if (source_ && gone_since_ != 0) before_.down += capture::clock_of(CLOCK_MONOTONIC) - gone_since_;
    if (source_) gone_since_ = 0;
    // Gone for a while is no fault: the ledger has it.
    results_.back().error = gone_since_ != 0 ? "" : error;
    return source_ != nullptr;
  }
  if (!options_.folder.empty()) {
    if (next_file_++ > 0) return false;
    results_.emplace_back(options_.folder);
    source_ = capture::open_folder(options_.folder, as_file, error);
    results_.back().error = error;
    return source_ != nullptr;
  }
  while (next_file_ < options_.files.size()) {
    const std::string& path = options_.files[next_file_++];
    results_.emplace_back(path);
    source_ = capture::open_file(path, as_file, error);
    if (source_) return true;
    results_.back().error = error;
  }
  return false;
}

void Reader::close_source(std::string error) {
  position_ += source_->position();
  before_ = stats();
  source_.reset();
  if (is_live() && !is_shut_ && options_.reopens) {
    gone_since_ = capture::clock_of(CLOCK_MONOTONIC);
    return;
  }
  is_shut_ = is_shut_ || is_live();
  results_.back().error = std::move(error);
}

void Reader::keep_ledger(Nanos now) {
  if (ledger_.is_due(now)) ledger_.write(now, pipeline_, look());
}

void Reader::shut() {
  is_shut_ = true;
  if (!source_) return;
  if (is_live() && !is_full_) return source_->shut();
  close_source(source_->error());
}

void Reader::finish() {
  settle();
  if (is_live()) {
    pipeline_.events().advance(capture::clock_of(CLOCK_REALTIME));
    ledger_.write(pipeline_.events().now(), pipeline_, look());
  }
  pipeline_.finish();
  is_done_ = true;
}

void Reader::packet(const capture::RawPacket& raw) {
  // Zeek believes every stamp.
  if (is_live() || options_.pipeline.ends_late_flows) return take(raw, 0);
  guard_.packet(raw, [this](const capture::RawPacket& p, Nanos jump) { take(p, jump); });
}

void Reader::settle() {
  guard_.flush([this](const capture::RawPacket& p, Nanos jump) { take(p, jump); });
}

void Reader::watch_clock(Nanos packet_time) {
  const Nanos ahead = packet_time - last_packet_;
  const bool is_odd = last_packet_ != 0 && (ahead > ClockGuard::kJump || ahead < -ClockGuard::kJump);
  // Looked at rarely: a packet a minute is enough to tell a pause from a step.
  if (is_odd || last_packet_ == 0 || ahead >= kSteadyLook) {
    const Nanos steady = capture::clock_of(CLOCK_MONOTONIC);
    const Nanos step = ahead - (steady - last_steady_);
    if (is_odd && (step > ClockGuard::kJump || step < -ClockGuard::kJump)) pipeline_.clock_jumped(step);
    last_packet_ = packet_time;
    last_steady_ = steady;
  }
}

void Reader::take(const capture::RawPacket& raw, Nanos jump) {
  has_packet_ = true;
  if (jump != 0) pipeline_.clock_jumped(jump);
  results_.back().see(raw.ts);
  if (is_live()) {
    watch_clock(raw.ts);
    keep_ledger(raw.ts);
  }
  pipeline_.packet(raw);
  has_packet_ = false;
  if (options_.packets_max > 0 && pipeline_.counters().packets >= options_.packets_max) {
    is_full_ = true;
    stop();
  }
}

void Reader::idle() {
  // The packet time of a capture that grows is its own.
  if (!is_live()) {
    settle();
    return pipeline_.events().drain();
  }
  const Nanos now = capture::clock_of(CLOCK_REALTIME);
  keep_ledger(now);
  pipeline_.tick(now);
}

bool Reader::run(std::uint64_t packets_max) {
  const std::uint64_t drains = pipeline_.events().drains();
  std::uint64_t n = 0;
  while (!is_done_) {
    if (stop_.load(std::memory_order_relaxed) && !is_shut_) shut();
    if (!source_ && (is_shut_ || !open_next())) {
      if (is_shut_ || gone_since_ == 0) {
        finish();
        return false;
      }
      ::poll(nullptr, 0, kReopenMs);
      idle();
      return true;
    }
    capture::RawPacket raw;
    switch (source_->next(raw)) {
      case capture::Next::kPacket:
        packet(raw);
        if (is_live() && raw.ts - handed_over_ >= kLiveHandOver) {
          pipeline_.tick(raw.ts);
          handed_over_ = raw.ts;
          return true;
        }
        break;
      case capture::Next::kTimeout: idle(); return true;
      case capture::Next::kEnd: close_source(""); break;
      case capture::Next::kError: close_source(source_->error()); break;
    }
    if (pipeline_.events().drains() != drains) return true;
    if (++n >= packets_max) return true;
  }
  return false;
}

}  // namespace catenary::sensor
