#include "decode/hdlc/hdlc.h"

#include "decode/decoder.h"

namespace catenary::hdlc {

void decode(Cursor in, decode::Packet& p, decode::Decoder& d) {
  in.skip(2);  // address and control
  const std::uint16_t type = in.be16();
  if (!in.ok()) return d.weird(Weird::hdlc_header_too_short, p);
  d.ethertype(type, in, p);
}

}  // namespace catenary::hdlc
