#include "decode/pppoe/pppoe.h"

#include "decode/decoder.h"

namespace catenary::pppoe {

void decode(Cursor in, decode::Packet& p, decode::Decoder& d) {
  const std::uint8_t version_type = in.u8();
  in.skip(5);  // code, session, length: the IP header inside bounds its own payload
  if (!in.ok() || version_type != 0x11) return d.weird(Weird::pppoe_header_malformed, p);
  decode_ppp(in, p, d);
}

void decode_ppp(Cursor in, decode::Packet& p, decode::Decoder& d) {
  const Bytes head = in.peek(2);
  if (head.size() == 2 && head[0] == 0xff && head[1] == 0x03) in.skip(2);
  // The protocol field may be compressed to one odd byte (RFC 1661, section 6.5).
  std::uint16_t protocol = in.u8();
  if ((protocol & 1) == 0) protocol = static_cast<std::uint16_t>(protocol << 8 | in.u8());
  if (!in.ok()) return d.weird(Weird::ppp_header_too_short, p);
  if (protocol == 0x0021) return d.ethertype(0x0800, in, p);
  if (protocol == 0x0057) return d.ethertype(0x86dd, in, p);
  if (protocol == 0x0281 || protocol == 0x0283) return d.ethertype(0x8847, in, p);  // MPLS, RFC 3032, section 4.3
}

}  // namespace catenary::pppoe
