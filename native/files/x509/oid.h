// Object identifiers as texts: the names OpenSSL has for them, which Zeek's logs show, or their numbers.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "files/x509/text.h"

namespace catenary::x509 {

// As OpenSSL writes a name's unknown attribute: 80 bytes with the terminator.
using OidText = Text<79>;

// "CN" for 2.5.4.3; empty when the attribute has no short name.
std::string_view attribute_name(Bytes oid) noexcept;
// "sha256WithRSAEncryption"; empty when the algorithm has no name.
std::string_view algorithm_name(Bytes oid) noexcept;

struct Curve {
  std::string_view oid, name;
  std::uint16_t order_bits;
};
const Curve* find_curve(Bytes oid) noexcept;

// "1.2.840.10045": X.690 8.19. Stops at an arc of more than 64 bits.
void dotted(Bytes oid, OidText& out) noexcept;

}  // namespace catenary::x509
