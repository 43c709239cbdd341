// A hash table of fixed slots under a byte budget: open addressing in which a key has exactly two places.
//
// Slots stand in buckets of eight. A key's 128-bit hash names two buckets; it lives in one of them, always the emptier
// at the time it came. With two choices the first pair of buckets is full when the
// table is three quarters full; a lookup reads two lines of tags and one slot; nothing is ever moved and no tombstone
// is left behind.
//
// It starts small and doubles when it has to. At its budget, a key that finds both its buckets full takes the place of
// the one of those sixteen that was last seen longest ago: the oldest, approximately, in constant time. What was
// evicted is counted, and the bucket remembers the latest `last` it ever gave up: no key of this bucket is unknown
// after that time, every one may be before. That is `since` of a key that is not here.
//
// While it grows the old and the new table stand side by side: half as much again for a moment.
#pragma once

#include <bit>

#include "memory/pages.h"
#include "memory/slot.h"

namespace catenary::memory {

inline constexpr std::size_t kBucketSlots = 8;
inline constexpr std::size_t kBucketsMin = 16;
// An index fits 32 bits.
inline constexpr std::size_t kBucketsMax = std::size_t{1} << 28;

template <class Slot>
class Table {
 public:
  // Tags, the bucket's `gone`, and a dirty bit's share beside the slots themselves.
  static constexpr std::size_t kBucketBytes =
      kBucketSlots * (sizeof(Slot) + sizeof(std::uint32_t)) + sizeof(Micros) + 1;

  Table(std::size_t budget_bytes, bool track_changes)
      : buckets_max_(std::clamp(budget_bytes / kBucketBytes, kBucketsMin, kBucketsMax)), track_(track_changes) {
    allocate(kBucketsMin);
  }

  void prefetch(KeyHash h) const noexcept {
    __builtin_prefetch(&tags_[bucket_a(h) * kBucketSlots]);
    __builtin_prefetch(&tags_[bucket_b(h) * kBucketSlots]);
  }

  const Slot* find(KeyHash h) const noexcept {
    const std::size_t i = index_of(h);
    return i == kNone ? nullptr : &slots_[i];
  }

  // The key's slot, new (count 0) or old, marked as changed. `start` is since when memory as a whole answers.
  Slot& claim(KeyHash h, Micros start) {
    std::size_t i = index_of(h);
    if (i == kNone) i = place(h, start);
    mark(i);
    return slots_[i];
  }

  // Since when it is known that a key that is not here was not seen.
  Micros since(KeyHash h, Micros start) const noexcept {
    return std::max({start, floor_, gone_[bucket_a(h)], gone_[bucket_b(h)]});
  }

  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return slots_.size(); }
  std::size_t capacity_max() const noexcept { return buckets_max_ * kBucketSlots; }
  std::size_t bytes() const noexcept { return gone_.size() * kBucketBytes; }
  std::uint64_t evicted() const noexcept { return evicted_; }
  Micros floor() const noexcept { return floor_; }

  // ---- for the files ------------------------------------------------------------------------------------------

  // Whether slots have moved since forget_changes(): changed slots alone then no longer tell the story.
  bool moved() const noexcept { return moved_; }
  std::size_t changes() const noexcept { return changed_.size(); }
  void encode_changes(std::vector<std::uint8_t>& out) const {
    for (const std::uint32_t i : changed_) encode(slots_[i], i, gone_[i / kBucketSlots], out);
  }
  void encode_all(std::vector<std::uint8_t>& out) const {
    for (std::size_t i = 0; i < slots_.size(); i++) {
      if (tags_[i] != 0) encode(slots_[i], static_cast<std::uint32_t>(i), gone_[i / kBucketSlots], out);
    }
  }
  void forget_changes() noexcept {
    for (const std::uint32_t i : changed_) dirty_[i / 64] &= ~(1ULL << (i % 64));
    changed_.clear();
    moved_ = false;
  }

  // An empty table as it was when it was written. False: no table was ever like that.
  bool restore(std::uint64_t buckets, std::uint64_t evicted, Micros floor) {
    if (buckets < kBucketsMin || buckets > kBucketsMax) return false;
    allocate(static_cast<std::size_t>(buckets));
    evicted_ = evicted;
    floor_ = floor;
    return true;
  }
  bool restore_slot(Cursor& in) {
    Slot s;
    std::uint32_t i = 0;
    Micros gone = 0;
    if (!decode(in, s, i, gone) || i >= slots_.size()) return false;
    const std::size_t bucket = i / kBucketSlots;
    if (bucket != bucket_a(s.hash) && bucket != bucket_b(s.hash)) return false;
    if (tags_[i] == 0) size_++;
    tags_[i] = tag(s.hash);
    slots_[i] = s;
    gone_[bucket] = gone;
    return true;
  }
  void set_evicted(std::uint64_t n) noexcept { evicted_ = n; }
  // After a restart with another budget. Smaller: the oldest go, counted.
  void fit() {
    if (gone_.size() > buckets_max_) rebuild(buckets_max_);
  }

 private:
  static constexpr std::size_t kNone = SIZE_MAX;

