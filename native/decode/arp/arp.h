// ARP over Ethernet for IPv4. RFC 826; announcements: RFC 5227.
#pragma once

#include "base/cursor.h"
#include "decode/packet.h"

namespace catenary::decode {
class Decoder;
}
namespace catenary::arp {

// in: after the Ethernet type. One event a packet; the sink decides which repeats matter.
void decode(Cursor in, decode::Packet& p, decode::Decoder& d);

}  // namespace catenary::arp
