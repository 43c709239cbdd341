#include "decode/ieee80211/ieee80211.h"
#include "base/test.h"
#include "decode/recorder.h"

#include <pcap/dlt.h>

using namespace catenary;
using decode::Recorder;
using decode::Tunnel;
using test::hex;

static const std::string kUdp = "4500001d00010000401100000c000201 c0000202 1388 0035 0009 0000 2a";

static const std::string kAddresses = "0000 020000000001 020000000002 020000000003 0000";
static const std::string kSnap = "aaaa03 000000 0800";
static const std::string kSubframe =
    "020000000001 020000000002 0025" + kSnap + kUdp;  // 14 and 37 bytes: one of padding

TEST(ieee80211, addresses_are_where_the_direction_puts_them) {
  const struct {
    const char* control;
    const char* more;
    int dst, src;
  } rows[] = {{"0800", "", 1, 2}, {"0801", "", 3, 2}, {"0802", "", 1, 3}, {"0803", "020000000004", 3, 4}};
  for (const auto& row : rows) {
    Recorder r;
    r.frame(DLT_IEEE802_11, hex(row.control + kAddresses + row.more + kSnap + kUdp));
    EXPECT_EQ(r.packets.size(), 1u);
    if (r.packets.empty()) continue;
    EXPECT_EQ(r.packets[0].dst_mac[5], row.dst);
    EXPECT_EQ(r.packets[0].src_mac[5], row.src);
  }
}

TEST(ieee80211, qos_with_and_without_ht_control) {
  for (const auto& [control, more] : {std::pair{"8801", "0000"}, std::pair{"8881", "0000 00000000"}}) {
    Recorder r;
    r.frame(DLT_IEEE802_11, hex(control + kAddresses + more + kSnap + kUdp));
    EXPECT_EQ(r.packets.size(), 1u);
  }
}

TEST(ieee80211, what_holds_no_clear_data_is_passed_over) {
  for (const char* control : {"8000", "b400", "4801", "0841", "8841"}) {  // beacon, RTS, null, protected
    Recorder r;
    r.frame(DLT_IEEE802_11, hex(control + kAddresses + "0000" + kSnap + kUdp));
    EXPECT(r.packets.empty() && r.weirds.empty());
  }
}

TEST(ieee80211, subframes_at_their_limit_one_below_one_above) {
  for (int n = ieee80211::kSubframesMax - 1; n <= ieee80211::kSubframesMax + 1; n++) {
    std::string data = "8801" + kAddresses + "8000";
    for (int i = 0; i < n; i++) data += (i ? "00" : "") + kSubframe;
    Recorder r;
    r.frame(DLT_IEEE802_11, hex(data));
    EXPECT_EQ(static_cast<int>(r.packets.size()), std::min(n, ieee80211::kSubframesMax));
    EXPECT(r.weirds.empty());
  }
}

TEST(ieee80211, an_aggregate_within_a_subframe_yields_one) {
  const std::string inner = "8801" + kAddresses + "8000" + kSubframe + "00" + kSubframe;
  const std::string gre = "4500 0000 0001 0000 40 2f 0000 0a000001 0a000002 0000 9000" + inner;
  const std::size_t length = hex(kSnap + gre).size();
  auto frame = hex("8801" + kAddresses + "8000 020000000001 020000000002 0000" + kSnap + gre);
  frame[26 + 12] = static_cast<std::uint8_t>(length >> 8);
  frame[26 + 13] = static_cast<std::uint8_t>(length);
  Recorder r;
  r.frame(DLT_IEEE802_11, frame);
  EXPECT_EQ(r.packets.size(), 1u);
}

TEST(ieee80211, cut_headers_and_subframes_are_weirds) {
  Recorder header, subframe;
  header.frame(DLT_IEEE802_11, hex("0803" + kAddresses + "0200000000"));
  EXPECT(header.is_weird(Weird::ieee80211_header_too_short));
  subframe.frame(DLT_IEEE802_11, hex("8801" + kAddresses + "8000 020000000001 020000000002 0026" + kSnap + kUdp));
  EXPECT(subframe.is_weird(Weird::ieee80211_aggregate_malformed));
}

TEST(ieee80211, radiotap_is_passed_over_by_its_length) {
  Recorder r;
  r.frame(DLT_IEEE802_11_RADIO, hex("0000 0c00 00000000 01020304 0801" + kAddresses + kSnap + kUdp));
  EXPECT_EQ(r.packets.size(), 1u);
  for (const char* head : {"0000 0700 00000000", "0100 0800 00000000", "0000 ffff 00000000", "0000 08"}) {
    Recorder bad;
    bad.frame(DLT_IEEE802_11_RADIO, hex(head));
    EXPECT(bad.is_weird(Weird::radiotap_header_malformed));
  }
}
