// Netfilter log messages. https://www.tcpdump.org/linktypes/LINKTYPE_NFLOG.html
#pragma once

#include "base/cursor.h"
#include "decode/packet.h"

namespace catenary::decode {
class Decoder;
}
namespace catenary::nflog {

inline constexpr int kAttributesMax = 64;

void decode(Cursor in, decode::Packet& p, decode::Decoder& d);

}  // namespace catenary::nflog
