// UTF-16, little endian, as Windows protocols write texts, to UTF-8 (RFC 2781, RFC 3629).
#pragma once

#include <string>

#include "base/cursor.h"

namespace catenary {

// Appends the text up to its first NUL, or as much as lets `out` have `cap` bytes; half of a surrogate pair becomes
// U+FFFD, an odd byte at the end is left out. False when something was left out for `cap`.
inline bool append_utf16(Bytes le, std::size_t cap, std::string& out) {
  Cursor in(le);
  while (in.has(2)) {
    std::uint32_t c = in.le16();
    if (c == 0) break;
    if (c >= 0xd800 && c < 0xe000) {
      Cursor after = in;
      const std::uint32_t low = after.le16();
      if (c < 0xdc00 && after.ok() && low >= 0xdc00 && low < 0xe000) {
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        in = after;
      } else {
        c = 0xfffd;
      }
    }
    char bytes[4];
    std::size_t n = 0;
    const auto put = [&](std::uint32_t b) { bytes[n++] = static_cast<char>(b); };
    if (c < 0x80) {
      put(c);
    } else if (c < 0x800) {
      put(0xc0 | c >> 6);
      put(0x80 | (c & 63));
    } else if (c < 0x10000) {
      put(0xe0 | c >> 12);
      put(0x80 | (c >> 6 & 63));
      put(0x80 | (c & 63));
    } else {
      put(0xf0 | c >> 18);
      put(0x80 | (c >> 12 & 63));
      put(0x80 | (c >> 6 & 63));
      put(0x80 | (c & 63));
    }
    if (out.size() + n > cap) return false;
    out.append(bytes, n);
  }
  return true;
}

}  // namespace catenary
