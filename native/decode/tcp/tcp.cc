#include "decode/tcp/tcp.h"

#include <algorithm>

namespace catenary::tcp {

Header parse(Cursor in, std::uint32_t claimed, Segment& out) noexcept {
  out.src_port = in.be16();
  out.dst_port = in.be16();
  out.seq = in.be32();
  out.ack = in.be32();
  const std::uint16_t offset_flags = in.be16();
  out.window = in.be16();
  out.checksum = in.be16();
  in.skip(2);  // urgent pointer
  if (!in.ok()) return Header::kTooShort;
  out.flags = static_cast<std::uint8_t>(offset_flags & 0x3f);
  const std::uint32_t header = (offset_flags >> 12) * 4u;
  if (header < 20 || header > claimed) return Header::kMalformed;
  out.options = in.take(std::min<std::size_t>(header - 20, in.left()));
  out.len = claimed - header;
  out.data = in.take(std::min<std::size_t>(out.len, in.left()));
  return Header::kOk;
}

SynOptions parse_syn_options(Bytes options) noexcept {
  SynOptions out;
  Cursor in(options);
  while (!in.done()) {
    const std::uint8_t kind = in.u8();
    if (out.kind_count < SynOptions::kKindsMax) out.kinds[out.kind_count++] = kind;
    if (kind == 0) break;
    if (kind == 1) continue;
    const std::uint8_t length = in.u8();
    if (length < 2) break;
    Cursor value = in.sub(length - 2u);
    if (!value.ok()) break;
    if (kind == 2 && length == 4) out.mss = value.be16();
    if (kind == 3 && length == 3) out.window_scale = value.u8();
    if (kind == 4) out.sack_permitted = true;
    if (kind == 8 && length == 10) out.ts_value = value.be32();
  }
  return out;
}

}  // namespace catenary::tcp
