// IEEE 802.2 logical link control, and SNAP. RFC 1042; bridged frames: RFC 2684, 5.2.
#pragma once

#include "base/cursor.h"
#include "decode/packet.h"

namespace catenary::decode {
class Decoder;
}
namespace catenary::llc {

// IEEE 802.3, 3.2.6: up to here the field is a length, from 0600 a type.
inline constexpr std::uint16_t kLengthMax = 1500, kTypeMin = 0x0600;

// in: after the 802.3 length, which bounds what is LLC: padding may follow.
void decode_length(std::uint16_t length, Cursor in, decode::Packet& p, decode::Decoder& d);
// in: the LLC header.
void decode(Cursor in, decode::Packet& p, decode::Decoder& d);

}  // namespace catenary::llc
