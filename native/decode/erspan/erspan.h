// ERSPAN: mirrored frames in GRE. draft-foschiano-erspan-03, section 4.
#pragma once

#include "base/cursor.h"
#include "decode/packet.h"

namespace catenary::decode {
class Decoder;
}
namespace catenary::erspan {

inline constexpr std::uint16_t kType1And2 = 0x88be, kType3 = 0x22eb;

// in: after the GRE header; type: GRE's protocol type, one of the above.
void decode(Cursor in, std::uint16_t type, bool has_sequence, decode::Packet& p, decode::Decoder& d);

}  // namespace catenary::erspan
