#include "base/test.h"
#include "decode/recorder.h"

#include <pcap/dlt.h>

using namespace catenary;
using decode::Recorder;
using test::hex;

// A UDP packet 192.0.2.1:5000 -> 192.0.2.2:53 with one byte of payload.
static const char* kUdp = "4500001d00010000401100000c000201 c0000202 1388 0035 0009 0000 2a";

TEST(ethernet, ethernet_ii_carries_ip) {
  Recorder r;
  r.frame(DLT_EN10MB, hex(std::string("020000000001 020000000002 0800") + kUdp));
  EXPECT_EQ(r.packets.size(), 1u);
  EXPECT(r.packets[0].has_macs);
  EXPECT_EQ(r.packets[0].dst_mac[5], 1);
  EXPECT_EQ(r.packets[0].src_mac[5], 2);
  EXPECT_EQ(r.packets[0].ip_proto, 17);
}

TEST(ethernet, llc_snap_carries_ip) {
  Recorder r;
  r.frame(DLT_EN10MB, hex(std::string("020000000001 020000000002 0025 aaaa03 000000 0800") + kUdp));
  EXPECT_EQ(r.packets.size(), 1u);
}

TEST(ethernet, other_llc_is_passed_over) {
  Recorder r;
  r.frame(DLT_EN10MB, hex("0180c2000000 020000000002 0008 424203 0000000000"));  // spanning tree
  EXPECT(r.packets.empty() && r.weirds.empty());
}

TEST(ethernet, every_short_header_is_a_weird) {
  const auto whole = hex("020000000001 020000000002 0800");
  for (std::size_t n = 0; n < 14; n++) {
    Recorder r;
    r.frame(DLT_EN10MB, Bytes(whole).first(n));
    EXPECT(r.is_weird(Weird::ethernet_header_too_short));
  }
}
