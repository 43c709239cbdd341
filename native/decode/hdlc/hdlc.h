// Cisco HDLC. https://www.tcpdump.org/linktypes/LINKTYPE_C_HDLC.html
#pragma once

#include "base/cursor.h"
#include "decode/packet.h"

namespace catenary::decode {
class Decoder;
}
namespace catenary::hdlc {

void decode(Cursor in, decode::Packet& p, decode::Decoder& d);

}  // namespace catenary::hdlc
