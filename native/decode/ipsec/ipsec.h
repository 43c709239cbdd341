// The Authentication Header and the Encapsulating Security Payload. RFC 4302, RFC 4303; within UDP: RFC 3948.
#pragma once

#include "base/cursor.h"
#include "decode/packet.h"

namespace catenary::decode {
class Decoder;
}
namespace catenary::ipsec {

// RFC 3948, 2: both ends use it.
inline constexpr std::uint16_t kNatPort = 4500;
// RFC 4303, 2.1: 1 to 255 are reserved, 0 is for what never leaves a host.
inline constexpr std::uint32_t kSpiMin = 256;

struct Association {
  std::uint32_t spi = 0, sequence = 0;
};

// in: the AH header, whole (RFC 4302, 2). What follows it is left to the caller.
void read_ah(Cursor in, decode::Packet& p, decode::Decoder& d);
// AH over IPv4: what follows goes on as a payload of the same packet.
void decode_ah(Cursor in, decode::Packet& p, decode::Decoder& d);
// in: an ESP packet. False when it is cut.
bool parse_esp(Cursor in, Association& out) noexcept;
// in: a datagram to or from kNatPort. Whether it is ESP: no keep-alive (2.3), and no marker of IKE (2.2).
bool is_esp_in_udp(Cursor in) noexcept;

}  // namespace catenary::ipsec
