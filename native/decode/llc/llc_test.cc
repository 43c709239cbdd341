#include "decode/llc/llc.h"

#include <pcap/dlt.h>

#include "base/test.h"
#include "decode/recorder.h"

using namespace catenary;
using decode::Recorder;
using test::hex;

static const std::string kMacs = "020000000001 020000000002";
static const std::string kUdp = "4500001d00010000401100000c000201 c0000202 1388 0035 0009 0000 2a";

TEST(llc, what_it_leads_to_is_decoded) {
  const std::pair<const char*, std::size_t> rows[] = {
      {"0025 aaaa03 000000 0800", 1},                                 // RFC 1042
      {"0025 aaaa03 0000f8 0800", 1},                                 // 802.1H
      {"0020 060603", 1},                                             // IP by its own access point
      {"0035 aaaa03 0080c2 0007 020000000003 020000000004 0800", 1},  // RFC 2684, bridged
      {"0025 aaaa03 00000c 0111", 0},                                 // another organization's
      {"0025 424203", 0},                                             // spanning tree
      {"0025 fefe03", 0},                                             // OSI
      {"0025 ffff 0022", 0},                                          // Novell's raw 802.3
      {"0025 aaaa00 000000 0800", 0},                                 // numbered: a connection of LLC's own
  };
  for (const auto& [bytes, packets] : rows) {
    Recorder r;
    r.frame(DLT_EN10MB, hex(kMacs + bytes + kUdp + "000000000000000000000000"));
    EXPECT_EQ(r.packets.size(), packets);
    EXPECT(r.weirds.empty());
  }
}

TEST(llc, the_length_leaves_padding_out) {
  Recorder r;
  r.frame(DLT_EN10MB, hex(kMacs + "0025 aaaa03 000000 0800" + kUdp + "ffffffff"));
  EXPECT_EQ(r.payloads[0].size(), 9u);
  Recorder behind_a_tag;
  behind_a_tag.frame(DLT_EN10MB, hex(kMacs + "8100 0007 0025 aaaa03 000000 0800" + kUdp));
  EXPECT_EQ(behind_a_tag.packets.size(), 1u);
  EXPECT_EQ(behind_a_tag.packets[0].vlan, 7);
}

// 1500 is the longest length, 1536 the first type: at each, one less and one more.
TEST(llc, between_length_and_type_is_neither) {
  for (const auto& [field, is_invalid] :
       std::initializer_list<std::pair<const char*, bool>>{{"05dc", false}, {"05dd", true}, {"05ff", true}}) {
    Recorder r;
    r.frame(DLT_EN10MB, hex(kMacs + field + "424203"));
    EXPECT_EQ(r.weirds.size(), 1u);
    EXPECT(r.weirds[0] == (is_invalid ? Weird::llc_length_invalid : Weird::llc_length_past_end));
  }
  Recorder r;
  r.frame(DLT_EN10MB, hex(kMacs + "0600 424203"));
  EXPECT(r.weirds.empty());
}

TEST(llc, a_length_past_the_end_is_told_and_what_is_there_decoded) {
  Recorder r;
  r.frame(DLT_EN10MB, hex(kMacs + "0026 aaaa03 000000 0800" + kUdp));
  EXPECT_EQ(r.packets.size(), 1u);
  EXPECT(r.weirds.size() == 1 && r.weirds[0] == Weird::llc_length_past_end);
}

TEST(llc, every_short_header_is_a_weird) {
  const auto whole = hex(kMacs + "0008 aaaa03 000000 0800");
  for (std::size_t n = 14; n < 22; n++) {
    auto frame = std::vector<std::uint8_t>(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));
    frame[13] = static_cast<std::uint8_t>(n - 14);
    Recorder r;
    r.frame(DLT_EN10MB, frame);
    EXPECT(r.is_weird(Weird::llc_header_too_short));
  }
}
