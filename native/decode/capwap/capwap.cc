#include "decode/capwap/capwap.h"

#include "decode/decoder.h"
#include "decode/ieee80211/ieee80211.h"

namespace catenary::capwap {
namespace {

// Of the header's first word, after the preamble's byte: header length, radio, binding, flags.
constexpr std::uint32_t kNative = 0x100, kFragment = 0x080, kKeepAlive = 0x008;
constexpr std::uint32_t kIeee80211 = 1;  // wireless binding, section 4.3

}  // namespace

bool decode(Cursor in, decode::Packet& p, decode::Decoder& d) {
  const std::uint32_t word = in.be32();
  const std::uint32_t preamble = word >> 24;
  if (in.ok() && preamble == 1) return false;  // DTLS follows
  const std::size_t length = (word >> 19 & 0x1f) * 4;
  if (!in.ok() || preamble != 0 || length < 8) {
    d.weird(Weird::capwap_header_malformed, p);
    return false;
  }
  in.skip(length - 4);
  if (!in.ok()) {
    d.weird(Weird::capwap_header_malformed, p);
    return false;
  }
  if ((word & (kFragment | kKeepAlive)) || in.done()) return false;
  if ((word & kNative) && (word >> 9 & 0x1f) != kIeee80211) return false;
  p.enter(decode::Tunnel::kCapwap);
  if (word & kNative)
    ieee80211::decode(in, p, d);
  else
    d.ethernet(in, p);
  return true;
}

}  // namespace catenary::capwap
