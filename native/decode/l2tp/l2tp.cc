#include "decode/l2tp/l2tp.h"

#include "decode/decoder.h"
#include "decode/pppoe/pppoe.h"

namespace catenary::l2tp {
namespace {

constexpr std::uint16_t kControl = 0x8000, kHasLength = 0x4000, kHasSequence = 0x0800, kHasOffset = 0x0200;

}  // namespace

bool decode(Cursor in, decode::Packet& p, decode::Decoder& d) {
  const std::size_t on_hand = in.left();
  const std::uint16_t flags = in.be16();
  if (!in.ok() || (flags & 0x000f) != 2 || (flags & kControl)) return false;
  const std::size_t length = flags & kHasLength ? in.be16() : on_hand;
  in.skip(4);  // tunnel, session: each end has numbers of its own
  if (flags & kHasSequence) in.skip(4);
  if (flags & kHasOffset) in.skip(in.be16());
  const std::size_t header = on_hand - in.left();
  if (!in.ok() || length < header || length > on_hand) {
    d.weird(Weird::l2tp_header_malformed, p);
    return false;
  }
  p.enter(decode::Tunnel::kL2tp);
  pppoe::decode_ppp(in.sub(length - header), p, d);
  return true;
}

}  // namespace catenary::l2tp
