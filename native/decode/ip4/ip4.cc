#include "decode/ip4/ip4.h"

#include <algorithm>

#include "decode/decoder.h"

namespace catenary::ip4 {
namespace {

constexpr std::uint8_t kEnd = 0, kNoOperation = 1, kLooseRoute = 131, kStrictRoute = 137;

// RFC 791, section 3.1. A route that its sender chose passes filters and reaches hosts that have none (RFC
// 7126, 4.3, 4.4).
void look_at_options(Cursor in, const decode::Packet& p, decode::Decoder& d) {
  while (!in.done()) {
    const std::uint8_t type = in.u8();
    if (type == kEnd) return;
    if (type == kNoOperation) continue;
    const std::uint8_t length = in.u8();
    if (length < 2) in.fail();
    in.skip(length - 2u);
    if (!in.ok()) return d.weird(Weird::ip4_option_malformed, p);
    if (type == kLooseRoute || type == kStrictRoute) d.weird(Weird::ip4_source_routed, p);
  }
}

}  // namespace

void decode(Cursor in, decode::Packet& p, decode::Decoder& d) {
  const std::size_t on_hand = in.left();
  const std::uint8_t version_ihl = in.u8();
  in.skip(1);
  const std::uint16_t total_len = in.be16();
  const std::uint16_t id = in.be16();
  const std::uint16_t flags_offset = in.be16();
  const std::uint8_t ttl = in.u8();
  const std::uint8_t proto = in.u8();
  in.skip(2);  // checksum: offloading leaves it unset in half of all captures
  const Bytes src = in.take(4);
  const Bytes dst = in.take(4);
  if (!in.ok()) return d.weird(Weird::ip4_header_too_short, p);
  const std::size_t header = static_cast<std::size_t>(version_ihl & 0xf) * 4;
  if (version_ihl >> 4 != 4 || header < 20) return d.weird(Weird::ip4_header_malformed, p);
  Cursor options = in.sub(header - 20);
  if (!in.ok()) return d.weird(Weird::ip4_header_too_short, p);
  // Zero: the segment was longer than 64 KB or its length is left to the NIC; the frame bounds it.
  const std::size_t total = total_len ? total_len : on_hand;
  if (total < header) return d.weird(Weird::ip4_length_below_header, p);

  p.ip_version = 4;
  p.src = Ip::v4(src);
  p.dst = Ip::v4(dst);
  p.ttl = ttl;
  p.ip_id = id;
  p.ip_len = total_len;
  p.payload_len = static_cast<std::uint32_t>(total - header);
  if (header > 20) look_at_options(options, p, d);
  Cursor payload = in.sub(std::min<std::size_t>(p.payload_len, in.left()));

  const std::uint32_t offset = (flags_offset & 0x1fffu) * 8;
  const bool has_more = (flags_offset & 0x2000) != 0;
  if (offset == 0 && !has_more) return d.ip_payload(proto, payload, p);

  if (payload.left() < p.payload_len) return d.weird(Weird::ip_fragment_cut_by_snaplen, p);
  const fragment::Key key{p.src, p.dst, id, proto, 4};
  const fragment::Result whole = d.fragments().add(key, p.ts, {offset, has_more, proto, ttl}, payload.rest());
  for (const Weird w : whole.weirds) d.weird(w, p);
  if (!whole.is_complete) return;
  p.was_fragmented = true;
  p.payload_len = static_cast<std::uint32_t>(whole.payload.size());
  p.ip_len = static_cast<std::uint32_t>(header) + p.payload_len;
  d.ip_payload(proto, Cursor(whole.payload), p);
}

}  // namespace catenary::ip4
