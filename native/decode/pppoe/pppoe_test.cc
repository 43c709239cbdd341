#include "base/test.h"
#include "decode/recorder.h"

#include <pcap/dlt.h>

using namespace catenary;
using decode::Recorder;
using test::hex;

static const char* kUdp = "4500001d00010000401100000c000201 c0000202 1388 0035 0009 0000 2a";
static const char* kMacs = "020000000001 020000000002 ";

TEST(pppoe, a_session_carries_ip) {
  Recorder r;
  r.frame(DLT_EN10MB, hex(std::string(kMacs) + "8864 11 00 0001 001f 0021" + kUdp));
  EXPECT_EQ(r.packets.size(), 1u);
}

TEST(pppoe, ppp_with_and_without_hdlc_bytes_and_compressed_protocol) {
  for (const char* head : {"ff03 0021", "0021", "21"}) {
    Recorder r;
    r.frame(DLT_PPP, hex(std::string(head) + kUdp));
    EXPECT_EQ(r.packets.size(), 1u);
  }
}

TEST(pppoe, wrong_version_and_cut_headers_are_weirds) {
  Recorder version, cut, ppp;
  version.frame(DLT_EN10MB, hex(std::string(kMacs) + "8864 21 00 0001 001f 0021" + kUdp));
  EXPECT(version.is_weird(Weird::pppoe_header_malformed));
  cut.frame(DLT_EN10MB, hex(std::string(kMacs) + "8864 11 00 0001 00"));
  EXPECT(cut.is_weird(Weird::pppoe_header_malformed));
  ppp.frame(DLT_PPP, hex("ff03 00"));
  EXPECT(ppp.is_weird(Weird::ppp_header_too_short));
}

TEST(pppoe, mpls_over_ppp) {
  Recorder r;
  r.frame(DLT_PPP, hex("ff03 0281 18960101 4500001d00010000401100000c000201 c0000202 1388 0035 0009 0000 2a"));
  EXPECT_EQ(r.packets.size(), 1u);
}
