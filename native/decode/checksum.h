// The checksum of IP and what stands on it. RFC 1071.
#pragma once

#include <cstdint>
#include <cstring>

#include "base/bytes.h"

namespace catenary::decode {

// Sum of 16-bit words as they lie in memory, not folded; an odd last byte counts as if a zero followed. `sum`: of what
// stands before, of even length.
inline std::uint64_t add_words(Bytes b, std::uint64_t sum = 0) noexcept {
  const std::uint8_t* at = b.data();
  std::size_t left = b.size();
  for (; left >= 4; at += 4, left -= 4) {
    std::uint32_t word;
    std::memcpy(&word, at, 4);
    sum += word;
  }
  std::uint8_t last[4] = {};
  if (left > 0) std::memcpy(last, at, left);
  std::uint32_t word;
  std::memcpy(&word, last, 4);
  return sum + word;
}

// Folded to 16 bits; all ones where the checksum was part of the sum and is right. Zero: there was nothing but zeros.
inline std::uint16_t fold(std::uint64_t sum) noexcept {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

// Of a message with its checksum in it.
inline bool is_checksum_right(Bytes message) noexcept { return fold(add_words(message)) == 0xffff; }

}  // namespace catenary::decode
