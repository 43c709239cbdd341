#include "decode/mac_in_mac/mac_in_mac.h"

#include "decode/decoder.h"

namespace catenary::mac_in_mac {

void decode(Cursor in, std::size_t tag, decode::Packet& p, decode::Decoder& d) {
  in.skip(tag);
  if (!in.ok()) return d.weird(Weird::mac_in_mac_tag_too_short, p);
  d.ethernet(in, p);
}

}  // namespace catenary::mac_in_mac
