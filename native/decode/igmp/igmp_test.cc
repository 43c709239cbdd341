#include "decode/igmp/igmp.h"

#include <algorithm>

#include "base/test.h"
#include "decode/igmp/igmp.gen.h"
#include "event/json.h"

using namespace catenary;
using test::hex;

namespace {

struct Read {
  std::string all;  // the own fields of each event, a line each
  std::vector<Weird> weirds;
  std::size_t events() const { return static_cast<std::size_t>(std::count(all.begin(), all.end(), '\n')); }
};

Read read(const std::vector<std::uint8_t>& message, std::uint32_t claimed = 0, std::uint8_t ttl = 1) {
  Read out;
  igmp::Reader reader(Cursor(message), claimed == 0 ? static_cast<std::uint32_t>(message.size()) : claimed, ttl);
  for (IgmpEvent e; reader.next(e);) {
    out.all += std::string(e.name) + " v" + std::to_string(e.version.value_or(0));
    if (e.group) out.all += " ." + std::to_string(e.group->bytes[15]);
    if (e.record_type) out.all += " " + std::string(*e.record_type);
    if (e.max_resp_time) out.all += " in " + std::to_string(*e.max_resp_time).substr(0, 5);
    for (const Ip& s : e.sources) out.all += " from ." + std::to_string(s.bytes[15]);
    out.all += '\n';
  }
  out.weirds.assign(reader.weirds().begin(), reader.weirds().end());
  return out;
}

// With its checksum.
std::vector<std::uint8_t> message(std::string_view bytes) {
  auto b = hex(bytes);
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < b.size(); i++) sum += static_cast<std::uint32_t>(b[i]) << (i % 2 == 0 ? 8 : 0);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  b[2] = static_cast<std::uint8_t>(~sum >> 8);
  b[3] = static_cast<std::uint8_t>(~sum);
  return b;
}
bool is_only(const Read& r, Weird w) { return r.weirds.size() == 1 && r.weirds[0] == w; }

}  // namespace

TEST(igmp, messages_of_every_version) {
  const std::pair<const char*, const char*> rows[] = {
      {"1100 0000 00000000", "query v1\n"},
      {"1164 0000 00000000", "query v2 in 10.00\n"},
      {"1114 0000 e0000109", "query v2 .9 in 2.000\n"},
      {"1164 0000 00000000 027d 0000", "query v3 in 10.00\n"},
      {"118a 0000 e0000109 027d 0001 c0000207", "query v3 .9 in 20.80 from .7\n"},
      {"1200 0000 e0000109", "report v1 .9\n"},
      {"1600 0000 e0000109", "report v2 .9\n"},
      {"1700 0000 e0000109", "leave v2 .9\n"},
      {"2200 0000 0000 0002 04000000 e0000109 03010001 e000010a c0000207 aaaaaaaa",
       "report v3 .9 to_exclude\nreport v3 .10 to_include from .7\n"},
      {"2200 0000 0000 0000", ""},
      {"1400 0000 00000000", "pim v0\n"},
  };
  for (const auto& [bytes, told] : rows) {
    const Read r = read(message(bytes));
    EXPECT_EQ(r.all, std::string(told));
    EXPECT(r.weirds.empty());
  }
}

TEST(igmp, what_contradicts_itself_is_a_weird) {
  EXPECT(is_only(read(hex("1600 0000 e0000109")), Weird::igmp_checksum_wrong));
  EXPECT(is_only(read(message("7700 0000 00000000")), Weird::igmp_type_unknown));
  EXPECT(is_only(read(message("1600 0000 c0000201")), Weird::igmp_group_not_multicast));
  EXPECT(is_only(read(message("2200 0000 0000 0001 04000000 c0000201")), Weird::igmp_group_not_multicast));
  EXPECT(is_only(read(message("1600 0000 e0000109"), 0, 64), Weird::igmp_ttl_wrong));
  EXPECT(is_only(read(message("1164 0000 00000000 027d 0002 c0000207")), Weird::igmp_truncated));
  EXPECT(is_only(read(message("2200 0000 0000 0002 04000000 e0000109")), Weird::igmp_truncated));
}

// A message that the capture has cut is no message that contradicts itself, unless its head is missing.
TEST(igmp, cut_anywhere_nothing_is_invented) {
  const auto whole = message("2200 0000 0000 0002 04000002 e0000109 c0000207 c0000208 04000000 e000010a");
  for (std::size_t n = 0; n < whole.size(); n++) {
    const std::vector<std::uint8_t> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));
    const Read r = read(cut, static_cast<std::uint32_t>(whole.size()));
    EXPECT_EQ(r.events(), n < 16 ? 0u : 1u);
    EXPECT_EQ(r.weirds.size(), n < 8 ? 1u : 0u);
  }
}

// Records and sources: one less, all, one more than are told.
TEST(igmp, records_and_sources_are_limited) {
  for (const std::size_t n : {igmp::kRecordsMax - 1, igmp::kRecordsMax, igmp::kRecordsMax + 1}) {
    std::string bytes = "2200 0000 0000 00";
    constexpr std::string_view kDigits = "0123456789abcdef";
    bytes += kDigits[n / 16];
    bytes += kDigits[n % 16];
    std::string query = "1164 0000 00000000 027d 00" + bytes.substr(bytes.size() - 2);
    for (std::size_t i = 0; i < n; i++) {
      bytes += "04000000 e0000109";
      query += "c0000207";
    }
    const Read r = read(message(bytes));
    EXPECT_EQ(r.events(), std::min(n, igmp::kRecordsMax));
    EXPECT_EQ(r.weirds.size(), n > igmp::kRecordsMax ? 1u : 0u);
    const auto asked = message(query);
    igmp::Reader reader(Cursor(asked), static_cast<std::uint32_t>(asked.size()), 1);
    IgmpEvent e;
    EXPECT(reader.next(e));
    EXPECT_EQ(e.sources.size(), std::min(n, igmp::kSourcesMax));
    EXPECT_EQ(e.cut, n > igmp::kSourcesMax);
  }
}
