#include "packets/index.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "packets/blocks.h"

namespace catenary::packets {

void build_index(std::vector<Place>& places, std::uint64_t segment_bytes, std::vector<std::uint8_t>& out) {
  std::sort(places.begin(), places.end(),
            [](const Place& a, const Place& b) { return a.flow != b.flow ? a.flow < b.flow : a.offset < b.offset; });
  std::size_t flows = 0;
  for (std::size_t i = 0; i < places.size(); i++) flows += i == 0 || places[i].flow != places[i - 1].flow;
  out.assign(kIndexHeader + flows * kIndexFlow + places.size() * kIndexPlace, 0);
  std::memcpy(out.data(), "CTNYIDX1", 8);
  put32(&out[8], static_cast<std::uint32_t>(flows));
  put32(&out[12], static_cast<std::uint32_t>(places.size()));
  put64(&out[16], segment_bytes);
  std::uint8_t* at = out.data() + kIndexHeader;
  for (std::size_t i = 0; i < places.size();) {
    std::size_t end = i;
    Nanos first = places[i].ts, last = first;
    for (; end < places.size() && places[end].flow == places[i].flow; end++) {
      first = std::min(first, places[end].ts);
      last = std::max(last, places[end].ts);
    }
    at = put64(at, places[i].flow);
    at = put32(at, static_cast<std::uint32_t>(i));
    at = put32(at, static_cast<std::uint32_t>(end - i));
    at = put64(at, static_cast<std::uint64_t>(std::max<Nanos>(first, 0)));
    at = put64(at, static_cast<std::uint64_t>(std::max<Nanos>(last, 0)));
    i = end;
  }
  for (const Place& p : places) at = put32(put32(at, p.offset), p.bytes);
  uLong crc = crc32(0, out.data(), 28);
  crc = crc32_z(crc, out.data() + kIndexHeader, out.size() - kIndexHeader);
  put32(&out[28], static_cast<std::uint32_t>(crc));
}

}  // namespace catenary::packets
