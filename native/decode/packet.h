// One packet on its way through the layers: what the headers said so far, as values and offsets.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/net.h"
#include "decode/tunnel.h"

namespace catenary::decode {

using catenary::Tunnel;
using catenary::Tunnels;

struct Packet {
  Nanos ts = 0;
  std::uint32_t wire_len = 0;
  Bytes frame;  // as captured, from the link header on

  Mac src_mac{}, dst_mac{};
  bool has_macs = false;
  std::uint16_t vlan = 0, inner_vlan = 0;
  std::uint8_t vlan_tags = 0;

  // The innermost IP header seen so far.
  std::uint8_t ip_version = 0;
  Ip src, dst;
  std::uint8_t ip_proto = 0;
  std::uint8_t ttl = 0;
  std::uint16_t ip_id = 0;      // of IPv4
  std::uint32_t ip_len = 0;     // header and payload by the length field: 0 where segmentation is left to the NIC
  bool was_fragmented = false;  // payload was put together from fragments
  bool has_ah = false;          // an authentication header stood before the payload, the last one's numbers below
  std::uint32_t ah_spi = 0, ah_sequence = 0;

  // What follows the IP headers: the bytes held, and how many there were.
  Bytes payload;
  std::uint32_t payload_len = 0;

  std::uint8_t depth = 0;         // headers passed; Decoder::kDepthMax ends it
  Tunnel tunnel = Tunnel::kNone;  // the innermost
  Tunnels tunnels;
  bool is_subframe = false;  // one packet of several in an 802.11 aggregate

  // The rest is inside a tunnel. network: its virtual network's number (24 bits), 0 where it has none.
  void enter(Tunnel kind, std::uint32_t network = 0) noexcept {
    tunnel = kind;
    tunnels.enter(kind, network);
  }
};

// GRE and Geneve name a bridged Ethernet frame so (RFC 1701, RFC 8926).
inline constexpr std::uint16_t kBridgedEthernet = 0x6558;

// IP protocol numbers (IANA) that have a meaning here.
namespace ip_proto {
inline constexpr std::uint8_t kHopByHop = 0, kIcmp = 1, kIgmp = 2, kIpIp = 4, kTcp = 6, kUdp = 17, kIp6 = 41,
                              kRouting = 43, kFragment = 44, kGre = 47, kEsp = 50, kAh = 51, kIcmp6 = 58, kNone = 59,
                              kDestination = 60, kSctp = 132, kMobility = 135, kUdpLite = 136, kHip = 139, kShim6 = 140;
}

}  // namespace catenary::decode
