#include "decode/geneve/geneve.h"

#include "decode/decoder.h"

namespace catenary::geneve {

bool decode(Cursor in, decode::Packet& p, decode::Decoder& d) {
  const std::uint8_t version_options = in.u8();
  in.skip(1);  // control and critical bits
  const std::uint16_t type = in.be16();
  const std::uint32_t network = in.be24();
  in.skip(1 + (version_options & 0x3fu) * 4);  // reserved, options in words of four bytes
  if (!in.ok() || version_options >> 6 != 0) {
    d.weird(Weird::geneve_header_malformed, p);
    return false;
  }
  p.enter(decode::Tunnel::kGeneve, network);
  if (type == decode::kBridgedEthernet)
    d.ethernet(in, p);
  else
    d.ethertype(type, in, p);
  return true;
}

}  // namespace catenary::geneve
