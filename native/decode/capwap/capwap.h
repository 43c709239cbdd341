// CAPWAP data packets. RFC 5415, section 4.3.
#pragma once

#include "base/cursor.h"
#include "decode/packet.h"

namespace catenary::decode {
class Decoder;
}
namespace catenary::capwap {

inline constexpr std::uint16_t kPort = 5247;

// in: the UDP payload. False: no packet inside.
bool decode(Cursor in, decode::Packet& p, decode::Decoder& d);

}  // namespace catenary::capwap
