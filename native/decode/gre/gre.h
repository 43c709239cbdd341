// GRE, versions 0 and 1. RFC 2784, RFC 2890, RFC 2637 (PPTP).
#pragma once

#include "base/cursor.h"
#include "decode/packet.h"

namespace catenary::decode {
class Decoder;
}
namespace catenary::gre {

void decode(Cursor in, decode::Packet& p, decode::Decoder& d);

}  // namespace catenary::gre
