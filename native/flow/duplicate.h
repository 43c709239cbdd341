// Copies of packets: a SPAN port that mirrors where packets come in and where they go out sends each of them twice.
//
// A copy has the same IP identification and checksum as a packet of the last 20 ms. A retransmission has not: stacks
// number their packets, and no retransmission timer is that short (RFC 6298, 2.4; Linux: 200 ms). Where packets are not
// numbered (IPv6, and 0 in IPv4) a repeated empty ACK may be a real one, and is taken for none.
#pragma once

#include "decode/packet.h"
#include "decode/tcp/tcp.h"
#include "decode/udp/udp.h"
#include "flow/flow.h"

namespace catenary::flow {

inline constexpr std::uint32_t kCopyMicros = 20'000;

// What tells packets of one end apart; 0: nothing does.
inline std::uint32_t print_of(const decode::Packet& p, const tcp::Segment& s) noexcept {
  if (p.ip_id == 0 && s.len == 0 && !s.has(tcp::kSyn) && !s.has(tcp::kFin)) return 0;
  const std::uint32_t numbered = static_cast<std::uint32_t>(p.ip_id) << 16 | s.checksum;
  return (numbered ^ s.seq * 0x9e3779b1u ^ s.ack * 0x85ebca77u ^ s.len << 8 ^ s.flags) | 1;
}
inline std::uint32_t print_of(const decode::Packet& p, const udp::Datagram& d) noexcept {
  if (p.ip_id == 0) return 0;  // the same question may be asked twice
  return ((static_cast<std::uint32_t>(p.ip_id) << 16 | d.checksum) ^ d.len << 8) | 1;
}

// Of other transports: what their checksum is, and whether the packet takes a place of its own in a stream of data.
inline std::uint32_t print_of(const decode::Packet& p, std::uint32_t checksum, bool has_data) noexcept {
  if (p.ip_id == 0 && !has_data) return 0;
  return ((static_cast<std::uint32_t>(p.ip_id) << 16 ^ checksum) ^ p.payload_len << 8) | 1;
}

// Whether a packet with this print has just been here; remembers it.
inline bool is_copy(Recent& recent, std::uint32_t print, Nanos now) noexcept {
  if (print == 0) return false;
  const auto time = static_cast<std::uint32_t>(micros(now));
  for (std::size_t i = 0; i < Recent::kPacketsMax; i++) {
    if (recent.prints[i] == print && time - recent.times[i] <= kCopyMicros) return true;
  }
  recent.prints[recent.next] = print;
  recent.times[recent.next] = time;
  recent.next = static_cast<std::uint8_t>((recent.next + 1) % Recent::kPacketsMax);
  return false;
}

}  // namespace catenary::flow
