#include "flow/expected.h"

#include <algorithm>
#include <cstring>

namespace catenary::flow {

std::uint32_t Expected::bucket_of(const Ip& orig_h, const Ip& resp_h, std::uint16_t resp_p) const noexcept {
  SipHasher h(key_);
  std::uint64_t w[4];
  std::memcpy(w, orig_h.bytes.data(), 16);
  std::memcpy(w + 2, resp_h.bytes.data(), 16);
  for (const std::uint64_t word : w) h.word(word);
  return static_cast<std::uint32_t>(h.finish(resp_p) % kBuckets);
}

std::uint32_t Expected::entry_of(std::uint32_t bucket, const Ip& orig_h, const Ip& resp_h,
                                 std::uint16_t resp_p) const noexcept {
  std::uint32_t i = buckets_[bucket];
  while (i != kNil) {
    const Expectation& e = ring_[i].what;
    if (e.resp_p == resp_p && e.orig_h == orig_h && e.resp_h == resp_h) break;
    i = ring_[i].next;
  }
  return i;
}

void Expected::unlink(std::uint32_t i) noexcept {
  std::uint32_t* link = &buckets_[ring_[i].bucket];
  while (*link != i) link = &ring_[*link].next;
  *link = ring_[i].next;
}

bool Expected::add(const Expectation& e, Nanos now) {
  if (buckets_.empty()) buckets_.assign(kBuckets, kNil);
  last_until_ = std::max(last_until_, now + kLifetime);
  const std::uint32_t bucket = bucket_of(e.orig_h, e.resp_h, e.resp_p);
  if (const std::uint32_t same = entry_of(bucket, e.orig_h, e.resp_h, e.resp_p); same != kNil) {
    ring_[same].what = e;
    ring_[same].until = now + kLifetime;
    return true;
  }
  bool was_valid = false;
  const auto i = static_cast<std::uint32_t>(next_++ % kMax);
  if (i == ring_.size()) {
    ring_.emplace_back();
  } else {
    was_valid = ring_[i].until > now;
    unlink(i);
  }
  ring_[i] = {e, now + kLifetime, buckets_[bucket], bucket};
  buckets_[bucket] = i;
  return !was_valid;
}

const Expectation* Expected::find(const Ip& orig_h, const Ip& resp_h, std::uint16_t resp_p, Nanos now) const noexcept {
  if (buckets_.empty() || now >= last_until_) return nullptr;
  const std::uint32_t i = entry_of(bucket_of(orig_h, resp_h, resp_p), orig_h, resp_h, resp_p);
  return i != kNil && ring_[i].until > now ? &ring_[i].what : nullptr;
}

}  // namespace catenary::flow
