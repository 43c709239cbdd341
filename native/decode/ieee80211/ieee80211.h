// IEEE 802.11 data frames, with or without radiotap. IEEE 802.11-2020, 9.3.2; https://www.radiotap.org
#pragma once

#include "base/cursor.h"
#include "decode/packet.h"

namespace catenary::decode {
class Decoder;
}
namespace catenary::ieee80211 {

inline constexpr int kSubframesMax = 16;

void decode(Cursor in, decode::Packet& p, decode::Decoder& d);
void decode_radiotap(Cursor in, decode::Packet& p, decode::Decoder& d);

}  // namespace catenary::ieee80211
