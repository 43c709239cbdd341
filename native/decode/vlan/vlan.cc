#include "decode/vlan/vlan.h"

#include "decode/decoder.h"
#include "decode/llc/llc.h"

namespace catenary::vlan {

void decode(Cursor in, decode::Packet& p, decode::Decoder& d) {
  const std::uint16_t tci = in.be16();
  const std::uint16_t type = in.be16();
  if (!in.ok()) return d.weird(Weird::vlan_tag_too_short, p);
  const std::uint16_t id = tci & 0x0fff;
  if (p.vlan_tags == 0) p.vlan = id;
  if (p.vlan_tags == 1) p.inner_vlan = id;
  p.vlan_tags++;
  // A tag may also stand before an 802.3 length and LLC/SNAP.
  if (type >= llc::kTypeMin) return d.ethertype(type, in, p);
  llc::decode_length(type, in, p, d);
}

}  // namespace catenary::vlan
