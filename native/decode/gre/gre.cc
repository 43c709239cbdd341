#include "decode/gre/gre.h"

#include "decode/decoder.h"
#include "decode/erspan/erspan.h"
#include "decode/ieee80211/ieee80211.h"
#include "decode/pppoe/pppoe.h"

namespace catenary::gre {

namespace {

// Aruba access points send their controller 802.11 frames; the type says which radio and queue.
bool is_aruba(std::uint16_t type) { return type == 0x9000 || (type >= 0x8200 && type <= 0x8370 && (type & 0xf) == 0); }

}  // namespace

void decode(Cursor in, decode::Packet& p, decode::Decoder& d) {
  const std::uint16_t flags = in.be16();
  const std::uint16_t type = in.be16();
  const unsigned version = flags & 7;
  if (!in.ok() || version > 1) return d.weird(Weird::gre_header_malformed, p);
  if (flags & 0xc000) in.skip(4);  // checksum and offset: present together (RFC 1701, checksum or routing)
  const std::uint32_t key = flags & 0x2000 ? in.be32() : 0;  // version 1: payload length and call id
  if (flags & 0x1000) in.skip(4);                            // sequence number
  if (version == 1 && (flags & 0x0080)) in.skip(4);          // acknowledgement (RFC 2637, 4.1)
  if (flags & 0x4000) return d.weird(Weird::gre_source_routed, p);
  if (!in.ok()) return d.weird(Weird::gre_header_malformed, p);
  // NVGRE: the key's upper 24 bits are the virtual subnet (RFC 7637, 3.2); other keys may differ by direction.
  p.enter(decode::Tunnel::kGre, type == decode::kBridgedEthernet ? key >> 8 : 0);
  if (version == 1 && type == 0x880b) return pppoe::decode_ppp(in, p, d);
  if (type == decode::kBridgedEthernet) return d.ethernet(in, p);
  if (type == erspan::kType1And2 || type == erspan::kType3)
    return erspan::decode(in, type, (flags & 0x1000) != 0, p, d);
  if (is_aruba(type)) return ieee80211::decode(in, p, d);
  if (!in.done()) d.ethertype(type, in, p);
}

}  // namespace catenary::gre
