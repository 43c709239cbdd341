// GUIDs and UUIDs as Windows writes them: MS-DTYP 2.3.4.2, C706 Appendix A.
#pragma once

#include <string>

#include "base/bytes.h"

namespace catenary {

inline constexpr std::size_t kGuidBytes = 16, kGuidTextBytes = 36;

// "367abb81-9844-35f1-ad32-98f038001003"; empty unless there are 16 bytes. The first three parts are numbers, little
// endian unless `is_big`.
inline std::string guid_text(Bytes guid, bool is_big = false) {
  static constexpr char kDigits[] = "0123456789abcdef";
  static constexpr std::uint8_t kLittle[kGuidBytes] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
  std::string text;
  if (guid.size() != kGuidBytes) return text;
  for (std::size_t i = 0; i < kGuidBytes; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    const std::uint8_t b = guid[is_big ? i : kLittle[i]];
    text += kDigits[b >> 4];
    text += kDigits[b & 15];
  }
  return text;
}

}  // namespace catenary
