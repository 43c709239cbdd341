// What a layer found odd in one packet, where it has no decoder at hand to tell.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "event/gen/weirds.gen.h"

namespace catenary::decode {

// Each name once; more than N names are not kept, and no caller has more.
template <std::size_t N>
class Found {
 public:
  void add(Weird name) noexcept {
    if (count_ < N && std::find(begin(), end(), name) == end()) names_[count_++] = name;
  }
  bool empty() const noexcept { return count_ == 0; }
  std::size_t size() const noexcept { return count_; }
  const Weird* begin() const noexcept { return names_.data(); }
  const Weird* end() const noexcept { return names_.data() + count_; }
  // Nothing but this one.
  bool is(Weird name) const noexcept { return count_ == 1 && names_[0] == name; }
  bool has(Weird name) const noexcept { return std::find(begin(), end(), name) != end(); }

 private:
  std::array<Weird, N> names_{};
  std::size_t count_ = 0;
};

}  // namespace catenary::decode
