// BSD loopback (DLT_NULL, DLT_LOOP): four bytes of address family. pcap-linktype(7).
#pragma once

#include "base/cursor.h"
#include "decode/packet.h"

namespace catenary::decode {
class Decoder;
}
namespace catenary::loopback {

void decode(Cursor in, decode::Packet& p, decode::Decoder& d);

}  // namespace catenary::loopback
