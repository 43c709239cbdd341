#include "sensor/ledger.h"

#include <array>
#include <span>
#include <string_view>

#include "event/gen/capture_stats.gen.h"
#include "event/gen/coverage.gen.h"

namespace catenary::sensor {
namespace {

// libpcap counts in 32 bits and starts again at zero.
std::uint64_t since(std::uint64_t now, std::uint64_t before) {
  return now >= before ? now - before : now + (std::uint64_t{1} << 32) - before;
}

}  // namespace

Ledger::Totals Ledger::totals(const Pipeline& p, const capture::SourceStats& stats) {
  Totals t;
  t.packets = p.counters();
  t.weirds = p.weirds();
  t.weirds_suppressed = p.weirds_suppressed();
  for (const Kind k : kKinds) t.events += p.events().total(k);
  t.event_bytes = p.events().bytes_total();
  t.flows_created = p.flows();
  t.flows_ended = p.flows() - p.flows_active();
  t.flows_evicted = p.flows_evicted();
  t.fragments_evicted = p.fragments_evicted();
  t.stats = stats;
  return t;
}

void Ledger::write(Nanos now, Pipeline& p, const capture::SourceStats& stats) {
  const Totals t = totals(p, stats);
  const Nanos minute = now - now % kInterval;
  next_ = minute + kInterval;
  if (!is_open_) {
    is_open_ = true;
    begun_ = now;
    last_ = t;
    return;
  }
  if (now <= begun_) return;
  p.events().advance(now);

  CaptureStatsEvent e;
  e.ts = micros(begun_);
  e.interface = interface_;
  e.interval = static_cast<double>(now - begun_) / static_cast<double>(kSecond);
  e.packets = t.packets.packets - last_.packets.packets;
  e.bytes = t.packets.wire_bytes - last_.packets.wire_bytes;
  e.captured_bytes = t.packets.captured_bytes - last_.packets.captured_bytes;
  const std::uint64_t dropped = since(t.stats.dropped, last_.stats.dropped);
  const std::uint64_t if_dropped = since(t.stats.if_dropped, last_.stats.if_dropped);
  e.kernel_received = since(t.stats.received, last_.stats.received);
  e.kernel_dropped = dropped;
  e.if_dropped = if_dropped;
  e.decoded = e.packets;  // none is given up: what is taken is decoded
  e.malformed = t.packets.malformed - last_.packets.malformed;
  e.truncated = t.packets.truncated - last_.packets.truncated;
  e.weirds = t.weirds - last_.weirds;
  e.weirds_suppressed = t.weirds_suppressed - last_.weirds_suppressed;
  e.events = t.events - last_.events;
  e.event_bytes = t.event_bytes - last_.event_bytes;
  e.flows_active = p.flows_active();
  e.flows_created = t.flows_created - last_.flows_created;
  e.flows_ended = t.flows_ended - last_.flows_ended;
  e.flows_evicted = t.flows_evicted - last_.flows_evicted;
  e.fragments_active = p.fragments_active();
  e.fragments_evicted = t.fragments_evicted - last_.fragments_evicted;
  e.gap_bytes = t.packets.gap_bytes - last_.packets.gap_bytes;
  e.memory_bytes = p.memory_bytes();
  p.events().emit(e);

  CoverageEvent c;
  c.ts = e.ts;
  c.interface = interface_;
  c.protocol_class = "all";
  c.minute = micros(begun_ - begun_ % kInterval);
  c.packets = e.decoded;
  c.lost_packets = dropped + if_dropped;
  const double all = static_cast<double>(c.packets + c.lost_packets);
  c.measured = all > 0 ? static_cast<double>(c.packets) / all : 1;
  std::array<std::string_view, 2> reasons;
  std::size_t n = 0;
  if (dropped > 0) reasons[n++] = "kernel_dropped";
  if (if_dropped > 0) reasons[n++] = "if_dropped";
  c.reasons = std::span(reasons).first(n);
  p.events().emit(c);

  begun_ = now;
  last_ = t;
}

}  // namespace catenary::sensor
