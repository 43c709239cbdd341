// Ethernet II and 802.3 with LLC/SNAP. IEEE 802.3-2018, 3.1.1; RFC 1042.
#pragma once

#include "base/cursor.h"
#include "decode/packet.h"

namespace catenary::decode {
class Decoder;
}
namespace catenary::ethernet {

// in: the frame from its destination address on. A frame under 14 bytes is a weird.
void decode(Cursor in, decode::Packet& p, decode::Decoder& d);

}  // namespace catenary::ethernet
