#include "decode/loopback/loopback.h"

#include "decode/decoder.h"

namespace catenary::loopback {

void decode(Cursor in, decode::Packet& p, decode::Decoder& d) {
  std::uint32_t family = in.be32();
  if (!in.ok()) return d.weird(Weird::loopback_header_too_short, p);
  // The family is in the byte order of the machine that captured: small numbers tell which.
  if (family > 0xffff) family = __builtin_bswap32(family);
  switch (family) {
    case 2:  // AF_INET everywhere
      return d.ethertype(0x0800, in, p);
    case 10:  // AF_INET6: Linux; NetBSD and OpenBSD; FreeBSD; macOS
    case 24:
    case 28:
    case 30: return d.ethertype(0x86dd, in, p);
    default: return;
  }
}

}  // namespace catenary::loopback
