// MPLS label stack. RFC 3032, section 2.1.
#pragma once

#include "base/cursor.h"
#include "decode/packet.h"

namespace catenary::decode {
class Decoder;
}
namespace catenary::mpls {

// in: the top label. After the bottom one: IPv4 or IPv6 by the first nibble, or Ethernet behind a
// pseudowire control word (RFC 4385, section 3: its first nibble is 0).
void decode(Cursor in, decode::Packet& p, decode::Decoder& d);

}  // namespace catenary::mpls
