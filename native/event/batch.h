// Collects events into batches, one per kind, and hands all of them over at once: a drain.
//
// A drain holds every event since the last one, so each event of a drain was complete (`seen`) no
// earlier than any event of the drain before it: a consumer that sorts one drain by `seen` has the
// whole order. The worker's clock never goes back, whatever the packets' stamps do.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "base/check.h"
#include "base/net.h"
#include "event/gen/kinds.gen.h"
#include "event/record.h"

namespace catenary::event {

struct Batch {
  Kind kind{};
  std::uint32_t count = 0;
  Micros first_seen = 0, last_seen = 0;
  Bytes bytes;  // records, one after another
};

// Takes a drain. The bytes are the sink's to read until it returns.
class DrainSink {
 public:
  virtual ~DrainSink() = default;
  virtual void on_drain(std::span<const Batch> batches) = 0;
};

class Batcher {
 public:
  static constexpr std::uint32_t kEventsMax = 4000;     // of one kind in a drain
  static constexpr std::size_t kBytesMax = 512 * 1024;  // of all kinds in a drain
  // Whatever one packet says, or the end of a million flows: a batch stays shorter than a frame of the spool, 1 MiB.
  static constexpr std::size_t kBytesEnd = 960 * 1024;

  explicit Batcher(DrainSink& sink) : sink_(sink), scratch_(kRecordBytesMax) {}

  // Packet time. Never goes back: `seen` is non-decreasing by construction.
  void advance(Nanos now) noexcept {
    if (now > now_) now_ = now;
  }
  Nanos now() const noexcept { return now_; }

  // Kinds nobody wants are counted and not encoded.
  void want(Kind kind, bool wanted) noexcept { wanted_[static_cast<std::size_t>(kind)] = wanted; }
  void want_all(bool wanted) noexcept { wanted_.fill(wanted); }

  template <class E>
  void emit(E& e) {
    Lane& lane = lanes_[static_cast<std::size_t>(E::kKind)];
    lane.total++;
    if (!wanted_[static_cast<std::size_t>(E::kKind)]) return;
    e.seen = micros(now_);
    Buffer out{scratch_.data(), 0, scratch_.size()};
    RecordWriter writer(out);
    e.encode(writer);
    CATENARY_CHECK(writer.ok());
    if (bytes_ + out.size > kBytesEnd) drain();
    lane.bytes.insert(lane.bytes.end(), out.data, out.data + out.size);
    if (lane.count++ == 0) lane.first_seen = e.seen;
    lane.last_seen = e.seen;
    bytes_ += out.size;
    bytes_total_ += out.size;
    if (lane.count >= kEventsMax || bytes_ >= kBytesMax) is_full_ = true;
  }

  // Hands over when a limit is reached. Called between packets, so that one packet's events stay together unless they
  // are more than kBytesEnd.
  void drain_if_full() {
    if (is_full_) drain();
  }
  void drain();

  // How many drains have been handed over.
  std::uint64_t drains() const noexcept { return drains_; }
  // Of all records so far.
  std::uint64_t bytes_total() const noexcept { return bytes_total_; }
  std::uint64_t total(Kind kind) const noexcept { return lanes_[static_cast<std::size_t>(kind)].total; }

 private:
  struct Lane {
    std::vector<std::uint8_t> bytes;  // keeps its capacity from drain to drain
    std::uint32_t count = 0;
    Micros first_seen = 0, last_seen = 0;
    std::uint64_t total = 0;
  };

  DrainSink& sink_;
  std::array<Lane, kKindCount> lanes_{};
  std::array<bool, kKindCount> wanted_ = [] {
    std::array<bool, kKindCount> all{};
    all.fill(true);
    return all;
  }();
  std::vector<std::uint8_t> scratch_;
  std::size_t bytes_ = 0;
  std::uint64_t bytes_total_ = 0;
  std::uint64_t drains_ = 0;
  bool is_full_ = false;
  Nanos now_ = 0;
};

}  // namespace catenary::event
