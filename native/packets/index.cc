#include "packets/index.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "base/cursor.h"
#include "packets/blocks.h"

namespace catenary::packets {

namespace {

constexpr std::uint64_t kPort = std::uint64_t{1} << 56, kIp4 = std::uint64_t{4} << 56, kIp6 = std::uint64_t{6} << 56;
constexpr std::uint64_t kValue = (std::uint64_t{1} << 56) - 1;

struct Term {
  std::uint64_t value = 0;
  std::uint32_t row = 0;
  auto operator<=>(const Term&) const noexcept = default;
};

}  // namespace

std::uint64_t term_of(const Ip& address) noexcept {
  Cursor in(address.bytes);
  const std::uint64_t high = in.be64(), low = in.be64();
  return address.is_v4() ? kIp4 | (low & UINT32_MAX) : kIp6 | ((high ^ low) & kValue);
}
std::uint64_t term_of(std::uint16_t port) noexcept { return kPort | port; }

void build_index(std::vector<Place>& places, std::vector<FlowEnds>& ends, std::uint64_t segment_bytes,
                 std::vector<std::uint8_t>& out) {
  std::sort(places.begin(), places.end(),
            [](const Place& a, const Place& b) { return a.flow != b.flow ? a.flow < b.flow : a.offset < b.offset; });
  std::size_t flows = 0;
  for (std::size_t i = 0; i < places.size(); i++) flows += i == 0 || places[i].flow != places[i - 1].flow;
  std::sort(ends.begin(), ends.end(), [](const FlowEnds& a, const FlowEnds& b) { return a.flow < b.flow; });
  std::vector<Term> terms;
  terms.reserve(4 * flows);
  std::uint32_t row = 0;
  for (std::size_t i = 0, e = 0; i < places.size() && e < ends.size(); i++) {
    if (i > 0 && places[i].flow == places[i - 1].flow) continue;
    while (e < ends.size() && ends[e].flow < places[i].flow) e++;
    if (e < ends.size() && ends[e].flow == places[i].flow)
      for (int side : {0, 1}) {
        terms.push_back({term_of(ends[e].addresses[static_cast<std::size_t>(side)]), row});
        terms.push_back({term_of(ends[e].ports[static_cast<std::size_t>(side)]), row});
      }
    row++;
  }
  std::sort(terms.begin(), terms.end());
  terms.erase(std::unique(terms.begin(), terms.end()), terms.end());
  out.assign(kIndexHeader + flows * kIndexFlow + places.size() * kIndexPlace + terms.size() * kIndexTerm, 0);
  std::memcpy(out.data(), "CTNYIDX2", 8);
  put32(&out[8], static_cast<std::uint32_t>(flows));
  put32(&out[12], static_cast<std::uint32_t>(places.size()));
  put64(&out[16], segment_bytes);
  put32(&out[24], static_cast<std::uint32_t>(terms.size()));
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
  for (const Term& t : terms) at = put32(put64(at, t.value), t.row);
  uLong crc = crc32(0, out.data(), 28);
  crc = crc32_z(crc, out.data() + kIndexHeader, out.size() - kIndexHeader);
  put32(&out[28], static_cast<std::uint32_t>(crc));
}

}  // namespace catenary::packets
