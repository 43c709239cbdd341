// Ethernet in Ethernet: IEEE 802.1Q-2018, 9.7 (802.1ah) and Cisco FabricPath.
#pragma once

#include "base/cursor.h"
#include "decode/packet.h"

namespace catenary::decode {
class Decoder;
}
namespace catenary::mac_in_mac {

// in: after the Ethernet type. tag: bytes before the inner frame.
void decode(Cursor in, std::size_t tag, decode::Packet& p, decode::Decoder& d);

inline constexpr std::size_t kServiceTag = 4;  // 802.1ah: priority, flags, 24 bits of service identifier
inline constexpr std::size_t kFabricTag = 2;   // FabricPath: forwarding tag and time to live

}  // namespace catenary::mac_in_mac
