// The Link Layer Discovery Protocol. IEEE 802.1AB-2016, clause 8.
#pragma once

#include "base/cursor.h"
#include "decode/packet.h"

namespace catenary::decode {
class Decoder;
}
namespace catenary::lldp {

// in: after the Ethernet type.
void decode(Cursor in, decode::Packet& p, decode::Decoder& d);

}  // namespace catenary::lldp
