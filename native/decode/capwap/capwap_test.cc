#include "base/test.h"
#include "decode/recorder.h"

using namespace catenary;
using decode::Recorder;
using test::hex;

static const char* kUdp = "4500001d00010000401100000c000201 c0000202 1388 0035 0009 0000 2a";
static const char* kMacs = "020000000001 020000000002 ";

TEST(capwap, an_ethernet_frame) {
  Recorder r;
  EXPECT(r.udp(5247, hex("00100200 00000000" + std::string(kMacs) + "0800" + kUdp)));
  EXPECT_EQ(r.packets.size(), 1u);
  if (!r.packets.empty()) EXPECT(r.packets[0].tunnel == decode::Tunnel::kCapwap);
}

TEST(capwap, an_80211_frame_behind_an_optional_radio_address) {
  Recorder r;  // five words of header; data frame, LLC/SNAP
  const std::string radio = "06 0200000000ff 00 00000000";
  EXPECT(r.udp(5247, hex("00280310 00000000" + radio + "0801 0000 020000000001 020000000002 020000000003 0000" +
                         "aaaa03 000000 0800" + kUdp)));
  EXPECT_EQ(r.packets.size(), 1u);
}

TEST(capwap, what_is_encrypted_fragmented_or_kept_alive_carries_no_packet) {
  for (const char* other : {"01000000 16", "00100280 00010000 00", "00100208 00000000 00"}) {
    Recorder r;
    EXPECT(!r.udp(5247, hex(other)));
    EXPECT(r.packets.empty() && r.weirds.empty());
  }
}

TEST(capwap, other_versions_and_cut_headers_are_weirds) {
  for (const char* bad : {"10100200 00000000", "00080200 00000000", "00180200 00000000", "001002"}) {
    Recorder r;
    EXPECT(!r.udp(5247, hex(bad)));
    EXPECT(r.is_weird(Weird::capwap_header_malformed));
  }
}
