#include "base/test.h"
#include "decode/recorder.h"

using namespace catenary;
using decode::Recorder;
using test::hex;

static const char* kUdp = "4500001d00010000401100000c000201 c0000202 1388 0035 0009 0000 2a";
static const char* kMacs = "020000000001 020000000002 ";

TEST(tzsp, an_ethernet_frame_behind_tagged_fields) {
  for (const char* head : {"0100 0001 01", "0100 0001 00 0a01c4 00 01"}) {
    Recorder r;
    EXPECT(r.udp(37008, hex(head + std::string(kMacs) + "0800" + kUdp)));
    EXPECT_EQ(r.packets.size(), 1u);
    if (!r.packets.empty()) EXPECT(r.packets[0].tunnel == decode::Tunnel::kTzsp);
  }
}

TEST(tzsp, keep_alives_carry_no_frame) {
  Recorder r;
  EXPECT(!r.udp(37008, hex("0104 0000")));
  EXPECT(r.packets.empty() && r.weirds.empty());
}

TEST(tzsp, fields_without_end_and_other_versions_are_weirds) {
  for (const char* bad : {"0200 0001 01", "0100 0001", "0100 0001 00", "0100 0001 0a", "0100 0001 0a05 01"}) {
    Recorder r;
    EXPECT(!r.udp(37008, hex(bad)));
    EXPECT(r.is_weird(Weird::tzsp_header_malformed));
  }
}
