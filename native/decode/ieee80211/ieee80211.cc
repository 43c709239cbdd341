#include "decode/ieee80211/ieee80211.h"

#include <algorithm>

#include "decode/decoder.h"

namespace catenary::ieee80211 {
namespace {

// Frame control, 9.2.4.1: its first and its second byte.
constexpr std::uint8_t kTypeMask = 0x0c, kTypeData = 0x08, kNoData = 0x40, kQos = 0x80;
constexpr std::uint8_t kToDs = 0x01, kFromDs = 0x02, kProtected = 0x40, kHasHtControl = 0x80;
constexpr std::uint8_t kAggregate = 0x80;  // of the first byte of QoS control, 9.2.4.5

void keep_macs(Bytes dst, Bytes src, decode::Packet& p) {
  std::copy_n(dst.begin(), 6, p.dst_mac.begin());
  std::copy_n(src.begin(), 6, p.src_mac.begin());
  p.has_macs = true;
}

void decode_aggregate(Cursor in, const decode::Packet& p, decode::Decoder& d) {
  const int count = p.is_subframe ? 1 : kSubframesMax;
  for (int i = 0; i < count && !in.done(); i++) {
    const Bytes dst = in.take(6);
    const Bytes src = in.take(6);
    const std::size_t length = in.be16();
    Cursor body = in.sub(length);
    if (!in.ok()) return d.weird(Weird::ieee80211_aggregate_malformed, p);
    decode::Packet one = p;
    one.is_subframe = true;
    keep_macs(dst, src, one);
    d.llc(body, one);
    // Every subframe but the last is padded to four bytes, its 14 of header counted.
    in.skip(std::min((4 - (14 + length) % 4) % 4, in.left()));
  }
}

}  // namespace

void decode(Cursor in, decode::Packet& p, decode::Decoder& d) {
  const std::uint8_t kind = in.u8();
  const std::uint8_t flags = in.u8();
  if (!in.ok()) return d.weird(Weird::ieee80211_header_too_short, p);
  if ((kind & kTypeMask) != kTypeData || (kind & kNoData) || (flags & kProtected)) return;
  in.skip(2);  // duration
  const Bytes first = in.take(6);
  const Bytes second = in.take(6);
  const Bytes third = in.take(6);
  in.skip(2);  // sequence control
  const bool to_ds = (flags & kToDs) != 0, from_ds = (flags & kFromDs) != 0;
  const Bytes fourth = to_ds && from_ds ? in.take(6) : Bytes{};
  bool is_aggregate = false;
  if (kind & kQos) {
    is_aggregate = (in.u8() & kAggregate) != 0;
    in.skip(1);
    if (flags & kHasHtControl) in.skip(4);
  }
  if (!in.ok()) return d.weird(Weird::ieee80211_header_too_short, p);
  // Table 9-30: whose address stands where.
  keep_macs(to_ds ? third : first, to_ds && from_ds ? fourth : from_ds ? third : second, p);
  if (is_aggregate) return decode_aggregate(in, p, d);
  d.llc(in, p);
}

void decode_radiotap(Cursor in, decode::Packet& p, decode::Decoder& d) {
  const std::uint8_t version = in.u8();
  in.skip(1);
  const std::size_t length = in.le16();
  if (length < 8) in.fail();
  in.skip(length - 4);
  if (!in.ok() || version != 0) return d.weird(Weird::radiotap_header_malformed, p);
  decode(in, p, d);
}

}  // namespace catenary::ieee80211
