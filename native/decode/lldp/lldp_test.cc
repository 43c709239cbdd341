// IEEE 802.1AB-2016, clause 8: the elements, what must be there, what contradicts itself.
#include "decode/lldp/lldp.h"

#include <pcap/dlt.h>

#include "base/test.h"
#include "decode/recorder.h"

using namespace catenary;
using decode::Recorder;
using test::hex;

namespace {

const std::string kHead = "0180c200000e 020000000001 88cc ";
const std::string kChassis = "0207 04 020000000001";  // a MAC address
const std::string kPort = "0405 05 65746830";         // interface eth0
const std::string kTtl = "0602 0078";
const std::string kMandatory = kChassis + kPort + kTtl;

Recorder read(const std::string& elements) {
  Recorder r;
  r.frame(DLT_EN10MB, hex(kHead + elements));
  return r;
}
bool is_only(const Recorder& r, Weird w) { return r.weirds.size() == 1 && r.weirds[0] == w; }

}  // namespace

TEST(lldp, a_device_says_what_it_is) {
  const Recorder r = read(kMandatory +
                          "0806 75706c696e6b"  // uplink
                          "0a03 737731"        // sw1
                          "0c05 4c696e7578"    // Linux
                          "0e04 0014 0004"     // bridge and router, bridge enabled
                          "100c 05 01 c0000207 02 00000002 00"
                          "1018 11 02 20010db8000000000000000000000007 02 00000002 00"
                          "fe06 0080c2 01 002a"  // port VLAN 42
                          "fe05 00120f 01 03"    // IEEE 802.3: passed over
                          "0000 ffffffff");
  EXPECT(r.weirds.empty());
  EXPECT_EQ(r.neighbours.size(), 1u);
  EXPECT_EQ(r.neighbours[0],
            R"("protocol":"lldp","hw_src_mac":"02:00:00:00:00:01","hw_dst_mac":"01:80:c2:00:00:0e",)"
            R"("chassis_id":"02:00:00:00:00:01","chassis_id_type":"mac_address","port_id":"eth0",)"
            R"("port_id_type":"interface_name","ttl":120,"port_description":"uplink","system_name":"sw1",)"
            R"("system_description":"Linux","capabilities":["bridge","router"],"enabled":["bridge"],)"
            R"("management_addresses":["192.0.2.7","2001:db8::7"],"port_vlan":42)");
}

TEST(lldp, identifiers_that_are_addresses_are_spelled_out) {
  const Recorder r = read("0206 05 01 c0000207" + std::string("0404 07 414243") + kTtl);
  EXPECT_HAS(r.neighbours[0], R"("chassis_id":"192.0.2.7","chassis_id_type":"network_address")");
  EXPECT_HAS(r.neighbours[0], R"("port_id":"ABC","port_id_type":"local")");
  // A family and a length that do not belong together: as it came.
  EXPECT_HAS(read("0205 05 01 616263" + kPort + kTtl).neighbours[0], R"("chassis_id":"abc")");
  // No such kind.
  EXPECT_HAS(read("0204 09 616263" + kPort + kTtl).neighbours[0], R"("chassis_id":"abc","port_id")");
}

TEST(lldp, the_three_come_first_or_there_is_no_device) {
  const std::string rows[] = {"",
                              "0000",
                              kChassis,
                              kChassis + kPort,
                              kPort + kChassis + kTtl,
                              kChassis + kTtl + kPort,
                              kChassis + kPort + "0000",
                              "0a03 737731" + kMandatory};
  for (const std::string& elements : rows) {
    const Recorder r = read(elements);
    EXPECT(r.neighbours.empty());
    EXPECT(is_only(r, Weird::lldp_mandatory_missing));
  }
}

TEST(lldp, cut_anywhere_the_weird_says_so_and_the_rest_is_kept) {
  const auto whole = hex(kHead + kMandatory + "0a03 737731");
  const std::size_t least = 14 + hex(kMandatory).size();
  for (std::size_t n = 15; n < whole.size(); n++) {
    Recorder r;
    r.frame(DLT_EN10MB, Bytes(whole).first(n));
    EXPECT_EQ(r.neighbours.size(), n >= least ? 1u : 0u);
    EXPECT_EQ(r.weirds.empty(), n == least);
  }
}

TEST(lldp, an_element_shorter_than_its_kind_or_sent_twice_is_a_weird) {
  EXPECT(is_only(read(kMandatory + "0e03 001400"), Weird::lldp_tlv_malformed));
  EXPECT(is_only(read(kMandatory + "1008 05 01 c0000207 0200"), Weird::lldp_tlv_malformed));
  const Recorder twice = read(kMandatory + "0a03 737731 0a03 737732");
  EXPECT(is_only(twice, Weird::lldp_tlv_repeated));
  EXPECT_HAS(twice.neighbours[0], R"("system_name":"sw1")");
}

// Eight management addresses are kept: one less, all, one more.
TEST(lldp, addresses_are_limited) {
  for (const std::size_t n : {7u, 8u, 9u}) {
    std::string elements = kMandatory;
    for (std::size_t i = 0; i < n; i++) elements += "100c 05 01 c0000207 02 00000002 00";
    const std::string told = read(elements).neighbours[0];
    std::size_t found = 0;
    for (std::size_t at = told.find("192.0.2.7"); at != std::string::npos; at = told.find("192.0.2.7", at + 1)) found++;
    EXPECT_EQ(found, n < 8 ? n : 8u);
  }
}
