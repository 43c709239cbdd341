#include "decode/nflog/nflog.h"

#include <algorithm>

#include "decode/decoder.h"

namespace catenary::nflog {
namespace {

constexpr std::uint16_t kPayload = 9;
constexpr std::uint16_t swapped(std::uint16_t v) noexcept { return static_cast<std::uint16_t>(v >> 8 | v << 8); }

}  // namespace

void decode(Cursor in, decode::Packet& p, decode::Decoder& d) {
  in.skip(1);  // address family: the packet says its version itself
  const std::uint8_t version = in.u8();
  in.skip(2);  // resource
  if (!in.ok() || version != 0) return d.weird(Weird::nflog_header_malformed, p);
  for (int i = 0; i < kAttributesMax && !in.done(); i++) {
    std::uint16_t length = in.le16();
    std::uint16_t type = in.le16();
    if (type > 0xff && swapped(type) <= 0xff) {
      length = swapped(length);
      type = swapped(type);
    }
    if (length < 4) in.fail();
    Cursor value = in.sub(length - 4u);
    if (!in.ok()) return d.weird(Weird::nflog_header_malformed, p);
    if (type == kPayload) return d.ip(value, p);
    in.skip(std::min<std::size_t>((4 - length % 4) % 4, in.left()));
  }
}

}  // namespace catenary::nflog
