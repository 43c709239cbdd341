// Which blocks of a segment belong to a flow, and which flows to an address or a port: so that one flow of one day, or
// one host's, is found without reading the day.
//
// Everything little-endian. Flows ascend by number, a flow's places by offset, terms by value: all by binary search.
//
//   0   "CTNYIDX2"
//   8   u32 flows F, u32 places N
//   16  u64 bytes of the segment
//   24  u32 terms T, u32 CRC-32 (zlib) of everything but this number
//   32  F times: u64 flow, u32 first place, u32 places and C, u64 first time, u64 last time [ns]
//   ..  N times: u32 offset of the block in the segment, u32 bytes of it
//   ..  T times: u64 term, u32 row of the flow
//
// A term is an end's address or port, its kind in the top byte: 1 and the port; 4 and the IPv4 address as a number, so
// that a network is a range; 6 and both halves of the IPv6 address, XORed, without their top byte.
//
// C is the top bit: a cutoff left packets of the flow out of the segment. Of flow 0: of flows that were not noted.
//
// Flow 0 has what belongs to none: ARP, what is not IP, what broke off before its ports, all but the last fragment.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/net.h"

namespace catenary::packets {

// One packet of one flow. A packet inside a tunnel has a place for the tunnel's flow and one for the flow inside.
struct Place {
  std::uint64_t flow = 0;
  Nanos ts = 0;
  std::uint32_t offset = 0, bytes = 0;
};

// The ends of one flow, and whether a cutoff applied to it.
struct FlowEnds {
  std::uint64_t flow = 0;
  std::array<Ip, 2> addresses;
  std::array<std::uint16_t, 2> ports{};
  bool is_cut = false;
};

inline constexpr std::uint32_t kIndexCut = std::uint32_t{1} << 31;

inline constexpr std::size_t kIndexHeader = 32, kIndexFlow = 32, kIndexPlace = 8, kIndexTerm = 12;

std::uint64_t term_of(const Ip& address) noexcept;
std::uint64_t term_of(std::uint16_t port) noexcept;

// Sorts `places` and `ends`, in which a flow may stand several times, and writes the index of a segment of
// `segment_bytes` into `out`, which is emptied first.
void build_index(std::vector<Place>& places, std::vector<FlowEnds>& ends, std::uint64_t segment_bytes,
                 std::vector<std::uint8_t>& out);

}  // namespace catenary::packets
