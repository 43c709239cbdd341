#include "base/test.h"
#include "decode/recorder.h"

#include <pcap/dlt.h>

using namespace catenary;
using decode::Recorder;
using decode::Tunnel;
using test::hex;

static const std::string kUdp = "4500001d00010000401100000c000201 c0000202 1388 0035 0009 0000 2a";
static const std::string kFrame = "020000000001 020000000002 0800" + kUdp;

TEST(mac_in_mac, the_inner_addresses_are_kept) {
  for (const char* tag : {"88e7 00000064", "8903 0140"}) {
    Recorder r;
    r.frame(DLT_EN10MB, hex("020000000011 020000000012" + std::string(tag) + kFrame));
    EXPECT_EQ(r.packets.size(), 1u);
    if (r.packets.empty()) continue;
    EXPECT_EQ(r.packets[0].src_mac[5], 2);
    EXPECT_EQ(r.packets[0].ip_proto, 17);
  }
}

TEST(mac_in_mac, a_cut_tag_is_a_weird) {
  for (const char* tag : {"88e7 000000", "8903 01"}) {
    Recorder r;
    r.frame(DLT_EN10MB, hex("020000000011 020000000012" + std::string(tag)));
    EXPECT(r.is_weird(Weird::mac_in_mac_tag_too_short));
  }
}
