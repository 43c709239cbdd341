#include "base/test.h"
#include "decode/recorder.h"

#include <pcap/dlt.h>

using namespace catenary;
using decode::Recorder;
using decode::Tunnel;
using test::hex;

static const std::string kUdp = "4500001d00010000401100000c000201 c0000202 1388 0035 0009 0000 2a";
static const std::string kFrame = "020000000001 020000000002 0800" + kUdp;

// An outer IPv4 header of protocol 47, length left to the frame, before `gre`.
static std::vector<std::uint8_t> outer(const std::string& gre) {
  return hex("4500 0000 0001 0000 40 2f 0000 0a000001 0a000002" + gre);
}

TEST(erspan, the_mirrored_frame_is_the_packet) {
  for (const std::string& gre : {std::string("0000 88be"), std::string("1000 88be 00000001 1065c00100084065"),
                                 std::string("1000 22eb 00000001 2065c001 00084065 00000000"),
                                 std::string("1000 22eb 00000001 2065c001 00084065 00000001 0102030405060708")}) {
    Recorder r;
    r.frame(DLT_RAW, outer(gre + kFrame));
    EXPECT_EQ(r.packets.size(), 1u);
    if (r.packets.empty()) continue;
    EXPECT(r.packets[0].tunnel == Tunnel::kErspan);
    EXPECT_EQ(r.packets[0].src_mac[5], 2);
  }
}

TEST(erspan, a_cut_header_is_a_weird) {
  for (const char* gre : {"1000 88be 00000001 1065c001000840", "1000 22eb 00000001 2065c001 00084065 000000",
                          "1000 22eb 00000001 2065c001 00084065 00000001 01020304050607"}) {
    Recorder r;
    r.frame(DLT_RAW, outer(gre));
    EXPECT(r.is_weird(Weird::erspan_header_too_short));
  }
}
