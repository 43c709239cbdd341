// Geneve. RFC 8926, section 3.4.
#pragma once

#include "base/cursor.h"
#include "decode/packet.h"

namespace catenary::decode {
class Decoder;
}
namespace catenary::geneve {

inline constexpr std::uint16_t kPort = 6081;

// in: the UDP payload. False: no Geneve, a weird was said.
bool decode(Cursor in, decode::Packet& p, decode::Decoder& d);

}  // namespace catenary::geneve
