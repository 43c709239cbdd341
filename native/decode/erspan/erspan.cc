#include "decode/erspan/erspan.h"

#include "decode/decoder.h"

namespace catenary::erspan {

void decode(Cursor in, std::uint16_t type, bool has_sequence, decode::Packet& p, decode::Decoder& d) {
  if (type == kType3) {
    in.skip(11);
    const bool has_platform_header = (in.u8() & 1) != 0;
    if (has_platform_header) in.skip(8);
  } else if (has_sequence) {
    in.skip(8);
  }
  if (!in.ok()) return d.weird(Weird::erspan_header_too_short, p);
  p.enter(decode::Tunnel::kErspan);
  d.ethernet(in, p);
}

}  // namespace catenary::erspan
