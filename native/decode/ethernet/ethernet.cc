#include "decode/ethernet/ethernet.h"

#include <algorithm>

#include "decode/decoder.h"
#include "decode/llc/llc.h"

namespace catenary::ethernet {

void decode(Cursor in, decode::Packet& p, decode::Decoder& d) {
  const Bytes dst = in.take(6);
  const Bytes src = in.take(6);
  const std::uint16_t type = in.be16();
  if (!in.ok()) return d.weird(Weird::ethernet_header_too_short, p);
  std::copy_n(dst.begin(), 6, p.dst_mac.begin());
  std::copy_n(src.begin(), 6, p.src_mac.begin());
  p.has_macs = true;
  if (type >= llc::kTypeMin) return d.ethertype(type, in, p);
  llc::decode_length(type, in, p, d);
}

}  // namespace catenary::ethernet
