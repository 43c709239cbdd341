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

struct Row {
  std::uint64_t flow = 0;
  std::size_t place = 0, places = 0;
  Nanos first = 0, last = 0;
  bool is_cut = false;
};

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
  std::sort(ends.begin(), ends.end(), [](const FlowEnds& a, const FlowEnds& b) { return a.flow < b.flow; });
  std::vector<Row> rows;
  std::vector<Term> terms;
  for (std::size_t i = 0, e = 0; i < places.size() || e < ends.size();) {
    Row row;
    row.flow = e == ends.size() || (i < places.size() && places[i].flow < ends[e].flow) ? places[i].flow : ends[e].flow;
    row.place = i;
    for (; i < places.size() && places[i].flow == row.flow; i++) {
      row.first = i == row.place ? places[i].ts : std::min(row.first, places[i].ts);
      row.last = std::max(row.last, places[i].ts);
    }
    row.places = i - row.place;
    const std::size_t noted = e;
    for (; e < ends.size() && ends[e].flow == row.flow; e++) row.is_cut |= ends[e].is_cut;
    // What a disk refused leaves the ends of flows that have no packet here.
    if (row.places == 0 && !row.is_cut) continue;
    if (e > noted && row.flow != 0)
      for (std::size_t side : {0U, 1U}) {
        terms.push_back({term_of(ends[noted].addresses[side]), static_cast<std::uint32_t>(rows.size())});
        terms.push_back({term_of(ends[noted].ports[side]), static_cast<std::uint32_t>(rows.size())});
      }
    rows.push_back(row);
  }
  std::sort(terms.begin(), terms.end());
  terms.erase(std::unique(terms.begin(), terms.end()), terms.end());
  out.assign(kIndexHeader + rows.size() * kIndexFlow + places.size() * kIndexPlace + terms.size() * kIndexTerm, 0);
  std::memcpy(out.data(), "CTNYIDX2", 8);
  put32(&out[8], static_cast<std::uint32_t>(rows.size()));
  put32(&out[12], static_cast<std::uint32_t>(places.size()));
  put64(&out[16], segment_bytes);
  put32(&out[24], static_cast<std::uint32_t>(terms.size()));
  std::uint8_t* at = out.data() + kIndexHeader;
  for (const Row& row : rows) {
    at = put64(at, row.flow);
    at = put32(at, static_cast<std::uint32_t>(row.place));
    at = put32(at, static_cast<std::uint32_t>(row.places) | (row.is_cut ? kIndexCut : 0));
    at = put64(at, static_cast<std::uint64_t>(std::max<Nanos>(row.first, 0)));
    at = put64(at, static_cast<std::uint64_t>(std::max<Nanos>(row.last, 0)));
  }
  for (const Place& p : places) at = put32(put32(at, p.offset), p.bytes);
  for (const Term& t : terms) at = put32(put64(at, t.value), t.row);
  uLong crc = crc32(0, out.data(), 28);
  crc = crc32_z(crc, out.data() + kIndexHeader, out.size() - kIndexHeader);
  put32(&out[28], static_cast<std::uint32_t>(crc));
}

}  // namespace catenary::packets
