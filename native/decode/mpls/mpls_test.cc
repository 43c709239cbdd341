#include "base/test.h"
#include "decode/recorder.h"

#include <pcap/dlt.h>

using namespace catenary;
using decode::Recorder;
using test::hex;

static const char* kUdp = "4500001d00010000401100000c000201 c0000202 1388 0035 0009 0000 2a";
static const char* kMacs = "020000000001 020000000002 ";

TEST(mpls, a_stack_ends_at_its_bottom_bit) {
  Recorder r;
  r.frame(DLT_EN10MB, hex(std::string(kMacs) + "8847 00010040 00020140" + kUdp));
  EXPECT_EQ(r.packets.size(), 1u);
}

TEST(mpls, a_pseudowire_carries_ethernet) {
  Recorder r;
  r.frame(DLT_EN10MB, hex(std::string(kMacs) + "8847 00010140 00000000" + kMacs + "0800" + kUdp));
  EXPECT_EQ(r.packets.size(), 1u);
}

TEST(mpls, a_stack_without_bottom_is_a_weird) {
  Recorder r;
  r.frame(DLT_EN10MB, hex(std::string(kMacs) + "8847 00010040 00020040"));
  EXPECT(r.is_weird(Weird::mpls_stack_too_short));
}
