#include "decode/arp/arp.h"

#include <algorithm>

#include "decode/arp/arp.gen.h"
#include "decode/decoder.h"

namespace catenary::arp {
namespace {

Mac mac_of(Bytes b) noexcept {
  Mac m{};
  std::copy_n(b.begin(), std::min<std::size_t>(b.size(), 6), m.begin());
  return m;
}

}  // namespace

void decode(Cursor in, decode::Packet& p, decode::Decoder& d) {
  const std::uint16_t hardware = in.be16();
  const std::uint16_t protocol = in.be16();
  const std::uint8_t hardware_len = in.u8();
  const std::uint8_t protocol_len = in.u8();
  ArpEvent e;
  e.opcode = in.be16();
  if (!in.ok()) return d.weird(Weird::arp_truncated, p);
  // 6 is IEEE 802, used on Ethernet by a few stacks.
  if (hardware != 1 && hardware != 6) return d.weird(Weird::arp_hardware_type_unknown, p);
  if (protocol != 0x0800) return d.weird(Weird::arp_protocol_type_unknown, p);
  if (hardware_len != 6 || protocol_len != 4) return d.weird(Weird::arp_length_wrong, p);
  e.sender_mac = mac_of(in.take(6));
  e.sender_ip = Ip::v4(in.take(4));
  e.target_mac = mac_of(in.take(6));
  e.target_ip = Ip::v4(in.take(4));
  if (!in.ok()) return d.weird(Weird::arp_truncated, p);
  if (e.opcode == 0 || e.opcode > 25) d.weird(Weird::arp_opcode_unknown, p);
  if (p.has_macs && p.src_mac != Mac{} && e.sender_mac != p.src_mac) d.weird(Weird::arp_sender_mac_differs, p);
  e.ts = micros(p.ts);
  e.hw_src_mac = p.src_mac;
  e.hw_dst_mac = p.dst_mac;
  e.gratuitous = e.sender_ip == e.target_ip;
  if (p.vlan_tags > 0) e.vlan = p.vlan;
  d.arp(e, p);
}

}  // namespace catenary::arp
