#include "base/test.h"
#include "decode/recorder.h"

#include <pcap/dlt.h>

using namespace catenary;
using decode::Recorder;
using decode::Tunnel;
using test::hex;

static const std::string kIp6 =
    "60000000 0009 1140 20010000000000000000000000000001 20010db8000000000000000000000002"
    "1388 0035 0009 0000 2a";

static const std::string kAuthentication = "0001 02 01 aabb cc 0102030405060708 00";
static const std::string kOrigin = "0000 f0f0 3fffffff";

TEST(teredo, with_and_without_indications) {
  for (const std::string& data : {kIp6, kOrigin + kIp6, kAuthentication + kIp6, kAuthentication + kOrigin + kIp6}) {
    Recorder r;
    EXPECT(r.udp(3544, hex(data)));
    EXPECT_EQ(r.packets.size(), 1u);
    if (!r.packets.empty()) EXPECT(r.packets[0].tunnel == Tunnel::kTeredo);
  }
}

TEST(teredo, indications_come_once_and_in_order) {
  for (const std::string& data : {kOrigin + kOrigin + kIp6, kOrigin + kAuthentication + kIp6,
                                  std::string("0001 ffff 00"), std::string("0000 f0f0"), std::string("4500")}) {
    Recorder r;
    EXPECT(!r.udp(3544, hex(data)));
    EXPECT(r.is_weird(Weird::teredo_header_malformed));
  }
}

TEST(teredo, a_bubble_is_no_flow) {
  Recorder r;
  EXPECT(r.udp(3544, hex("60000000 0000 3b40 20010000000000000000000000000001 20010db8000000000000000000000002 ffff")));
  EXPECT(r.packets.empty() && r.weirds.empty());
}

TEST(teredo, the_length_must_be_what_is_left) {
  Recorder r;
  EXPECT(!r.udp(3544, hex(kIp6 + "00")));
  EXPECT(r.is_weird(Weird::teredo_header_malformed));
}

TEST(teredo, between_clients_the_address_tells) {
  Recorder r, no_prefix;
  EXPECT(r.udp(40000, hex(kIp6)));
  EXPECT_EQ(r.packets.size(), 1u);
  std::string plain = kIp6;
  plain.replace(plain.find("20010000"), 8, "20010001");
  EXPECT(!no_prefix.udp(40000, hex(plain)));
  EXPECT(no_prefix.packets.empty() && no_prefix.weirds.empty());
}
