#include "worker/message.h"

#include <algorithm>

#include "base/cursor.h"
#include "event/validate.h"

namespace catenary::worker {
namespace {

constexpr std::size_t kTextMax = 1024;

void put(std::vector<std::uint8_t>& out, std::uint64_t v, std::size_t bytes) {
  for (std::size_t i = bytes; i > 0; i--) out.push_back(static_cast<std::uint8_t>(v >> 8 * (i - 1)));
}
void put(std::vector<std::uint8_t>& out, const std::string& text) {
  const std::size_t n = std::min(text.size(), kTextMax);
  put(out, n, 2);
  out.insert(out.end(), text.begin(), text.begin() + static_cast<std::ptrdiff_t>(n));
}
std::string text(Cursor& c) {
  const Bytes b = c.take(c.be16());
  return {b.begin(), b.end()};
}

// What is concluded, or written by the sensor itself, no packet makes.
bool is_made_of_packets(Kind kind) {
  switch (kind) {
    case Kind::alert:
    case Kind::audit:
    case Kind::gap:
    case Kind::identity:
    case Kind::sighting:
    case Kind::signal: return false;
    default: return kind_info(kind) != nullptr;
  }
}

// The numbers of a segment, in the order of the message.
template <class S, class F>
void each_number(S& s, F f) {
  f(s.bytes);
  f(s.counters.taken);
  f(s.counters.decoded);
  f(s.counters.written);
  f(s.counters.cutoff);
  f(s.counters.not_kept);
  f(s.counters.ring_packets);
  f(s.counters.ring_drops);
}
template <class S, class F>
void each_time(S& s, F f) {
  f(s.from);
  f(s.to);
  f(s.first);
  f(s.last);
}

}  // namespace

std::vector<std::uint8_t> drain_table(std::span<const event::Batch> batches) {
  std::vector<std::uint8_t> out;
  put(out, batches.size(), 2);
  for (const event::Batch& b : batches) {
    put(out, static_cast<std::uint64_t>(b.kind), 2);
    put(out, b.count, 4);
    put(out, b.bytes.size(), 4);
  }
  return out;
}

std::vector<std::uint8_t> segment_message(const packets::Segment& s) {
  std::vector<std::uint8_t> out;
  put(out, s.epoch, 4);
  put(out, s.n, 4);
  put(out, s.has_index, 1);
  put(out, s.name);
  put(out, s.error);
  each_number(s, [&](std::uint64_t v) { put(out, v, 8); });
  each_time(s, [&](Nanos t) { put(out, static_cast<std::uint64_t>(t), 8); });
  return out;
}

std::string read_drain(Bytes message, Micros not_before, Micros not_after, DrainMessage& out) {
  Cursor c(message);
  const std::size_t n = c.be16();
  if (!c.ok() || n > kKindCount) return "a drain of an impossible number of batches";
  Cursor table = c.sub(n * 10);
  if (!c.ok()) return "a drain that ends in its table";
  out.batches.clear();
  out.last_seen = not_before;
  for (std::size_t i = 0; i < n; i++) {
    const auto kind = static_cast<Kind>(table.be16());
    const std::uint32_t count = table.be32(), length = table.be32();
    if (!is_made_of_packets(kind)) return "a kind that no packet makes";
    if (i > 0 && kind <= out.batches.back().kind) return "batches out of order";
    const std::size_t offset = message.size() - c.left();
    const Bytes records = c.take(length);
    if (!c.ok()) return "a batch longer than its drain";
    const Validation v = validate(kind, records, count);
    if (!v.ok()) return "a record that is none";
    if (count == 0 || v.records != count) return "a batch of another length than it says";
    if (v.seen_goes_back || v.seen_min < not_before) return "a record from before the last one";
    if (v.seen_max > not_after) return "a record from the future";
    out.batches.push_back({kind, count, v.seen_min, v.seen_max, offset, length});
    out.last_seen = std::max(out.last_seen, v.seen_max);
  }
  return c.done() ? "" : "bytes behind the last batch";
}

std::string read_segment(Bytes message, std::uint32_t epoch, packets::Segment& out) {
  Cursor c(message);
  out = {};
  out.epoch = c.be32();
  out.n = c.be32();
  out.has_index = c.u8() != 0;
  out.name = text(c);
  out.error = text(c);
  each_number(out, [&](std::uint64_t& v) { v = c.be64(); });
  each_time(out, [&](Nanos& t) { t = static_cast<Nanos>(c.be64()); });
  if (!c.ok() || !c.done()) return "a segment's message of another length";
  if (out.epoch != epoch || out.n == 0) return "a segment of another epoch";
  if (!out.name.empty() && out.name != packets::segment_name(out.epoch, out.n)) return "a segment of another name";
  return out.error.size() <= kTextMax ? "" : "a text that is too long";
}

}  // namespace catenary::worker
