// Teredo: IPv6 in UDP. RFC 4380, section 5.1.1.
#pragma once

#include "base/cursor.h"
#include "decode/packet.h"

namespace catenary::decode {
class Decoder;
}
namespace catenary::teredo {

inline constexpr std::uint16_t kPort = 3544;

// in: the UDP payload; len: its length on the wire. False: no packet inside.
bool decode(Cursor in, std::uint32_t len, decode::Packet& p, decode::Decoder& d);
// A datagram between two clients, without a server's port: it is IPv6 from or to a Teredo address.
bool looks_like(Bytes data, std::uint32_t len) noexcept;

}  // namespace catenary::teredo
