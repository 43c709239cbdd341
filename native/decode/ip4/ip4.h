// IPv4. RFC 791, section 3.1; fragments go to the fragment table.
#pragma once

#include "base/cursor.h"
#include "decode/packet.h"

namespace catenary::decode {
class Decoder;
}
namespace catenary::ip4 {

// in: the header. On success p.src, dst, ttl, ip_len and payload_len are set and the payload goes on.
void decode(Cursor in, decode::Packet& p, decode::Decoder& d);

}  // namespace catenary::ip4
