// Memory for flows, parsers and bytes out of order: size classes with free lists, so that a steady
// stream of flows allocates nothing from the system. A budget bounds what is handed out in all, and another one what
// waits because of one source: addresses are counted by a keyed hash, and the few that meet share a budget.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "base/net.h"
#include "base/siphash.h"

namespace catenary::flow {

class Pool {
 public:
  static constexpr std::size_t kLargest = 256 * 1024;

  static constexpr std::size_t kSourceMin = 4 << 20;  // a source may have so much, however small the whole budget
  using Source = std::uint32_t;

  explicit Pool(std::size_t budget_bytes, SipKey key = {})
      : budget_(budget_bytes), source_budget_(std::max(budget_bytes / 8, kSourceMin)), key_(key) {}

  // Whose bytes they are.
  Source source_of(const Ip& address) const noexcept {
    std::uint64_t halves[2];
    std::memcpy(halves, address.bytes.data(), sizeof halves);
    SipHasher h(key_);
    h.word(halves[0]);
    return static_cast<Source>(h.finish(halves[1]) % kSources);
  }
  // get() on account of a source; nullptr too when its budget is spent.
  std::uint8_t* get(std::size_t n, std::uint32_t& got, Source source) {
    if (is_spent(n, source)) return nullptr;
    std::uint8_t* const p = get(n, got);
    if (p) sources_[source] += got;
    return p;
  }
  void put(void* p, std::uint32_t got, Source source) {
    if (!p) return;
    sources_[source] -= got;
    put(p, got);
  }
  bool is_spent(std::size_t n, Source source) const noexcept {
    return sources_[source] + (std::size_t{1} << size_class(n)) > source_budget_;
  }
  std::size_t used_by(Source source) const noexcept { return sources_[source]; }
  std::size_t source_budget() const noexcept { return source_budget_; }

  // At least n bytes (n <= kLargest); `got` is how many. nullptr when the budget is spent.
  std::uint8_t* get(std::size_t n, std::uint32_t& got) {
    const unsigned c = size_class(n);
    const std::size_t size = std::size_t{1} << c;
    if (n > kLargest || used_ + size > budget_) return nullptr;
    used_ += size;
    got = static_cast<std::uint32_t>(size);
    auto& list = free_[c];
    if (list.empty()) refill(c);
    std::uint8_t* p = list.back();
    list.pop_back();
    return p;
  }
  // `got` as get() told it.
  void put(void* p, std::uint32_t got) {
    if (!p) return;
    used_ -= got;
    free_[size_class(got)].push_back(static_cast<std::uint8_t*>(p));
  }
  std::size_t used() const noexcept { return used_; }

 private:
  static constexpr unsigned kSmallest = 6;  // 64 bytes
  static unsigned size_class(std::size_t n) noexcept {
    const unsigned c = static_cast<unsigned>(std::bit_width(n - (n > 1)));
    return c < kSmallest ? kSmallest : n > 1 ? c : kSmallest;
  }
  void refill(unsigned c) {
    const std::size_t size = std::size_t{1} << c;
    const std::size_t n = size >= 65536 ? 1 : 65536 / size;
    slabs_.push_back(std::make_unique<std::uint8_t[]>(n * size));
    for (std::size_t i = 0; i < n; i++) free_[c].push_back(slabs_.back().get() + i * size);
  }

  static constexpr std::size_t kSources = 1 << 16;

  std::size_t budget_, source_budget_;
  SipKey key_;
  std::size_t used_ = 0;
  std::vector<std::uint32_t> sources_ = std::vector<std::uint32_t>(kSources);
  std::array<std::vector<std::uint8_t*>, 20> free_;
  std::vector<std::unique_ptr<std::uint8_t[]>> slabs_;
};

}  // namespace catenary::flow
