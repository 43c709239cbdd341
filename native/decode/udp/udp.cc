#include "decode/udp/udp.h"

#include <algorithm>

namespace catenary::udp {

bool parse(Cursor in, std::uint32_t claimed, Datagram& out) noexcept {
  out.src_port = in.be16();
  out.dst_port = in.be16();
  const std::uint16_t length = in.be16();
  out.checksum = in.be16();
  if (!in.ok() || claimed < 8) return false;
  out.length_differs = length != claimed;
  // Zero stands for a jumbogram (RFC 2675, section 4): the IP header decides.
  out.len = length >= 8 ? length - 8u : length == 0 ? claimed - 8 : 0;
  out.data = in.take(std::min({in.left(), static_cast<std::size_t>(claimed - 8), static_cast<std::size_t>(out.len)}));
  return true;
}

}  // namespace catenary::udp
