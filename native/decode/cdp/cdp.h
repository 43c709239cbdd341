// The Cisco Discovery Protocol, as its maker documents it and others read it; no standard describes it.
//
// version (1) | time to live (1) | checksum (2) | elements: type (2), length with these four (2), value
#pragma once

#include "base/cursor.h"
#include "decode/packet.h"

namespace catenary::decode {
class Decoder;
}
namespace catenary::cdp {

// Where SNAP names it.
inline constexpr std::uint32_t kOrganization = 0x00000c;
inline constexpr std::uint16_t kType = 0x2000;

// in: after the SNAP header.
void decode(Cursor in, decode::Packet& p, decode::Decoder& d);

}  // namespace catenary::cdp
