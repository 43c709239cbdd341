#include "decode/llc/llc.h"

#include <algorithm>

#include "decode/cdp/cdp.h"
#include "decode/decoder.h"

namespace catenary::llc {
namespace {

constexpr std::uint8_t kSnap = 0xaa, kIp = 0x06, kRaw = 0xff;  // service access points
constexpr std::uint8_t kUnnumbered = 0x03;                     // the control field of a datagram
constexpr std::uint32_t kEncapsulated = 0x000000, kTunnelled = 0x0000f8, kBridged = 0x0080c2;
// RFC 2684, 5.2: with and without the frame's check sequence, which the inner lengths leave out anyway.
constexpr std::uint16_t kBridgedWithFcs = 0x0001, kBridgedWithout = 0x0007;

void decode_snap(Cursor in, decode::Packet& p, decode::Decoder& d) {
  const std::uint32_t organization = in.be24();
  const std::uint16_t type = in.be16();
  if (!in.ok()) return d.weird(Weird::llc_header_too_short, p);
  if (organization == kEncapsulated || organization == kTunnelled) return d.ethertype(type, in, p);
  if (organization == cdp::kOrganization && type == cdp::kType) return cdp::decode(in, p, d);
  if (organization == kBridged && (type == kBridgedWithFcs || type == kBridgedWithout)) return d.ethernet(in, p);
}

}  // namespace

void decode_length(std::uint16_t length, Cursor in, decode::Packet& p, decode::Decoder& d) {
  if (length > kLengthMax) return d.weird(Weird::llc_length_invalid, p);
  if (length > in.left()) d.weird(Weird::llc_length_past_end, p);
  d.llc(in.sub(std::min<std::size_t>(length, in.left())), p);
}

void decode(Cursor in, decode::Packet& p, decode::Decoder& d) {
  const std::uint8_t to = in.u8();
  const std::uint8_t from = in.u8();
  if (in.ok() && to == kRaw && from == kRaw) return;  // the checksum of IPX, which is never used
  const std::uint8_t control = in.u8();
  if (!in.ok()) return d.weird(Weird::llc_header_too_short, p);
  if (control != kUnnumbered) return;
  if (to == kSnap && from == kSnap) return decode_snap(in, p, d);
  if (to == kIp && from == kIp) return d.ip(in, p);
}

}  // namespace catenary::llc
