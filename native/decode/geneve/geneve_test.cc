#include "base/test.h"
#include "decode/recorder.h"

#include <pcap/dlt.h>

using namespace catenary;
using decode::Recorder;
using decode::Tunnel;
using test::hex;

static const std::string kUdp = "4500001d00010000401100000c000201 c0000202 1388 0035 0009 0000 2a";
static const std::string kFrame = "020000000001 020000000002 0800" + kUdp;
static const std::string kIp6 =
    "60000000 0009 1140 20010000000000000000000000000001 20010db8000000000000000000000002"
    "1388 0035 0009 0000 2a";

TEST(geneve, ethernet_and_ip_inside) {
  for (const std::string& data :
       {"0000 6558 00002a00" + kFrame, "0040 0800 00002a00" + kUdp, "0000 86dd 00002a00" + kIp6}) {
    Recorder r;
    EXPECT(r.udp(6081, hex(data)));
    EXPECT_EQ(r.packets.size(), 1u);
    if (!r.packets.empty()) EXPECT(r.packets[0].tunnel == Tunnel::kGeneve);
  }
}

TEST(geneve, options_are_passed_over_up_to_their_longest) {
  for (const std::size_t words : {1u, 62u, 63u}) {
    const char digits[] = "0123456789abcdef";
    std::string data = {digits[words >> 4], digits[words & 15]};
    data += "00 6558 00002a00";
    for (std::size_t i = 0; i < words; i++) data += "01020300";
    Recorder r, cut;
    EXPECT(r.udp(6081, hex(data + kFrame)));
    EXPECT_EQ(r.packets.size(), 1u);
    auto bytes = hex(data);
    bytes.pop_back();
    EXPECT(!cut.udp(6081, bytes));
    EXPECT(cut.is_weird(Weird::geneve_header_malformed));
  }
}

TEST(geneve, another_version_is_a_weird) {
  Recorder r;
  EXPECT(!r.udp(6081, hex("4000 6558 00002a00" + kFrame)));
  EXPECT(r.is_weird(Weird::geneve_header_malformed));
}
