// Linux cooked capture, versions 1 and 2: what tcpdump -i any writes. pcap-linktype(7).
#pragma once

#include "base/cursor.h"
#include "decode/packet.h"

namespace catenary::decode {
class Decoder;
}
namespace catenary::linux_sll {

void decode(Cursor in, decode::Packet& p, decode::Decoder& d);
void decode2(Cursor in, decode::Packet& p, decode::Decoder& d);

}  // namespace catenary::linux_sll
