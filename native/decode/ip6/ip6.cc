#include "decode/ip6/ip6.h"

#include <algorithm>

#include "decode/decoder.h"

namespace catenary::ip6 {
namespace {

constexpr int kExtensionHeadersMax = 12;

namespace ip_proto = decode::ip_proto;

bool is_extension(std::uint8_t next) {
  return next == ip_proto::kHopByHop || next == ip_proto::kRouting || next == ip_proto::kDestination ||
         next == ip_proto::kAh || next == ip_proto::kMobility || next == ip_proto::kHip || next == ip_proto::kShim6;
}

// The packet is on its way to the last address of the route, and replies come from there: RFC 2460, 4.4 (type 0, which
// RFC 5095 took out), RFC 6275, 6.4 (type 2).
void read_routing(Cursor in, decode::Packet& p) {
  const std::uint8_t type = in.u8();
  const std::uint8_t segments_left = in.u8();
  in.skip(4);
  if (!in.ok() || (type != 0 && type != 2) || segments_left == 0) return;
  if (in.done() || in.left() % 16 != 0) return;
  in.skip(in.left() - 16);
  p.dst = Ip::v6(in.take(16));
}

// A mobile node away from home says where it belongs: RFC 6275, 6.3.
void read_home_address(Cursor in, decode::Packet& p) {
  while (!in.done()) {
    const std::uint8_t option = in.u8();
    if (option == 0) continue;  // Pad1
    const Bytes value = in.take(in.u8());
    if (option == 0xc9 && value.size() == 16) p.src = Ip::v6(value);
  }
}

}  // namespace

void decode(Cursor in, decode::Packet& p, decode::Decoder& d) {
  const std::size_t on_hand = in.left();
  const std::uint32_t version_class_flow = in.be32();
  const std::uint16_t claimed = in.be16();
  std::uint8_t next = in.u8();
  const std::uint8_t hops = in.u8();
  const Bytes src = in.take(16);
  const Bytes dst = in.take(16);
  if (!in.ok()) return d.weird(Weird::ip6_header_too_short, p);
  if (version_class_flow >> 28 != 6) return d.weird(Weird::ip6_header_malformed, p);
  // Zero: a jumbogram (RFC 2675) or a length left to the NIC; the frame bounds it.
  std::size_t payload_len = claimed ? claimed : on_hand - 40;

  p.ip_version = 6;
  p.src = Ip::v6(src);
  p.dst = Ip::v6(dst);
  p.ttl = hops;
  p.ip_id = 0;
  p.ip_len = 40u + claimed;
  Cursor rest = in.sub(std::min(payload_len, in.left()));

  for (int i = 0; is_extension(next); i++) {
    if (i == kExtensionHeadersMax) return d.weird(Weird::ip6_too_many_extension_headers, p);
    const std::uint8_t after = rest.u8();
    const std::size_t units = rest.u8();
    // RFC 4302, 2.2: the authentication header alone counts in words of four bytes, less two.
    const std::size_t length = next == ip_proto::kAh ? (units + 2) * 4 : (units + 1) * 8;
    Cursor body = rest.sub(length - 2);
    if (next == ip_proto::kRouting) read_routing(body, p);
    if (next == ip_proto::kDestination) read_home_address(body, p);
    if (!rest.ok() || length > payload_len) return d.weird(Weird::ip6_extension_header_too_short, p);
    payload_len -= length;
    next = after;
  }
  p.payload_len = static_cast<std::uint32_t>(payload_len);
  if (next != ip_proto::kFragment) return d.ip_payload(next, rest, p);

  // RFC 8200, 4.5. Headers after the fragment header belong to the fragmentable part.
  const std::uint8_t after = rest.u8();
  rest.skip(1);
  const std::uint16_t offset_more = rest.be16();
  const std::uint32_t id = rest.be32();
  if (!rest.ok() || payload_len < 8) return d.weird(Weird::ip6_extension_header_too_short, p);
  payload_len -= 8;
  p.payload_len = static_cast<std::uint32_t>(payload_len);
  const std::uint32_t offset = offset_more & 0xfff8u;
  const bool has_more = (offset_more & 1) != 0;
  if (offset == 0 && !has_more) {  // an atomic fragment, RFC 6946: counted as the packet it stands for
    if (claimed != 0) p.ip_len -= 8;
    return d.ip_payload(after, rest, p);
  }
  if (rest.left() < payload_len) return d.weird(Weird::ip_fragment_cut_by_snaplen, p);
  const fragment::Key key{p.src, p.dst, id, after, 6};
  const fragment::Result whole = d.fragments().add(key, p.ts, offset, has_more, rest.rest());
  if (whole.weird) d.weird(*whole.weird, p);
  if (!whole.is_complete) return;
  p.was_fragmented = true;
  p.payload_len = static_cast<std::uint32_t>(whole.payload.size());
  p.ip_len = 40 + p.payload_len;
  d.ip_payload(after, Cursor(whole.payload), p);
}

}  // namespace catenary::ip6