  static std::uint32_t tag(KeyHash h) noexcept { return static_cast<std::uint32_t>(h.h0) | 1U; }
  std::size_t scaled(std::uint64_t h) const noexcept {
    return static_cast<std::size_t>((static_cast<unsigned __int128>(h) * gone_.size()) >> 64);
  }
  std::size_t bucket_a(KeyHash h) const noexcept { return scaled(h.h0); }
  std::size_t bucket_b(KeyHash h) const noexcept { return scaled(h.h1); }

  std::size_t index_of(KeyHash h) const noexcept {
    const std::uint32_t t = tag(h);
    for (const std::size_t b : {bucket_a(h), bucket_b(h)}) {
      for (std::size_t i = b * kBucketSlots; i < (b + 1) * kBucketSlots; i++) {
        if (tags_[i] == t && slots_[i].hash == h) return i;
      }
    }
    return kNone;
  }
  std::size_t used(std::size_t bucket) const noexcept {
    std::size_t n = 0;
    for (std::size_t i = 0; i < kBucketSlots; i++) n += tags_[bucket * kBucketSlots + i] != 0 ? 1 : 0;
    return n;
  }

  std::size_t place(KeyHash h, Micros start) {
    // Both full in a table that may still grow: twice the buckets. Hashes spread, so one round is enough but for a
    // coincidence, which the loop's bound covers.
    for (;;) {
      const std::size_t a = bucket_a(h), b = bucket_b(h);
      const std::size_t used_a = used(a), used_b = used(b);
      const std::size_t emptier = used_b < used_a ? b : a;
      if (std::min(used_a, used_b) < kBucketSlots) return occupy(h, start, emptier * kBucketSlots + free_in(emptier));
      if (gone_.size() == buckets_max_) return occupy(h, start, evict(a, b));
      rebuild(std::min(gone_.size() * 2, buckets_max_));
    }
  }
  std::size_t free_in(std::size_t bucket) const noexcept {
    std::size_t i = 0;
    while (tags_[bucket * kBucketSlots + i] != 0) i++;
    return i;
  }
  std::size_t occupy(KeyHash h, Micros start, std::size_t i) {
    const Micros known_since = since(h, start);
    slots_[i] = Slot{};
    slots_[i].hash = h;
    slots_[i].since = known_since;
    tags_[i] = tag(h);
    size_++;
    return i;
  }
  std::size_t evict(std::size_t a, std::size_t b) noexcept {
    std::size_t oldest = a * kBucketSlots;
    for (const std::size_t bucket : {a, b}) {
      for (std::size_t i = bucket * kBucketSlots; i < (bucket + 1) * kBucketSlots; i++) {
        if (slots_[i].last < slots_[oldest].last) oldest = i;
      }
    }
    Micros& gone = gone_[oldest / kBucketSlots];
    gone = std::max(gone, slots_[oldest].last + 1);
    tags_[oldest] = 0;
    size_--;
    evicted_++;
    return oldest;
  }

  void allocate(std::size_t buckets) {
    slots_ = Pages<Slot>(buckets * kBucketSlots);
    tags_ = Pages<std::uint32_t>(buckets * kBucketSlots);
    gone_ = Pages<Micros>(buckets);
    dirty_ = Pages<std::uint64_t>(track_ ? (buckets * kBucketSlots + 63) / 64 : 0);
    changed_.clear();
    size_ = 0;
  }
  // Everything into another number of buckets. What the old buckets had given up binds all new ones.
  void rebuild(std::size_t buckets) {
    const Pages<Slot> slots = std::move(slots_);
    const Pages<std::uint32_t> tags = std::move(tags_);
    for (std::size_t i = 0; i < gone_.size(); i++) floor_ = std::max(floor_, gone_[i]);
    allocate(buckets);
    for (std::size_t i = 0; i < slots.size(); i++) {
      if (tags[i] == 0) continue;
      const KeyHash h = slots[i].hash;
      const std::size_t a = bucket_a(h), b = bucket_b(h);
      const std::size_t emptier = used(b) < used(a) ? b : a;
      std::size_t at = used(emptier) < kBucketSlots ? emptier * kBucketSlots + free_in(emptier) : kNone;
      if (at == kNone) {
        // Only when the table shrinks, or by a coincidence of hashes: this key may be the oldest of the seventeen.
        std::size_t oldest = evict(a, b);
        at = oldest;
      }
      slots_[at] = slots[i];
      tags_[at] = tags[i];
      size_++;
    }
    moved_ = true;
  }
  void mark(std::size_t i) {
    if (!track_) return;
    std::uint64_t& word = dirty_[i / 64];
    const std::uint64_t bit = 1ULL << (i % 64);
    if ((word & bit) != 0) return;
    word |= bit;
    changed_.push_back(static_cast<std::uint32_t>(i));
  }

  const std::size_t buckets_max_;
  const bool track_;
  Pages<Slot> slots_;
  Pages<std::uint32_t> tags_;
  Pages<Micros> gone_;
  Pages<std::uint64_t> dirty_;
  std::vector<std::uint32_t> changed_;
  std::size_t size_ = 0;
  std::uint64_t evicted_ = 0;
  Micros floor_ = 0;
  bool moved_ = false;
};

}  // namespace catenary::memory
