// VXLAN. RFC 7348, section 5.
#pragma once

#include "base/cursor.h"
#include "decode/packet.h"

namespace catenary::decode {
class Decoder;
}
namespace catenary::vxlan {

inline constexpr std::uint16_t kPort = 4789;

// in: the UDP payload. False: no VXLAN, a weird was said.
bool decode(Cursor in, decode::Packet& p, decode::Decoder& d);

}  // namespace catenary::vxlan
