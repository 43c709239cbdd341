// BER as SNMP has it: RFC 3417 8. Definite lengths, tags of one byte, nothing that nests by itself: a reader goes down
// only where the message's own grammar does.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "base/cursor.h"

namespace catenary::snmp {

enum : std::uint8_t { kInteger = 0x02, kOctets = 0x04, kNull = 0x05, kOid = 0x06, kSequence = 0x30, kTimeTicks = 0x43 };

struct Value {
  std::uint8_t tag = 0;
  Bytes content;
};

// X.690 8.1.3.5: a length has at most this many bytes here; RFC 3417 8 allows leading zeros, so more than are needed.
inline constexpr std::size_t kLengthBytesMax = 4;
// RFC 3416 2: an OBJECT IDENTIFIER has at most 128 numbers.
inline constexpr std::size_t kOidNumbersMax = 128;
inline constexpr std::size_t kOidTextMax = 128;

// The next value. An indefinite length (forbidden by RFC 3417 8), one of more bytes than allowed, or one that leaves
// the message fails the cursor.
Value next_value(Cursor& in) noexcept;
// The content of the next value, which has to have this tag.
Bytes expect(Cursor& in, std::uint8_t tag) noexcept;
// X.690 8.3; nothing where it is empty or has more than 32 bits.
std::optional<std::uint32_t> integer(Bytes content) noexcept;

struct OidText {
  std::array<char, kOidTextMax> bytes;
  std::uint8_t size = 0;
  bool is_cut = false;
  std::string_view view() const noexcept { return {bytes.data(), size}; }
};
// X.690 8.19, as numbers with dots; cut between numbers. False: too many numbers, one too large, or one without an end.
bool oid_text(Bytes content, OidText& out) noexcept;

}  // namespace catenary::snmp
