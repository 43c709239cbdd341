// TZSP: mirrored frames over UDP. https://en.wikipedia.org/wiki/TZSP
#pragma once

#include "base/cursor.h"
#include "decode/packet.h"

namespace catenary::decode {
class Decoder;
}
namespace catenary::tzsp {

inline constexpr std::uint16_t kPort = 37008;

// in: the UDP payload. False: no packet inside.
bool decode(Cursor in, decode::Packet& p, decode::Decoder& d);

}  // namespace catenary::tzsp
