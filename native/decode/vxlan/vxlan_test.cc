#include "base/test.h"
#include "decode/recorder.h"

#include <pcap/dlt.h>

using namespace catenary;
using decode::Recorder;
using decode::Tunnel;
using test::hex;

static const std::string kUdp = "4500001d00010000401100000c000201 c0000202 1388 0035 0009 0000 2a";
static const std::string kFrame = "020000000001 020000000002 0800" + kUdp;

TEST(vxlan, the_frame_inside_is_a_packet) {
  for (const char* head : {"08000000 00002a00", "88ffffff 00002aff"}) {  // reserved bits say nothing
    Recorder r;
    EXPECT(r.udp(4789, hex(head + kFrame)));
    EXPECT_EQ(r.packets.size(), 1u);
    EXPECT_EQ(r.packets[0].ip_proto, 17);
    EXPECT(r.packets[0].tunnel == Tunnel::kVxlan);
    EXPECT_EQ(r.packets[0].src_mac[5], 2);
  }
}

TEST(vxlan, only_the_inner_tag_is_kept) {
  Recorder r;
  decode::Packet outer;
  outer.vlan = 7;
  outer.vlan_tags = 1;
  EXPECT(r.udp(4789, hex("08000000 00002a00 020000000001 020000000002 8100 0064 0800" + kUdp), outer));
  EXPECT_EQ(r.packets.at(0).vlan, 100);
  EXPECT_EQ(r.packets.at(0).vlan_tags, 1);
}

TEST(vxlan, no_identifier_or_a_cut_header_is_a_weird) {
  for (const std::string& data : {"00000000 00002a00" + kFrame, std::string("08000000 00002a")}) {
    Recorder r;
    EXPECT(!r.udp(4789, hex(data)));
    EXPECT(r.is_weird(Weird::vxlan_header_malformed));
  }
}

TEST(vxlan, another_port_is_no_tunnel) {
  Recorder r;
  EXPECT(!r.udp(4790, hex("08000000 00002a00" + kFrame)));
  EXPECT(r.packets.empty() && r.weirds.empty());
}

// At the limit, one below, one above: the tunnel counts one, and so do the frame, IPv4 and its payload.
TEST(vxlan, the_depth_of_the_outer_packet_counts) {
  for (int depth = decode::Decoder::kDepthMax - 5; depth <= decode::Decoder::kDepthMax - 3; depth++) {
    Recorder r;
    decode::Packet outer;
    outer.depth = static_cast<std::uint8_t>(depth);
    r.udp(4789, hex("08000000 00002a00" + kFrame), outer);
    EXPECT_EQ(r.packets.size(), depth + 4 <= decode::Decoder::kDepthMax ? 1u : 0u);
    EXPECT_EQ(r.weirds.size(), depth + 4 <= decode::Decoder::kDepthMax ? 0u : 1u);
  }
}
