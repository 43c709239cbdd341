#include "decode/tcp/tcp.h"

#include <algorithm>

#include "decode/checksum.h"

namespace catenary::tcp {
namespace {

// RFC 9293, 3.1; RFC 8200, 8.1: the same sum, as what differs is zeros.
std::uint64_t pseudo_header(const Ip& src, const Ip& dst, std::size_t len) noexcept {
  const bool v4 = src.is_v4() && dst.is_v4();
  const auto address = [v4](const Ip& ip) { return Bytes(ip.bytes).subspan(v4 ? 12 : 0); };
  const std::array<std::uint8_t, 4> last = {0, 6, static_cast<std::uint8_t>(len >> 8), static_cast<std::uint8_t>(len)};
  return decode::add_words(last, decode::add_words(address(dst), decode::add_words(address(src))));
}

}  // namespace

Header parse(Cursor in, std::uint32_t claimed, Segment& out) noexcept {
  out.src_port = in.be16();
  out.dst_port = in.be16();
  out.seq = in.be32();
  out.ack = in.be32();
  const std::uint16_t offset_flags = in.be16();
  out.window = in.be16();
  out.checksum = in.be16();
  out.urgent = in.be16();
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
    if (kind == 30 && length > 2) out.mptcp = static_cast<std::uint8_t>(value.u8() >> 4);
  }
  return out;
}

std::optional<std::uint32_t> timestamp_of(Bytes options) noexcept {
  // As nearly all stacks send it: two no-operations, then the timestamps (RFC 7323, appendix A).
  Cursor in(options);
  if (in.be32() == 0x0101080a) return in.has(8) ? std::optional(in.be32()) : std::nullopt;
  return options.empty() ? std::nullopt : parse_syn_options(options).ts_value;
}

bool is_checksum_partial(const Ip& src, const Ip& dst, const Segment& s, std::uint32_t segment_len) noexcept {
  const std::array<std::uint8_t, 2> sent = {static_cast<std::uint8_t>(s.checksum >> 8),
                                            static_cast<std::uint8_t>(s.checksum)};
  return decode::fold(pseudo_header(src, dst, segment_len)) == decode::fold(decode::add_words(sent));
}

bool is_checksum_right(const Ip& src, const Ip& dst, Bytes segment) noexcept {
  return decode::fold(decode::add_words(segment, pseudo_header(src, dst, segment.size()))) == 0xffff;
}

}  // namespace catenary::tcp
