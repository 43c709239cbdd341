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
  g.has_odd_ttl = false;
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

Result Table::discard(std::uint32_t i, Result out) {
  release(i);
  return out;
}

// As inet_frag_queue_insert() and ip_frag_queue() of Linux do; asked there: native/decode/fragment/oracle.py.
Result Table::add(const Key& key, Nanos now, const Piece& piece, Bytes data) {
  while (oldest_ != kNil && pool_[oldest_]->first + kTimeout < now) {
    evicted_++;
    release(oldest_);
  }
  Result out;
  if (data.size() > kBytesMax || piece.offset > kBytesMax - data.size()) {
    out.weirds.add(Weird::ip_fragment_past_64k);
    return out;
  }
  // All but the last come in eights (RFC 791, 3.2); of IPv4 the odd rest is not read, of IPv6 the fragment.
  if (piece.has_more && data.size() % 8 != 0) {
    out.weirds.add(Weird::ip_fragment_length_invalid);
    if (key.version == 6) return out;
    data = data.first(data.size() / 8 * 8);
  }
  std::uint32_t i = find(key);
  if (data.empty()) {
    out.weirds.add(Weird::ip_fragment_length_invalid);
    return i == kNil ? out : discard(i, out);
  }
  if (i == kNil) i = create(key, now);
  if (i == kNil) return out;  // every buffer was handed out within one frame
  Datagram& g = *pool_[i];
  const auto end = static_cast<std::uint32_t>(piece.offset + data.size());
  const bool is_past_end = g.end != 0 && (piece.has_more ? end > g.end : end != g.end);
  if (is_past_end || (!piece.has_more && end < g.highest)) {
    out.weirds.add(Weird::ip_fragment_ends_differ);
    return discard(i, out);
  }
  if (g.have == 0) g.ttl = piece.ttl;
  if (piece.ttl != g.ttl && !g.has_odd_ttl) {
    g.has_odd_ttl = true;
    out.weirds.add(Weird::ip_fragment_ttl_differs);
  }
  const std::size_t first_unit = piece.offset / 8;
  const std::size_t units = (data.size() + 7) / 8;
  std::size_t held = 0;
  for (std::size_t u = 0; u < units; u++) held += g.units[first_unit + u];
  if (held > 0) {
    const Bytes before{g.bytes + piece.offset, data.size()};
    bool differs = false;
    for (std::size_t u = 0; u < units && !differs; u++) {
      const std::size_t n = std::min<std::size_t>(8, data.size() - u * 8);
      differs = g.units[first_unit + u] && std::memcmp(before.data() + u * 8, data.data() + u * 8, n) != 0;
    }
    if (differs) out.weirds.add(Weird::ip_fragment_overlap_differs);
    if (held == units) return out;
    out.weirds.add(Weird::ip_fragment_overlap);
    return discard(i, out);
  }
  std::memcpy(g.bytes + piece.offset, data.data(), data.size());
  for (std::size_t u = 0; u < units; u++) g.units[first_unit + u] = true;
  g.have += static_cast<std::uint32_t>(units);
  g.highest = std::max(g.highest, end);
  if (!piece.has_more) g.end = end;
  if (piece.offset == 0) g.proto = piece.proto;
  if (g.end == 0 || g.have < (g.end + 7) / 8) return out;
  out.is_complete = true;
  out.payload = Bytes{g.bytes, g.end};
  out.proto = g.proto;
  unlink(i);
  delivered_.push_back(i);
  return out;
}

}  // namespace catenary::fragment
