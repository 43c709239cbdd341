#include "decode/ipsec/ipsec.h"

#include "decode/decoder.h"

namespace catenary::ipsec {

void read_ah(Cursor in, decode::Packet& p, decode::Decoder& d) {
  in.skip(4);  // next header, length, reserved
  const std::uint32_t spi = in.be32();
  const std::uint32_t sequence = in.be32();
  if (!in.ok()) return d.weird(Weird::ipsec_header_too_short, p);
  if (spi < kSpiMin) d.weird(Weird::ipsec_spi_reserved, p);
  p.has_ah = true;
  p.ah_spi = spi;
  p.ah_sequence = sequence;
}

void decode_ah(Cursor in, decode::Packet& p, decode::Decoder& d) {
  const Bytes head = in.peek(2);
  // RFC 4302, 2.2: in words of four bytes, less two.
  const std::size_t length = head.empty() ? 0 : (head[1] + 2u) * 4;
  Cursor header = in.sub(length);
  if (!in.ok() || length < 12 || length > p.payload_len) return d.weird(Weird::ipsec_header_too_short, p);
  read_ah(header, p, d);
  p.payload_len -= static_cast<std::uint32_t>(length);
  d.ip_payload(head[0], in, p);
}

bool parse_esp(Cursor in, Association& out) noexcept {
  out.spi = in.be32();
  out.sequence = in.be32();
  return in.ok();
}

bool is_esp_in_udp(Cursor in) noexcept { return in.has(9) && in.be32() >= kSpiMin; }

}  // namespace catenary::ipsec
