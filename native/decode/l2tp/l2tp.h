// L2TP, version 2. RFC 2661, section 3.1.
#pragma once

#include "base/cursor.h"
#include "decode/packet.h"

namespace catenary::decode {
class Decoder;
}
namespace catenary::l2tp {

inline constexpr std::uint16_t kPort = 1701;

// in: the UDP payload. False: no packet inside.
bool decode(Cursor in, decode::Packet& p, decode::Decoder& d);

}  // namespace catenary::l2tp
