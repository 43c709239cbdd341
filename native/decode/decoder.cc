#include "decode/decoder.h"

#include <pcap/dlt.h>

#include "decode/arp/arp.h"
#include "decode/capwap/capwap.h"
#include "decode/ethernet/ethernet.h"
#include "decode/geneve/geneve.h"
#include "decode/gre/gre.h"
#include "decode/gtp/gtp.h"
#include "decode/hdlc/hdlc.h"
#include "decode/ieee80211/ieee80211.h"
#include "decode/ip4/ip4.h"
#include "decode/ip6/ip6.h"
#include "decode/ipsec/ipsec.h"
#include "decode/l2tp/l2tp.h"
#include "decode/linux_sll/linux_sll.h"
#include "decode/llc/llc.h"
#include "decode/lldp/lldp.h"
#include "decode/loopback/loopback.h"
#include "decode/mac_in_mac/mac_in_mac.h"
#include "decode/mpls/mpls.h"
#include "decode/nflog/nflog.h"
#include "decode/pppoe/pppoe.h"
#include "decode/teredo/teredo.h"
#include "decode/tzsp/tzsp.h"
#include "decode/vlan/vlan.h"
#include "decode/vxlan/vxlan.h"
#include "event/gen/neighbour.gen.h"

namespace catenary::decode {

bool Decoder::deeper(Packet& p) {
  if (++p.depth <= kDepthMax) return true;
  weird(Weird::decode_too_many_headers, p);
  return false;
}

bool Decoder::link(int linktype, Packet& p) {
  fragments_.begin_frame();
  Cursor in(p.frame);
  switch (linktype) {
    case DLT_EN10MB: ethernet::decode(in, p, *this); return true;
    case DLT_RAW:
    case 14:  // DLT_RAW on OpenBSD
    case DLT_IPV4:
    case DLT_IPV6: ip(in, p); return true;
    case DLT_NULL:
    case DLT_LOOP: loopback::decode(in, p, *this); return true;
    case DLT_LINUX_SLL: linux_sll::decode(in, p, *this); return true;
    case DLT_LINUX_SLL2: linux_sll::decode2(in, p, *this); return true;
    case DLT_PPP:
    case DLT_PPP_SERIAL: pppoe::decode_ppp(in, p, *this); return true;
    case DLT_PPP_ETHER: pppoe::decode(in, p, *this); return true;
    case DLT_C_HDLC: hdlc::decode(in, p, *this); return true;
    case DLT_IEEE802_11: ieee80211::decode(in, p, *this); return true;
    case DLT_IEEE802_11_RADIO: ieee80211::decode_radiotap(in, p, *this); return true;
    case DLT_NFLOG: nflog::decode(in, p, *this); return true;
    default: weird(Weird::decode_unknown_linktype, p); return false;
  }
}

void Decoder::ethernet(Cursor in, Packet& p) {
  if (deeper(p)) ethernet::decode(in, p, *this);
}

void Decoder::llc(Cursor in, Packet& p) {
  if (deeper(p)) llc::decode(in, p, *this);
}

void Decoder::neighbour(NeighbourEvent& event, const Packet& p) {
  event.ts = micros(p.ts);
  event.hw_src_mac = p.src_mac;
  event.hw_dst_mac = p.dst_mac;
  if (p.vlan_tags > 0) event.vlan = p.vlan;
  event.cut = p.frame.size() < p.wire_len;
  sink_.on_neighbour(event, p);
}

// IEEE 802 numbers, https://www.iana.org/assignments/ieee-802-numbers
void Decoder::ethertype(std::uint16_t type, Cursor in, Packet& p) {
  if (!deeper(p)) return;
  switch (type) {
    case 0x0800: return ip4::decode(in, p, *this);
    case 0x86dd: return ip6::decode(in, p, *this);
    case 0x0806: return arp::decode(in, p, *this);
    case 0x8100:  // 802.1Q
    case 0x88a8:  // 802.1ad
    case 0x9100:  // QinQ before the standard
      return vlan::decode(in, p, *this);
    case 0x8847:
    case 0x8848: return mpls::decode(in, p, *this);
    case 0x8864: return pppoe::decode(in, p, *this);
    case 0x88cc: return lldp::decode(in, p, *this);
    case 0x88e7: return mac_in_mac::decode(in, mac_in_mac::kServiceTag, p, *this);
    case 0x8903: return mac_in_mac::decode(in, mac_in_mac::kFabricTag, p, *this);
    default: return;  // not for us: counted as a packet without IP
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
    case ip_proto::kIp6: p.enter(Tunnel::kIpInIp); return ip(in, p);
    case ip_proto::kGre: return gre::decode(in, p, *this);
    case ip_proto::kAh: return ipsec::decode_ah(in, p, *this);
    default: sink_.on_ip(p);
  }
}

// The port of the responder decides, as an ephemeral port may be any of these; Teredo's server answers from its own.
bool Decoder::udp_tunnel(std::uint16_t orig_port, std::uint16_t resp_port, Uid flow, Bytes data, std::uint32_t len,
                         const Packet& outer) {
  const bool is_teredo = orig_port == teredo::kPort || resp_port == teredo::kPort || teredo::looks_like(data, len);
  switch (resp_port) {
    case vxlan::kPort:
    case geneve::kPort:
    case gtp::kPort:
    case l2tp::kPort:
    case capwap::kPort:
    case tzsp::kPort: break;
    default:
      if (!is_teredo) return false;
  }
  Packet p = outer;
  if (!deeper(p)) return false;
  p.tunnels.carried_by(flow);
  // The frame that carried it says nothing of the packet inside.
  p.has_macs = false;
  p.vlan = p.inner_vlan = 0;
  p.vlan_tags = 0;
  p.was_fragmented = p.has_ah = false;
  const Cursor in(data);
  switch (is_teredo ? teredo::kPort : resp_port) {
    case vxlan::kPort: return vxlan::decode(in, p, *this);
    case geneve::kPort: return geneve::decode(in, p, *this);
    case gtp::kPort: return gtp::decode(in, len, p, *this);
    case l2tp::kPort: return l2tp::decode(in, p, *this);
    case capwap::kPort: return capwap::decode(in, p, *this);
    case tzsp::kPort: return tzsp::decode(in, p, *this);
    default: return teredo::decode(in, len, p, *this);
  }
}

std::string_view tunnel_service(std::uint16_t orig_port, std::uint16_t resp_port, bool is_both) noexcept {
  switch (resp_port) {
    case vxlan::kPort: return "vxlan";
    case geneve::kPort: return "geneve";
    case gtp::kPort: return "gtpv1";
    case l2tp::kPort: return "l2tp";
    case capwap::kPort: return "capwap";
    case tzsp::kPort: return "tzsp";
    default: return is_both && (orig_port == teredo::kPort || resp_port == teredo::kPort) ? "teredo" : "";
  }
}

bool is_whole_ip(Cursor in, std::size_t len) noexcept {
  const std::uint8_t first = in.u8();
  in.skip(1);
  const std::size_t v4_total = in.be16();
  const std::size_t v6_payload = in.be16();
  if (!in.ok()) return false;
  if (first >> 4 == 4) return (first & 0xf) >= 5 && v4_total >= 20 && v4_total == len;
  return first >> 4 == 6 && v6_payload + 40 == len;
}

}  // namespace catenary::decode
