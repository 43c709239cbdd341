#include "decode/mpls/mpls.h"

#include <algorithm>

#include "decode/decoder.h"

namespace catenary::mpls {
namespace {

// RFC 5586, 2.1: version, reserved, type.
void decode_channel(Cursor in, decode::Packet& p, decode::Decoder& d) {
  constexpr std::uint16_t kChannelIp4 = 0x0021, kChannelIp6 = 0x0057;  // RFC 4385, 6
  in.skip(2);
  const std::uint16_t type = in.be16();
  if (type == kChannelIp4 || type == kChannelIp6) return d.ip(in, p);
}

// Two addresses, neither of them nobody's, and a type that is known.
bool is_frame(Cursor in) {
  const Bytes dst = in.take(6);
  const Bytes src = in.take(6);
  const std::uint16_t type = in.be16();
  if (!in.ok() || (src[0] & 1) != 0) return false;
  const auto is_none = [](std::uint8_t b) { return b == 0; };
  if (std::all_of(dst.begin(), dst.end(), is_none) || std::all_of(src.begin(), src.end(), is_none)) return false;
  return type == 0x0800 || type == 0x86dd || type == 0x0806 || type == 0x8100 || type == 0x88a8;
}

}  // namespace

void decode(Cursor in, decode::Packet& p, decode::Decoder& d) {
  bool is_bottom = false;
  while (!is_bottom) {
    const std::uint32_t entry = in.be32();
    if (!in.ok()) return d.weird(Weird::mpls_stack_too_short, p);
    is_bottom = (entry & 0x100) != 0;
  }
  // Nothing says what follows. The first nibble tells IP apart (RFC 4928, 3), and the control word of a pseudowire
  // (RFC 4385, 3) or of its associated channel (4). Without control word (RFC 4448, 4.6) a frame begins at once.
  const Bytes first = in.peek(1);
  if (first.empty()) return;
  switch (first[0] >> 4) {
    case 4:
    case 6: return d.ip(in, p);
    case 0:
      // The word has a fragment's number and a length (RFC 4385, 3), and none where they are zero.
      in.skip(4);
      return d.ethernet(in, p);
    case 1: return decode_channel(in, p, d);
    default:
      if (is_frame(in)) d.ethernet(in, p);
  }
}

}  // namespace catenary::mpls
