// GTP-U, version 1. 3GPP TS 29.281, section 5.
#pragma once

#include "base/cursor.h"
#include "decode/packet.h"

namespace catenary::decode {
class Decoder;
}
namespace catenary::gtp {

inline constexpr std::uint16_t kPort = 2152;
inline constexpr int kExtensionHeadersMax = 8;

// in: the UDP payload; len: its length on the wire. False: no packet inside.
bool decode(Cursor in, std::uint32_t len, decode::Packet& p, decode::Decoder& d);

}  // namespace catenary::gtp
