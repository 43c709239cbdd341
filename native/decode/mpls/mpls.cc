#include "decode/mpls/mpls.h"

#include "decode/decoder.h"
#include "decode/ethernet/ethernet.h"

namespace catenary::mpls {

void decode(Cursor in, decode::Packet& p, decode::Decoder& d) {
  bool is_bottom = false;
  while (!is_bottom) {
    const std::uint32_t entry = in.be32();
    if (!in.ok()) return d.weird(Weird::mpls_stack_too_short, p);
    is_bottom = (entry & 0x100) != 0;
  }
  const Bytes first = in.peek(1);
  if (first.empty()) return;
  const int nibble = first[0] >> 4;
  if (nibble == 4 || nibble == 6) return d.ip(in, p);
  if (nibble == 0) {
    in.skip(4);
    if (p.depth++ < decode::Decoder::kDepthMax) ethernet::decode(in, p, d);
  }
}

}  // namespace catenary::mpls
