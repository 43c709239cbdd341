// PPPoE sessions (RFC 2516, section 4) and the PPP protocol field (RFC 1661, section 2).
#pragma once

#include "base/cursor.h"
#include "decode/packet.h"

namespace catenary::decode {
class Decoder;
}
namespace catenary::pppoe {

void decode(Cursor in, decode::Packet& p, decode::Decoder& d);
// in: a PPP frame, with or without its HDLC address and control bytes (RFC 1662, section 3.1).
void decode_ppp(Cursor in, decode::Packet& p, decode::Decoder& d);

}  // namespace catenary::pppoe
