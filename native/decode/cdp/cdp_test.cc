#include "decode/cdp/cdp.h"

#include <pcap/dlt.h>

#include "base/test.h"
#include "decode/recorder.h"

using namespace catenary;
using decode::Recorder;
using test::hex;

namespace {

// In SNAP; the length is not what is tested here.
Recorder read(const std::string& message) {
  const auto body = hex("aaaa03 00000c 2000 " + message);
  auto frame = hex("01000ccccccc 020000000001 0000");
  frame[12] = static_cast<std::uint8_t>(body.size() >> 8);
  frame[13] = static_cast<std::uint8_t>(body.size());
  frame.insert(frame.end(), body.begin(), body.end());
  Recorder r;
  r.frame(DLT_EN10MB, frame);
  return r;
}
bool is_only(const Recorder& r, Weird w) { return r.weirds.size() == 1 && r.weirds[0] == w; }

const std::string kHead = "02 b4 0000 ";
const std::string kDevice = "0001 0007 737731 ";

}  // namespace

TEST(cdp, a_device_says_what_it_is) {
  const Recorder r = read(kHead + kDevice +
                          "0002 002d 00000002 01 01 cc 0004 c0000207 "
                          "02 08 aaaa0300000086dd 0010 20010db8000000000000000000000007 "
                          "0003 0008 47693031 0004 0008 00000029 0005 0007 494f53 0006 0008 63323936 "
                          "0009 0006 6c61 000a 0006 002a 000b 0005 01 "
                          "0016 0011 00000001 01 01 cc 0004 c0000207 0fff 0005 00");
  EXPECT(r.weirds.empty());
  EXPECT_EQ(r.neighbours[0],
            R"("protocol":"cdp","hw_src_mac":"02:00:00:00:00:01","hw_dst_mac":"01:00:0c:cc:cc:cc",)"
            R"("chassis_id":"sw1","port_id":"Gi01","ttl":180,"system_name":"sw1","system_description":"IOS",)"
            R"("platform":"c296","capabilities":["router","switch","igmp"],"enabled":[],)"
            R"("management_addresses":["192.0.2.7","2001:db8::7"],"port_vlan":42,"vtp_domain":"la","duplex":"full")");
}

TEST(cdp, a_name_of_its_own_goes_before_the_device_id) {
  EXPECT_HAS(read(kHead + kDevice + "0014 0006 6869").neighbours[0], R"("chassis_id":"sw1")");
  EXPECT_HAS(read(kHead + kDevice + "0014 0006 6869").neighbours[0], R"("system_name":"hi")");
}

TEST(cdp, what_contradicts_itself_is_a_weird) {
  EXPECT(is_only(read("02 b4 00"), Weird::cdp_header_malformed));
  EXPECT(is_only(read("00 b4 0000 " + kDevice), Weird::cdp_header_malformed));
  EXPECT(is_only(read("03 b4 0000 " + kDevice), Weird::cdp_header_malformed));
  EXPECT(is_only(read(kHead), Weird::cdp_device_missing));
  EXPECT(is_only(read(kHead + "0003 0008 47693031"), Weird::cdp_device_missing));
  for (const char* element : {"0003 0003", "0003 0009 47693031", "0004 0007 000000", "000a 0005 00", "000b 0004", "00",
                              "0002 000f 00000001 01 01 cc 0008 c0 00"}) {
    const Recorder r = read(kHead + kDevice + element);
    EXPECT(is_only(r, Weird::cdp_tlv_malformed));
    EXPECT_EQ(r.neighbours.size(), 1u);
  }
}

// Eight addresses are kept: one less, all, one more. The number of addresses may lie: the element ends the walk.
TEST(cdp, addresses_are_limited) {
  for (const std::uint8_t n : {std::uint8_t{7}, std::uint8_t{8}, std::uint8_t{9}}) {
    std::string list = "ffffffff";
    for (int i = 0; i < n; i++) list += "0101cc0004c00002" + std::string(i < 10 ? "0" : "") + std::to_string(i);
    const std::size_t length = 4 + list.size() / 2;
    constexpr std::string_view kDigits = "0123456789abcdef";
    const std::string told =
        read(kHead + kDevice + "0002 00" + kDigits[length / 16 % 16] + kDigits[length % 16] + list).neighbours[0];
    std::size_t found = 0;
    for (std::size_t at = told.find("192.0.2."); at != std::string::npos; at = told.find("192.0.2.", at + 1)) found++;
    EXPECT_EQ(found, n < 8 ? n : 8u);
  }
}
