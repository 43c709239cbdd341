#include "decode/vxlan/vxlan.h"

#include "decode/decoder.h"

namespace catenary::vxlan {
namespace {

constexpr std::uint8_t kHasNetworkId = 0x08;

}  // namespace

bool decode(Cursor in, decode::Packet& p, decode::Decoder& d) {
  const std::uint8_t flags = in.u8();
  in.skip(7);  // reserved, network identifier, reserved
  if (!in.ok() || (flags & kHasNetworkId) == 0) {
    d.weird(Weird::vxlan_header_malformed, p);
    return false;
  }
  p.tunnel = decode::Tunnel::kVxlan;
  d.ethernet(in, p);
  return true;
}

}  // namespace catenary::vxlan
