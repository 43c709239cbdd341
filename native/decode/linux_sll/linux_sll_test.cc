#include "base/test.h"
#include "decode/recorder.h"

#include <pcap/dlt.h>

using namespace catenary;
using decode::Recorder;
using test::hex;

static const char* kUdp = "4500001d00010000401100000c000201 c0000202 1388 0035 0009 0000 2a";

TEST(linux_sll, version_1_keeps_the_senders_address) {
  Recorder r;
  r.frame(DLT_LINUX_SLL, hex(std::string("0000 0001 0006 020000000009 0000 0800") + kUdp));
  EXPECT_EQ(r.packets.size(), 1u);
  EXPECT_EQ(r.packets[0].src_mac[5], 9);
}

TEST(linux_sll, version_2) {
  Recorder r;
  r.frame(DLT_LINUX_SLL2, hex(std::string("0800 0000 00000002 0001 00 06 020000000009 0000") + kUdp));
  EXPECT_EQ(r.packets.size(), 1u);
}

TEST(linux_sll, netlink_is_no_ethernet_type) {
  Recorder r;
  r.frame(DLT_LINUX_SLL, hex(std::string("0004 0338 0000 0000000000000000 0800") + kUdp));
  EXPECT(r.packets.empty() && r.weirds.empty());
}

TEST(linux_sll, short_headers_are_weirds) {
  Recorder one, two;
  one.frame(DLT_LINUX_SLL, hex("0000 0001 0006 020000000009 0000 08"));
  EXPECT(one.is_weird(Weird::linux_sll_header_too_short));
  two.frame(DLT_LINUX_SLL2, hex("0800 0000 00000002 0001 00 06 020000000009 00"));
  EXPECT(two.is_weird(Weird::linux_sll_header_too_short));
}
