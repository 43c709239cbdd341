#include "decode/tzsp/tzsp.h"

#include "decode/decoder.h"
#include "decode/ieee80211/ieee80211.h"

namespace catenary::tzsp {
namespace {

constexpr std::uint8_t kReceived = 0, kToBeSent = 1;     // packet types that hold a frame
constexpr std::uint16_t kEthernet = 1, kIeee80211 = 18;  // what it is
constexpr std::uint8_t kPadding = 0, kEnd = 1;           // tags without a length

}  // namespace

bool decode(Cursor in, decode::Packet& p, decode::Decoder& d) {
  const std::uint8_t version = in.u8();
  const std::uint8_t type = in.u8();
  const std::uint16_t encapsulated = in.be16();
  if (in.ok() && version == 1 && type != kReceived && type != kToBeSent) return false;  // keep-alives, settings
  // Every turn takes a byte at least.
  std::uint8_t tag = kPadding;
  while (in.ok() && tag != kEnd) {
    tag = in.u8();
    if (tag != kPadding && tag != kEnd) in.skip(in.u8());
  }
  if (!in.ok() || version != 1) {
    d.weird(Weird::tzsp_header_malformed, p);
    return false;
  }
  if (encapsulated != kEthernet && encapsulated != kIeee80211) return false;
  p.enter(decode::Tunnel::kTzsp);
  if (encapsulated == kEthernet)
    d.ethernet(in, p);
  else
    ieee80211::decode(in, p, d);
  return true;
}

}  // namespace catenary::tzsp
