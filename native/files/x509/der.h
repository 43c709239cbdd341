// Reads DER, ITU-T X.690, as far as certificates need it: tags of one byte, lengths that are given.
//
//   tag (1) | length: 00..7f, or 80+n and n bytes, big endian | value
//
// A tag number above 30 (two bytes or more) and an indefinite length do not occur in a certificate, RFC 5280 4.1; both
// fail the cursor. A length that is written longer than it needs to be is read all the same, as every TLS library does.
#pragma once

#include <optional>

#include "base/cursor.h"

namespace catenary::x509 {

enum Tag : std::uint8_t {
  kBoolean = 0x01,
  kInteger = 0x02,
  kBitString = 0x03,
  kOctetString = 0x04,
  kOid = 0x06,
  kUtcTime = 0x17,
  kGeneralizedTime = 0x18,
  kSequence = 0x30,
  kSet = 0x31,
};

struct Tlv {
  std::uint8_t tag = 0;
  Bytes value;
  Bytes whole;  // with tag and length
};

// The next value of any tag. Fails `in` when there is none.
inline Tlv next(Cursor& in) noexcept {
  const Bytes all = in.peek_rest();
  Tlv t;
  t.tag = in.u8();
  std::size_t length = in.u8();
  if ((t.tag & 0x1f) == 0x1f || length == 0x80 || length > 0x84) in.fail();
  if (in.ok() && length > 0x80) {
    const std::size_t count = length - 0x80;
    length = 0;
    for (std::size_t i = 0; i < count; i++) length = (length << 8) | in.u8();
  }
  t.value = in.take(length);
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
  const Bytes head = in.peek(1);
  if (head.empty() || head[0] != tag) return std::nullopt;
  const Bytes value = expect(in, tag);
  return in.ok() ? std::optional(value) : std::nullopt;
}

}  // namespace catenary::x509
