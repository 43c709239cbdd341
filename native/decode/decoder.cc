#include "decode/decoder.h"

#include <pcap/dlt.h>

#include "decode/arp/arp.h"
#include "decode/ethernet/ethernet.h"
#include "decode/gre/gre.h"
#include "decode/ip4/ip4.h"
#include "decode/ip6/ip6.h"
#include "decode/linux_sll/linux_sll.h"
#include "decode/loopback/loopback.h"
#include "decode/mpls/mpls.h"
#include "decode/pppoe/pppoe.h"
#include "decode/vlan/vlan.h"

namespace catenary::decode {

bool Decoder::deeper(Packet& p) {
  if (++p.depth <= kDepthMax) return true;
  weird(Weird::decode_too_many_headers, p);
  return false;
}

bool Decoder::link(int linktype, Packet& p) {
  Cursor in(p.frame);
  switch (linktype) {
    case DLT_EN10MB:
      ethernet::decode(in, p, *this);
      return true;
    case DLT_RAW:
    case 14:  // DLT_RAW on OpenBSD
    case DLT_IPV4:
    case DLT_IPV6:
      ip(in, p);
      return true;
    case DLT_NULL:
    case DLT_LOOP:
      loopback::decode(in, p, *this);
      return true;
    case DLT_LINUX_SLL:
      linux_sll::decode(in, p, *this);
      return true;
    case DLT_LINUX_SLL2:
      linux_sll::decode2(in, p, *this);
      return true;
    case DLT_PPP:
    case DLT_PPP_SERIAL:
      pppoe::decode_ppp(in, p, *this);
      return true;
    default:
      weird(Weird::decode_unknown_linktype, p);
      return false;
  }
}

// IEEE 802 numbers, https://www.iana.org/assignments/ieee-802-numbers
void Decoder::ethertype(std::uint16_t type, Cursor in, Packet& p) {
  if (!deeper(p)) return;
  switch (type) {
    case 0x0800:
      return ip4::decode(in, p, *this);
    case 0x86dd:
      return ip6::decode(in, p, *this);
    case 0x0806:
      return arp::decode(in, p, *this);
    case 0x8100:  // 802.1Q
    case 0x88a8:  // 802.1ad
    case 0x9100:  // QinQ before the standard
      return vlan::decode(in, p, *this);
    case 0x8847:
    case 0x8848:
      return mpls::decode(in, p, *this);
    case 0x8864:
      return pppoe::decode(in, p, *this);
    default:
      return;  // not for us: counted as a packet without IP
  }
}

void Decoder::ip(Cursor in, Packet& p) {
  if (!deeper(p)) return;
  const Bytes first = in.peek(1);
  const int version = first.empty() ? 0 : first[0] >> 4;
  if (version == 4) return ip4::decode(in, p, *this);
  if (version == 6) return ip6::decode(in, p, *this);
  weird(Weird::ip_unknown_version, p);
}

void Decoder::ip_payload(std::uint8_t proto, Cursor in, Packet& p) {
  if (!deeper(p)) return;
  p.ip_proto = proto;
  p.payload = in.peek_rest();
  switch (proto) {
    case ip_proto::kIpIp:
    case ip_proto::kIp6:
      p.tunnel = Tunnel::kIpInIp;
      return ip(in, p);
    case ip_proto::kGre:
      return gre::decode(in, p, *this);
    default:
      sink_.on_ip(p);
  }
}

}  // namespace catenary::decode
