// UTF-8 as Unicode 15 table 3-7 defines it: no overlong form, no surrogate, nothing above 10FFFF.
#pragma once

#include <cstring>

#include "base/bytes.h"

namespace catenary::utf8 {

// Bytes of the character at the front of `b`, 0 when it is not one (or `b` is empty).
inline std::size_t character(Bytes b) noexcept {
  if (b.empty()) return 0;
  const std::uint8_t c = b[0];
  if (c < 0x80) return 1;
  if (c < 0xc2) return 0;
  const auto follows = [&](std::size_t i, std::uint8_t low = 0x80, std::uint8_t high = 0xbf) noexcept {
    return i < b.size() && b[i] >= low && b[i] <= high;
  };
  if (c < 0xe0) return follows(1) ? 2 : 0;
  if (c < 0xf0) {
    const bool ok = follows(1, c == 0xe0 ? 0xa0 : 0x80, c == 0xed ? 0x9f : 0xbf) && follows(2);
    return ok ? 3 : 0;
  }
  if (c > 0xf4) return 0;
  const bool ok = follows(1, c == 0xf0 ? 0x90 : 0x80, c == 0xf4 ? 0x8f : 0xbf) && follows(2) && follows(3);
  return ok ? 4 : 0;
}

// Length of the run of ASCII at the front, eight bytes a step.
inline std::size_t ascii_run(Bytes b) noexcept {
  std::size_t i = 0;
  for (; i + 8 <= b.size(); i += 8) {
    std::uint64_t w;
    std::memcpy(&w, b.data() + i, 8);
    if ((w & 0x8080808080808080ULL) != 0) break;
  }
  while (i < b.size() && b[i] < 0x80) i++;
  return i;
}

inline bool valid(Bytes b) noexcept {
  std::size_t i = ascii_run(b);
  while (i < b.size()) {
    const std::size_t n = character(b.subspan(i));
    if (n == 0) return false;
    i += n;
    i += ascii_run(b.subspan(i));
  }
  return true;
}

}  // namespace catenary::utf8
