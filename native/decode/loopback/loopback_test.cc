#include "base/test.h"
#include "decode/recorder.h"

#include <pcap/dlt.h>

using namespace catenary;
using decode::Recorder;
using test::hex;

static const char* kUdp = "4500001d00010000401100000c000201 c0000202 1388 0035 0009 0000 2a";

TEST(loopback, the_family_in_either_byte_order) {
  for (const char* family : {"00000002", "02000000"}) {
    Recorder r;
    r.frame(DLT_NULL, hex(std::string(family) + kUdp));
    EXPECT_EQ(r.packets.size(), 1u);
  }
}

TEST(loopback, ip6_has_a_number_per_system) {
  const std::string ip6 = "60000000 0000 3b 40 20010db8000000000000000000000001 20010db8000000000000000000000002";
  for (const char* family : {"0a000000", "18000000", "1c000000", "1e000000"}) {
    Recorder r;
    r.frame(DLT_LOOP, hex(family + ip6));
    EXPECT_EQ(r.packets.size(), 1u);
  }
}

TEST(loopback, a_short_header_is_a_weird) {
  Recorder r;
  r.frame(DLT_NULL, hex("020000"));
  EXPECT(r.is_weird(Weird::loopback_header_too_short));
}
