// IPv6 and its extension headers. RFC 8200, sections 3 and 4.
#pragma once

#include "base/cursor.h"
#include "decode/packet.h"

namespace catenary::decode {
class Decoder;
}
namespace catenary::ip6 {

// in: the header. As ip4::decode; extension headers count into ip_len, not into payload_len.
// src and dst are those the flow has: a home address and the end of a route stand for what the fixed header says.
void decode(Cursor in, decode::Packet& p, decode::Decoder& d);

}  // namespace catenary::ip6
