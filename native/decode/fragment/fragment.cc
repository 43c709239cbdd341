#include "decode/fragment/fragment.h"

#include <algorithm>
#include <cstring>

namespace catenary::fragment {

std::uint32_t* Table::bucket_of(const Key& key) {
  SipHasher h(key_);
  std::uint64_t w[4];
  std::memcpy(w, key.src.bytes.data(), 16);
  std::memcpy(w + 2, key.dst.bytes.data(), 16);
  for (const std::uint64_t x : w) h.word(x);
  const std::uint64_t hash =
      h.finish(static_cast<std::uint64_t>(key.id) << 16 | static_cast<std::uint64_t>(key.proto) << 8 | key.version);
  return &buckets_[hash % kBuckets];
}

std::uint32_t Table::find(const Key& key) {
  for (std::uint32_t i = *bucket_of(key); i != kNil; i = pool_[i]->next) {
    if (pool_[i]->key == key) return i;
  }
  return kNil;
}

std::uint32_t Table::create(const Key& key, Nanos now) {
  std::uint32_t i;
  if (!free_.empty()) {
    i = free_.back();
    free_.pop_back();
  } else if (pool_.size() < kDatagramsMax) {
    pool_.push_back(std::make_unique<Datagram>());
    i = static_cast<std::uint32_t>(pool_.size() - 1);
  } else if (oldest_ == kNil) {
    return kNil;
  } else {
    evicted_++;
    release(oldest_);
    i = free_.back();
    free_.pop_back();
  }
  Datagram& g = *pool_[i];
  g.key = key;
  g.first = now;
  g.end = g.have = g.highest = 0;
  g.units.reset();
  g.in_use = true;
  std::uint32_t* head = bucket_of(key);
  g.next = *head;
  *head = i;
  g.older = newest_;
  g.newer = kNil;
  if (newest_ != kNil) pool_[newest_]->newer = i;
  newest_ = i;
  if (oldest_ == kNil) oldest_ = i;
  active_++;
  return i;
}

void Table::unlink(std::uint32_t i) {
  Datagram& g = *pool_[i];
  std::uint32_t* link = bucket_of(g.key);
  while (*link != i) link = &pool_[*link]->next;
  *link = g.next;
  (g.older == kNil ? oldest_ : pool_[g.older]->newer) = g.newer;
  (g.newer == kNil ? newest_ : pool_[g.newer]->older) = g.older;
  g.in_use = false;
  active_--;
}

void Table::release(std::uint32_t i) {
  unlink(i);
  free_.push_back(i);
}

void Table::begin_frame() {
  free_.insert(free_.end(), delivered_.begin(), delivered_.end());
  delivered_.clear();
}

Result Table::add(const Key& key, Nanos now, std::uint32_t offset, bool has_more, Bytes data) {
  while (oldest_ != kNil && pool_[oldest_]->first + kTimeout < now) {
    evicted_++;
    release(oldest_);
  }
  Result out;
  const std::size_t end = offset + data.size();
  if (end > kBytesMax) {
    out.weird = Weird::ip_fragment_past_64k;
    return out;
  }
  if (data.empty() || (has_more && data.size() % 8 != 0)) {
    out.weird = Weird::ip_fragment_length_invalid;
    return out;
  }
  std::uint32_t i = find(key);
  if (i == kNil) i = create(key, now);
  if (i == kNil) return out;  // every buffer was handed out within one frame
  Datagram& g = *pool_[i];
  if (!has_more) {
    if (g.end != 0 && g.end != end) out.weird = Weird::ip_fragment_ends_differ;
    if (g.end == 0) g.end = static_cast<std::uint32_t>(end);
  }
  g.highest = std::max(g.highest, static_cast<std::uint32_t>(end));
  if (g.end != 0 && g.highest > g.end) {
    out.weird = Weird::ip_fragment_ends_differ;
    return out;
  }
  const std::size_t first_unit = offset / 8;
  const std::size_t units = (data.size() + 7) / 8;
  for (std::size_t u = 0; u < units; u++) {
    const std::size_t at = u * 8;
    const std::size_t n = std::min<std::size_t>(8, data.size() - at);
    std::uint8_t* to = g.bytes + offset + at;
    if (!g.units[first_unit + u]) {
      std::memcpy(to, data.data() + at, n);
      g.units[first_unit + u] = true;
      g.have++;
    } else if (std::memcmp(to, data.data() + at, n) != 0) {
      out.weird = Weird::ip_fragment_overlap_differs;
    }
  }
  if (g.end == 0 || g.have < (g.end + 7) / 8) return out;
  out.is_complete = true;
  out.payload = Bytes{g.bytes, g.end};
  unlink(i);
  delivered_.push_back(i);
  return out;
}

}  // namespace catenary::fragment
