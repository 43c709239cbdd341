#include "decode/ethernet/ethernet.h"

#include <algorithm>

#include "decode/decoder.h"

namespace catenary::ethernet {

void decode(Cursor in, decode::Packet& p, decode::Decoder& d) {
  const Bytes dst = in.take(6);
  const Bytes src = in.take(6);
  const std::uint16_t type = in.be16();
  if (!in.ok()) return d.weird(Weird::ethernet_header_too_short, p);
  std::copy_n(dst.begin(), 6, p.dst_mac.begin());
  std::copy_n(src.begin(), 6, p.src_mac.begin());
  p.has_macs = true;
  if (type >= 0x0600) return d.ethertype(type, in, p);
  // A length: 802.2 LLC follows. Only SNAP with an Ethernet type (RFC 1042) can carry IP.
  if (in.be24() == 0xaaaa03 && in.be24() == 0) {
    const std::uint16_t snap = in.be16();
    if (in.ok()) d.ethertype(snap, in, p);
  }
}

}  // namespace catenary::ethernet
