// Memory for flows, parsers and bytes out of order: size classes with free lists, so that a steady
// stream of flows allocates nothing from the system. A budget bounds what is handed out in all.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace catenary::flow {

class Pool {
 public:
  static constexpr std::size_t kLargest = 256 * 1024;

  explicit Pool(std::size_t budget_bytes) : budget_(budget_bytes) {}

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

  std::size_t budget_;
  std::size_t used_ = 0;
  std::array<std::vector<std::uint8_t*>, 20> free_;
  std::vector<std::unique_ptr<std::uint8_t[]>> slabs_;
};

}  // namespace catenary::flow
