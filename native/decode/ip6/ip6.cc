#include "decode/ip6/ip6.h"

#include <algorithm>

#include "decode/decoder.h"
#include "decode/ipsec/ipsec.h"

namespace catenary::ip6 {
namespace {

constexpr int kExtensionHeadersMax = 12;

namespace ip_proto = decode::ip_proto;

constexpr std::uint8_t kPad1 = 0, kHomeAddress = 0xc9;

bool is_extension(std::uint8_t next) {
  return next == ip_proto::kHopByHop || next == ip_proto::kRouting || next == ip_proto::kDestination ||
         next == ip_proto::kAh || next == ip_proto::kMobility || next == ip_proto::kHip || next == ip_proto::kShim6;
}

// The packet is on its way to the last address of the route, and replies come from there: RFC 2460, 4.4 (type 0, which
// RFC 5095 took out), RFC 6275, 6.4 (type 2).
void read_routing(Cursor in, decode::Packet& p, decode::Decoder& d) {
  const std::uint8_t type = in.u8();
  const std::uint8_t segments_left = in.u8();
  in.skip(4);
  if (in.ok() && type == 0) d.weird(Weird::ip6_source_routed, p);
  if (!in.ok() || (type != 0 && type != 2) || segments_left == 0) return;
  if (in.done() || in.left() % 16 != 0) return;
  in.skip(in.left() - 16);
  p.dst = Ip::v6(in.take(16));
}

// RFC 8200, 4.2: type, length, value. A mobile node away from home says where it belongs: RFC 6275, 6.3. False when an
// option ends after its header.
bool read_options(Cursor in, bool is_destination, decode::Packet& p) {
  while (!in.done()) {
    const std::uint8_t option = in.u8();
    if (option == kPad1) continue;
    const Bytes value = in.take(in.u8());
    if (is_destination && option == kHomeAddress && value.size() == 16) p.src = Ip::v6(value);
  }
  return in.ok();
}

std::size_t upper_header(std::uint8_t proto) noexcept {
  if (proto == ip_proto::kTcp) return 20;
  return proto == ip_proto::kUdp || proto == ip_proto::kIcmp6 ? 8 : 1;
}

// What one chain of headers has said so far.
struct Chain {
  int headers = 0;
  std::uint32_t seen = 0;  // a bit a kind: kHopByHop, kRouting, ...
  bool has_fragment = false;

  // RFC 8200, 4.1: each stands once but the destination options, which may stand before a routing header as well.
  bool repeats(std::uint8_t next) noexcept {
    const std::uint32_t bit = 1u << (next % 32);  // differs for all of is_extension()
    const bool was_there = (seen & bit) != 0;
    seen |= bit;
    return was_there && next != ip_proto::kDestination;
  }
};

void walk(std::uint8_t next, Cursor in, std::size_t payload_len, Chain& chain, decode::Packet& p, decode::Decoder& d);

// RFC 8200, 4.5. Headers behind it belong to the part that was cut up.
void decode_fragment(Cursor in, std::size_t payload_len, Chain& chain, decode::Packet& p, decode::Decoder& d) {
  const std::uint8_t after = in.u8();
  in.skip(1);
  const std::uint16_t offset_more = in.be16();
  const std::uint32_t id = in.be32();
  if (!in.ok() || payload_len < 8) return d.weird(Weird::ip6_extension_header_too_short, p);
  if (chain.has_fragment) return d.weird(Weird::ip6_extension_header_repeated, p);
  chain.has_fragment = true;
  payload_len -= 8;
  const std::uint32_t offset = offset_more & 0xfff8u;
  const bool has_more = (offset_more & 1) != 0;
  if (offset == 0 && !has_more) {  // an atomic fragment, RFC 6946: counted as the packet it stands for
    if (p.ip_len > 40) p.ip_len -= 8;
    return walk(after, in, payload_len, chain, p, d);
  }
  if (in.left() < payload_len) return d.weird(Weird::ip_fragment_cut_by_snaplen, p);
  // RFC 8200, 4.5: the first fragment holds all headers, the upper one too, or it is discarded.
  if (offset == 0 && payload_len < upper_header(after)) return d.weird(Weird::ip6_fragment_header_cut, p);
  // The next header of the first fragment alone counts: it is no part of what tells datagrams apart.
  const fragment::Key key{p.src, p.dst, id, 0, 6};
  const fragment::Result whole = d.fragments().add(key, p.ts, {offset, has_more, after, p.ttl}, in.rest());
  for (const Weird w : whole.weirds) d.weird(w, p);
  if (!whole.is_complete) return;
  p.was_fragmented = true;
  p.ip_len = 40 + static_cast<std::uint32_t>(whole.payload.size());
  walk(whole.proto, Cursor(whole.payload), whole.payload.size(), chain, p, d);
}

void walk(std::uint8_t next, Cursor in, std::size_t payload_len, Chain& chain, decode::Packet& p, decode::Decoder& d) {
  for (; is_extension(next); chain.headers++) {
    if (chain.headers == kExtensionHeadersMax) return d.weird(Weird::ip6_too_many_extension_headers, p);
    if (next == ip_proto::kHopByHop && chain.headers > 0) d.weird(Weird::ip6_hop_by_hop_not_first, p);
    if (chain.repeats(next)) d.weird(Weird::ip6_extension_header_repeated, p);
    const Cursor whole = in;
    const std::uint8_t after = in.u8();
    const std::size_t units = in.u8();
    // RFC 4302, 2.2: the authentication header alone counts in words of four bytes, less two.
    const std::size_t length = next == ip_proto::kAh ? (units + 2) * 4 : (units + 1) * 8;
    Cursor body = in.sub(length - 2);
    if (!in.ok() || length > payload_len) return d.weird(Weird::ip6_extension_header_too_short, p);
    switch (next) {
      case ip_proto::kRouting: read_routing(body, p, d); break;
      case ip_proto::kHopByHop:
      case ip_proto::kDestination:
        if (!read_options(body, next == ip_proto::kDestination, p)) d.weird(Weird::ip6_option_malformed, p);
        break;
      case ip_proto::kAh: ipsec::read_ah(whole, p, d); break;
      default: break;
    }
    payload_len -= length;
    next = after;
  }
  p.payload_len = static_cast<std::uint32_t>(payload_len);
  if (next == ip_proto::kFragment) return decode_fragment(in, payload_len, chain, p, d);
  d.ip_payload(next, in, p);
}

}  // namespace

void decode(Cursor in, decode::Packet& p, decode::Decoder& d) {
  const std::size_t on_hand = in.left();
  const std::uint32_t version_class_flow = in.be32();
  const std::uint16_t claimed = in.be16();
  const std::uint8_t next = in.u8();
  const std::uint8_t hops = in.u8();
  const Bytes src = in.take(16);
  const Bytes dst = in.take(16);
  if (!in.ok()) return d.weird(Weird::ip6_header_too_short, p);
  if (version_class_flow >> 28 != 6) return d.weird(Weird::ip6_header_malformed, p);
  // Zero: a jumbogram (RFC 2675) or a length left to the NIC; the frame bounds it.
  const std::size_t payload_len = claimed ? claimed : on_hand - 40;

  p.ip_version = 6;
  p.src = Ip::v6(src);
  p.dst = Ip::v6(dst);
  p.ttl = hops;
  p.ip_id = 0;
  p.ip_len = 40u + claimed;
  Chain chain;
  walk(next, in.sub(std::min(payload_len, in.left())), payload_len, chain, p, d);
}

}  // namespace catenary::ip6
