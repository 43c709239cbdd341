#include "decode/nflog/nflog.h"
#include "base/test.h"
#include "decode/recorder.h"

#include <pcap/dlt.h>

using namespace catenary;
using decode::Recorder;
using decode::Tunnel;
using test::hex;

static const std::string kUdp = "4500001d00010000401100000c000201 c0000202 1388 0035 0009 0000 2a";

TEST(nflog, the_payload_attribute_in_either_byte_order) {
  for (const char* head : {"0200 0000 0500 0a00 61000000 2100 0900", "0200 0000 0005 000a 61000000 0021 0009"}) {
    Recorder r;
    r.frame(DLT_NFLOG, hex(head + kUdp));
    EXPECT_EQ(r.packets.size(), 1u);
    if (!r.packets.empty()) EXPECT_EQ(r.packets[0].payload_len, 9u);
  }
}

TEST(nflog, attributes_at_their_limit_one_below_one_above) {
  for (int n = nflog::kAttributesMax - 1; n <= nflog::kAttributesMax + 1; n++) {
    std::string data = "0200 0000";
    for (int i = 1; i < n; i++) data += "0400 0a00";
    Recorder r;
    r.frame(DLT_NFLOG, hex(data + "2100 0900" + kUdp));
    EXPECT_EQ(r.packets.size(), n <= nflog::kAttributesMax ? 1u : 0u);
  }
}

TEST(nflog, a_length_that_cannot_be_is_a_weird) {
  for (const char* data : {"0201 0000", "0200 00", "0200 0000 0300 0900", "0200 0000 2100 0900 45"}) {
    Recorder r;
    r.frame(DLT_NFLOG, hex(data));
    EXPECT(r.is_weird(Weird::nflog_header_malformed));
  }
}
