#include "protocols/snmp/ber.h"

#include <algorithm>
#include <charconv>

namespace catenary::snmp {

Value next_value(Cursor& in) noexcept {
  Value v;
  v.tag = in.u8();
  std::size_t size = in.u8();
  if (size >= 0x80) {
    const std::size_t count = size & 0x7f;
    if (count == 0 || count > kLengthBytesMax) in.fail();
    size = 0;
    for (std::size_t i = 0; i < count && in.ok(); i++) size = size << 8 | in.u8();
  }
  v.content = in.take(size);
  return v;
}

Bytes expect(Cursor& in, std::uint8_t tag) noexcept {
  const Value v = next_value(in);
  if (v.tag == tag) return v.content;
  in.fail();
  return {};
}

std::optional<std::uint32_t> integer(Bytes content) noexcept {
  // One byte more than 32 bits need is the sign of an unsigned number.
  if (content.empty() || content.size() > 5 || (content.size() == 5 && content[0] != 0)) return {};
  std::uint32_t v = (content[0] & 0x80) != 0 ? 0xffffffff : 0;
  for (const std::uint8_t b : content) v = v << 8 | b;
  return v;
}

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
