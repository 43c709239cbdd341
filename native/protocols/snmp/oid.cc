#include "protocols/snmp/oid.h"

#include <algorithm>
#include <charconv>

namespace catenary::snmp {

namespace {

void add_number(OidText& out, std::uint32_t n) noexcept {
  char digits[11];
  char* at = digits;
  if (out.size > 0) *at++ = '.';
  at = std::to_chars(at, digits + sizeof digits, n).ptr;
  const auto size = static_cast<std::size_t>(at - digits);
  if (out.is_cut || out.size + size > out.bytes.size()) {
    out.is_cut = true;
    return;
  }
  std::copy(digits, at, out.bytes.begin() + out.size);
  out.size = static_cast<std::uint8_t>(out.size + size);
}

}  // namespace

bool oid_text(Bytes content, OidText& out) noexcept {
  out.size = 0;
  out.is_cut = false;
  Cursor in(content);
  std::size_t numbers = 0;
  while (!in.done()) {
    std::uint32_t n = 0;
    std::uint8_t b = 0x80;
    while ((b & 0x80) != 0) {
      b = in.u8();
      if (!in.ok() || n >> 25 != 0) return false;
      n = n << 7 | (b & 0x7f);
    }
    // The first two numbers are one: 40 times the first, and the second.
    if (numbers == 0) {
      const std::uint32_t first = std::min(n / 40, 2u);
      add_number(out, first);
      n -= first * 40;
      numbers++;
    }
    if (++numbers > kOidNumbersMax) return false;
    add_number(out, n);
  }
  return numbers > 0;
}

}  // namespace catenary::snmp
