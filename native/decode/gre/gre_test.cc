#include "base/test.h"
#include "decode/recorder.h"

#include <pcap/dlt.h>

using namespace catenary;
using decode::Recorder;
using test::hex;

static const char* kUdp = "4500001d00010000401100000c000201 c0000202 1388 0035 0009 0000 2a";

// An outer IPv4 header of protocol 47 before `gre`.
static std::vector<std::uint8_t> outer(const std::string& gre) {
  const std::size_t total = 20 + hex(gre).size();
  auto b = hex("4500 0000 0001 0000 40 2f 0000 0a000001 0a000002");
  b[2] = static_cast<std::uint8_t>(total >> 8);
  b[3] = static_cast<std::uint8_t>(total);
  const auto rest = hex(gre);
  b.insert(b.end(), rest.begin(), rest.end());
  return b;
}

TEST(gre, the_flow_is_the_inner_one) {
  for (const char* head :
       {"0000 0800", "2000 0800 00000001", "3000 0800 00000001 00000002", "b000 0800 12340000 00000001 00000002"}) {
    Recorder r;
    r.frame(DLT_RAW, outer(std::string(head) + kUdp));
    EXPECT_EQ(r.packets.size(), 1u);
    if (r.packets.empty()) continue;
    EXPECT_EQ(r.packets[0].ip_proto, 17);
    EXPECT(r.packets[0].tunnel == decode::Tunnel::kGre);
  }
}

TEST(gre, pptp_and_bridged_ethernet) {
  Recorder pptp, bridged;
  pptp.frame(DLT_RAW, outer(std::string("3081 880b 00210001 00000001 00000002 ff03 0021") + kUdp));
  EXPECT_EQ(pptp.packets.size(), 1u);
  bridged.frame(DLT_RAW, outer(std::string("2000 6558 00000001 020000000001 020000000002 0800") + kUdp));
  EXPECT_EQ(bridged.packets.size(), 1u);
}

TEST(gre, what_cannot_be_followed_is_a_weird) {
  Recorder version, cut, routed;
  version.frame(DLT_RAW, outer("0002 0800"));
  EXPECT(version.is_weird(Weird::gre_header_malformed));
  cut.frame(DLT_RAW, outer("2000 0800 0000"));
  EXPECT(cut.is_weird(Weird::gre_header_malformed));
  routed.frame(DLT_RAW, outer("4000 0800 00000000"));
  EXPECT(routed.is_weird(Weird::gre_source_routed));
}

TEST(gre, tunnels_within_tunnels_end_at_the_depth_limit) {
  std::string gre = std::string("0000 0800") + kUdp;
  std::vector<std::uint8_t> frame;
  for (int i = 0; i < 20; i++) {
    frame = outer(gre);
    gre = "0000 0800";
    char digits[3];
    for (const std::uint8_t b : frame) {
      std::snprintf(digits, sizeof digits, "%02x", b);
      gre += digits;
    }
  }
  Recorder r;
  r.frame(DLT_RAW, frame);
  EXPECT(r.is_weird(Weird::decode_too_many_headers));
}

TEST(gre, aruba_frames_of_802_11) {
  Recorder r;
  const std::string frame = "0802 0000 020000000001 020000000002 020000000003 0000 aaaa03 000000 0800";
  r.frame(DLT_RAW, outer("0000 8210" + frame + kUdp));
  EXPECT_EQ(r.packets.size(), 1u);
}
