#include "decode/vxlan/vxlan.h"

#include "decode/decoder.h"

namespace catenary::vxlan {
namespace {

constexpr std::uint8_t kHasNetworkId = 0x08;

}  // namespace

bool decode(Cursor in, decode::Packet& p, decode::Decoder& d) {
  const std::uint8_t flags = in.u8();
  in.skip(3);  // reserved
  const std::uint32_t network = in.be24();
  in.skip(1);  // reserved
  if (!in.ok() || (flags & kHasNetworkId) == 0) {
    d.weird(Weird::vxlan_header_malformed, p);
    return false;
  }
  p.enter(decode::Tunnel::kVxlan, network);
  d.ethernet(in, p);
  return true;
}

}  // namespace catenary::vxlan
