#include "sensor/ledger.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "event/gen/capture_stats.gen.h"
#include "event/gen/coverage.gen.h"

namespace catenary::sensor {
namespace {

// Of `all`, what is not in `part`; 1 where there was nothing.
double share_without(std::uint64_t part, std::uint64_t all) {
  return all == 0 ? 1 : 1 - static_cast<double>(std::min(part, all)) / static_cast<double>(all);
}

}  // namespace

Ledger::Totals Ledger::totals(Pipeline& p, const capture::SourceStats& stats) {
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
  if (packets::Writer* w = p.packets()) t.kept = w->settle();
  for (std::size_t i = 0; i < p.classes().size(); i++) t.classes.push_back(p.classes().count(i));
  t.all = p.classes().all();
  return t;
}

void Ledger::write(Nanos now, Pipeline& p, const capture::SourceStats& stats) {
  const Totals t = totals(p, stats);
  const Nanos minute = now - now % kInterval;
  next_ = minute + kInterval;
  if (!is_open_) {
    is_open_ = true;
    begun_ = now;
    last_.classes.resize(t.classes.size());
    return;
  }
  if (now <= begun_) return;
  // What comes at `now` is not counted yet: the interval ends with its minute.
  const Nanos until = minute > begun_ ? minute : now;
  p.events().advance(now);
  write_stats(until, p, t);
  write_coverage(until, p, t);
  begun_ = until;
  last_ = t;
}

void Ledger::write_stats(Nanos until, Pipeline& p, const Totals& t) {
  CaptureStatsEvent e;
  e.ts = micros(begun_);
  e.interface = options_.interface;
  e.worker = static_cast<std::uint16_t>(options_.worker);
  e.interval = seconds(until - begun_);
  e.packets = t.stats.taken - last_.stats.taken;
  e.bytes = t.packets.wire_bytes - last_.packets.wire_bytes;
  e.captured_bytes = t.packets.captured_bytes - last_.packets.captured_bytes;
  e.kernel_received = t.stats.received - last_.stats.received;
  e.kernel_dropped = t.stats.dropped - last_.stats.dropped;
  e.ring_waiting = t.waiting();
  e.decoded = t.packets.packets - last_.packets.packets;
  e.app_dropped = e.packets - e.decoded;
  if (options_.worker == 0) {
    e.if_received = t.stats.if_received - last_.stats.if_received;
    e.if_dropped = t.stats.if_dropped - last_.stats.if_dropped;
    e.backlog_dropped = t.stats.backlog_dropped - last_.stats.backlog_dropped;
    // The socket also sees what the machine itself sends, the interface's counter does not.
    if (options_.is_filtered && options_.workers == 1)
      e.filtered = *e.if_received - std::min(*e.if_received, *e.kernel_received);
  }
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
  e.packets_written = t.kept.written - last_.kept.written;
  e.packets_cutoff = t.kept.cutoff - last_.kept.cutoff;
  e.packets_not_kept = t.kept.not_kept - last_.kept.not_kept;
  e.memory_bytes = p.memory_bytes();
  e.acks = t.all.acks - last_.all.acks;
  e.ack_gaps = t.all.ack_gaps - last_.all.ack_gaps;
  e.down = seconds(t.stats.down - last_.stats.down);
  p.events().emit(e);
}

void Ledger::write_coverage(Nanos until, Pipeline& p, const Totals& t) {
  const std::uint64_t ring = t.stats.dropped - last_.stats.dropped;
  // Of the whole interface: the first worker tells, or they would be counted once for each.
  const bool is_first = options_.worker == 0;
  const std::uint64_t nic = is_first ? t.stats.if_dropped - last_.stats.if_dropped : 0;
  const std::uint64_t backlog = is_first ? t.stats.backlog_dropped - last_.stats.backlog_dropped : 0;
  const std::uint64_t decoded = t.packets.packets - last_.packets.packets;
  const std::uint64_t given_up = t.stats.taken - last_.stats.taken - decoded;
  const std::uint64_t lost = ring + nic + backlog + given_up;
  const Nanos down = std::min(t.stats.down - last_.stats.down, until - begun_);
  const Nanos watched = std::min(until - begun_, kInterval) - std::min(down, kInterval);

  CoverageEvent c;
  c.ts = micros(begun_);
  c.interface = options_.interface;
  c.worker = static_cast<std::uint16_t>(options_.worker);
  c.minute = micros(begun_ - begun_ % kInterval);
  c.watched = seconds(watched);
  c.lost_packets = lost;
  const double is_seen = seconds(watched) / seconds(kInterval) * share_without(lost, decoded + lost);
  const auto row = [&](std::string_view name, std::uint64_t packets, const ClassCount& now, const ClassCount& before) {
    const std::uint64_t acks = now.acks - before.acks, gaps = now.ack_gaps - before.ack_gaps;
    std::array<std::string_view, 6> reasons;
    std::size_t n = 0;
    if (ring > 0) reasons[n++] = "kernel_dropped";
    if (nic > 0) reasons[n++] = "if_dropped";
    if (backlog > 0) reasons[n++] = "backlog_dropped";
    if (given_up > 0) reasons[n++] = "app_dropped";
    if (gaps > 0) reasons[n++] = "ack_gaps";
    if (down > 0) reasons[n++] = "interface_down";
    c.protocol_class = name;
    c.packets = packets;
    c.measured = is_seen * share_without(gaps, acks);
    c.reasons = std::span(reasons).first(n);
    p.events().emit(c);
  };
  row("all", decoded, t.all, last_.all);
  for (std::size_t i = 0; i < t.classes.size(); i++) {
    const std::uint64_t packets = t.classes[i].packets - last_.classes[i].packets;
    if (packets > 0) row(p.classes().name(i), packets, t.classes[i], last_.classes[i]);
  }
}

}  // namespace catenary::sensor
