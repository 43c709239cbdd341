#include "base/test.h"
#include "decode/recorder.h"

#include <pcap/dlt.h>

using namespace catenary;
using decode::Recorder;
using decode::Tunnel;
using test::hex;

static const std::string kUdp = "4500001d00010000401100000c000201 c0000202 1388 0035 0009 0000 2a";

TEST(hdlc, ip_by_its_ethernet_type) {
  Recorder r, keepalive, cut;
  r.frame(DLT_C_HDLC, hex("0f00 0800" + kUdp));
  EXPECT_EQ(r.packets.size(), 1u);
  keepalive.frame(DLT_C_HDLC, hex("8f00 8035 00000002"));
  EXPECT(keepalive.packets.empty() && keepalive.weirds.empty());
  cut.frame(DLT_C_HDLC, hex("0f00 08"));
  EXPECT(cut.is_weird(Weird::hdlc_header_too_short));
}
