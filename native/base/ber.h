// Reads BER and DER, ITU-T X.690, as far as the protocols and certificates here need it: tags of one byte, lengths that
// are given.
//
//   tag (1) | length: 00..7f, or 80+n and n bytes, big endian | value
//
// A tag number above 30 (two bytes or more) and an indefinite length fail the cursor: RFC 5280 4.1, RFC 3417 8 and
// RFC 4511 5.1 forbid them, RFC 4120 5.1 has DER. A length written longer than it needs to be is read all the same.
// Nothing recurses: a reader goes down only where the message's own grammar does.
#pragma once

#include <optional>

#include "base/cursor.h"

namespace catenary::ber {

enum Tag : std::uint8_t {
  kBoolean = 0x01,
  kInteger = 0x02,
  kBitString = 0x03,
  kOctetString = 0x04,
  kNull = 0x05,
  kOid = 0x06,
  kEnumerated = 0x0a,
  kUtcTime = 0x17,
  kGeneralizedTime = 0x18,
  kSequence = 0x30,
  kSet = 0x31,
};
// X.690 8.1.2: [n] of a context, primitive or constructed, and [APPLICATION n].
constexpr std::uint8_t context(std::uint8_t n, bool is_constructed = true) noexcept {
  return static_cast<std::uint8_t>((is_constructed ? 0xa0 : 0x80) | n);
}
constexpr std::uint8_t application(std::uint8_t n) noexcept { return static_cast<std::uint8_t>(0x60 | n); }

struct Tlv {
  std::uint8_t tag = 0;
  Bytes value;
  Bytes whole;  // with tag and length
};

// A length has at most this many bytes: what is longer leaves every message.
inline constexpr std::size_t kLengthBytesMax = 4;

struct Head {
  std::uint8_t tag = 0;
  std::size_t length = 0;  // of the value behind the head
};
// Tag and length of what comes next, without its value: a stream knows by it how much to wait for.
inline Head head(Cursor& in) noexcept {
  Head h;
  h.tag = in.u8();
  h.length = in.u8();
  if ((h.tag & 0x1f) == 0x1f || h.length == 0x80 || h.length > 0x80 + kLengthBytesMax) in.fail();
  if (in.ok() && h.length > 0x80) {
    const std::size_t count = h.length - 0x80;
    h.length = 0;
    for (std::size_t i = 0; i < count; i++) h.length = h.length << 8 | in.u8();
  }
  return h;
}

// The next value of any tag. Fails `in` when there is none.
inline Tlv next(Cursor& in) noexcept {
  const Bytes all = in.peek_rest();
  Tlv t;
  const Head h = head(in);
  t.tag = h.tag;
  t.value = in.take(h.length);
  if (in.ok()) t.whole = all.first(all.size() - in.left());
  return t;
}

// The value of the next element, which has to have this tag.
inline Bytes expect(Cursor& in, std::uint8_t tag) noexcept {
  const Tlv t = next(in);
  if (t.tag != tag) in.fail();
  return in.ok() ? t.value : Bytes{};
}

// The same when the tag is there; otherwise nothing is read.
inline std::optional<Bytes> maybe(Cursor& in, std::uint8_t tag) noexcept {
  const Bytes first = in.peek(1);
  if (first.empty() || first[0] != tag) return std::nullopt;
  const Bytes value = expect(in, tag);
  return in.ok() ? std::optional(value) : std::nullopt;
}

// X.690 8.3, of 32 bits, signed or not; nothing where it is empty or has more.
inline std::optional<std::uint32_t> integer(Bytes content) noexcept {
  // One byte more than 32 bits need is the sign of an unsigned number.
  if (content.empty() || content.size() > 5 || (content.size() == 5 && content[0] != 0)) return {};
  std::uint32_t v = (content[0] & 0x80) != 0 ? 0xffffffff : 0;
  for (const std::uint8_t b : content) v = v << 8 | b;
  return v;
}

// The next value, which has to be an integer; fails `in` when it is none.
inline std::uint32_t expect_integer(Cursor& in, std::uint8_t tag = kInteger) noexcept {
  const std::optional<std::uint32_t> v = integer(expect(in, tag));
  if (!v) in.fail();
  return v.value_or(0);
}

}  // namespace catenary::ber
