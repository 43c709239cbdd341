// Which parts of a message are there, when they come in any order: ranges that are apart, ascending, at most N.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace catenary {

template <std::size_t N>
class RangeSet {
 public:
  void clear() noexcept { size_ = 0; }
  // False when it would be one range too many.
  bool add(std::uint32_t from, std::uint32_t to) noexcept {
    std::size_t first = 0;
    while (first < size_ && ranges_[first].to < from) first++;
    std::size_t last = first;  // behind the ranges that touch it
    while (last < size_ && ranges_[last].from <= to) {
      from = std::min(from, ranges_[last].from);
      to = std::max(to, ranges_[last].to);
      last++;
    }
    if (first == last && size_ == N) return false;
    const auto at = [&](std::size_t i) { return ranges_.begin() + static_cast<std::ptrdiff_t>(i); };
    if (first == last)
      std::move_backward(at(first), at(size_), at(size_ + 1));
    else
      std::move(at(last), at(size_), at(first + 1));
    size_ = size_ + 1 - (last - first);
    ranges_[first] = {from, to};
    return true;
  }
  // Bytes from the beginning without a hole.
  std::uint32_t whole_until() const noexcept { return size_ > 0 && ranges_[0].from == 0 ? ranges_[0].to : 0; }

 private:
  struct Range {
    std::uint32_t from, to;
  };
  std::array<Range, N> ranges_;
  std::size_t size_ = 0;
};

}  // namespace catenary
