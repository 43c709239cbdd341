// Which blocks of a segment belong to a flow: so that one flow of one day is found without reading the day.
//
// Everything little-endian. Flows ascend by number, a flow's places by offset; a flow is found by binary search.
//
//   0   "CTNYIDX1"
//   8   u32 flows F, u32 places N
//   16  u64 bytes of the segment
//   24  u32 0, u32 CRC-32 (zlib) of everything but this number
//   32  F times: u64 flow, u32 first place, u32 places, u64 first time, u64 last time [ns]
//   ..  N times: u32 offset of the block in the segment, u32 bytes of it
//
// Flow 0 has what belongs to none: ARP, what is not IP, what broke off before its ports, all but the last fragment.
#pragma once

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

inline constexpr std::size_t kIndexHeader = 32, kIndexFlow = 32, kIndexPlace = 8;

// Sorts `places` and writes the index of a segment of `segment_bytes` into `out`, which is emptied first.
void build_index(std::vector<Place>& places, std::uint64_t segment_bytes, std::vector<std::uint8_t>& out);

}  // namespace catenary::packets
