#include "base/test.h"
#include "decode/recorder.h"

#include <pcap/dlt.h>

using namespace catenary;
using decode::Recorder;
using test::hex;

static const char* kUdp = "4500001d00010000401100000c000201 c0000202 1388 0035 0009 0000 2a";
static const char* kMacs = "020000000001 020000000002 ";

TEST(vlan, one_tag) {
  Recorder r;
  r.frame(DLT_EN10MB, hex(std::string(kMacs) + "8100 2064 0800" + kUdp));
  EXPECT_EQ(r.packets.size(), 1u);
  EXPECT_EQ(r.packets[0].vlan, 100);
  EXPECT_EQ(r.packets[0].vlan_tags, 1);
}

TEST(vlan, the_outer_two_of_three_tags_are_kept) {
  Recorder r;
  r.frame(DLT_EN10MB, hex(std::string(kMacs) + "88a8 0001 8100 0002 8100 0003 0800" + kUdp));
  EXPECT_EQ(r.packets.size(), 1u);
  EXPECT_EQ(r.packets[0].vlan, 1);
  EXPECT_EQ(r.packets[0].inner_vlan, 2);
  EXPECT_EQ(r.packets[0].vlan_tags, 3);
}

TEST(vlan, a_cut_tag_is_a_weird) {
  Recorder r;
  r.frame(DLT_EN10MB, hex(std::string(kMacs) + "8100 2064 08"));
  EXPECT(r.is_weird(Weird::vlan_tag_too_short));
}

// At the limit, one below, one above: an Ethernet frame may hold kDepthMax headers after its own.
TEST(vlan, a_stack_of_tags_ends_at_the_depth_limit) {
  for (int tags : {decode::Decoder::kDepthMax - 3, decode::Decoder::kDepthMax - 2, decode::Decoder::kDepthMax - 1}) {
    std::string frame = std::string(kMacs) + "8100";
    for (int i = 1; i < tags; i++) frame += "0001 8100";
    frame += "0001 0800";
    Recorder r;
    r.frame(DLT_EN10MB, hex(frame + kUdp));
    // tags, IPv4 and its payload each count one
    const bool fits = tags + 2 <= decode::Decoder::kDepthMax;
    EXPECT_EQ(r.packets.size(), fits ? 1u : 0u);
    if (!fits) EXPECT(r.is_weird(Weird::decode_too_many_headers));
  }
}
