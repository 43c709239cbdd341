// Names of variables as text.
#pragma once

#include <array>
#include <string_view>

#include "base/cursor.h"

namespace catenary::snmp {

// RFC 3416 2: an OBJECT IDENTIFIER has at most 128 numbers.
inline constexpr std::size_t kOidNumbersMax = 128;
inline constexpr std::size_t kOidTextMax = 128;

struct OidText {
  std::array<char, kOidTextMax> bytes;
  std::uint8_t size = 0;
  bool is_cut = false;
  std::string_view view() const noexcept { return {bytes.data(), size}; }
};
// X.690 8.19, as numbers with dots; cut between numbers. False: too many numbers, one too large, or one without an end.
bool oid_text(Bytes content, OidText& out) noexcept;

}  // namespace catenary::snmp
