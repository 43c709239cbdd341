// 802.1Q tags, stacked (802.1ad, QinQ). IEEE 802.1Q-2018, 9.6.
#pragma once

#include "base/cursor.h"
#include "decode/packet.h"

namespace catenary::decode {
class Decoder;
}
namespace catenary::vlan {

// in: after the tag's Ethernet type. The outer two identifiers are kept, further ones are passed over.
void decode(Cursor in, decode::Packet& p, decode::Decoder& d);

}  // namespace catenary::vlan
