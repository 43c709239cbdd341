#include "base/test.h"
#include "decode/recorder.h"

using namespace catenary;
using decode::Recorder;
using test::hex;

static const char* kUdp = "4500001d00010000401100000c000201 c0000202 1388 0035 0009 0000 2a";

TEST(l2tp, a_data_message_carries_ppp) {
  // plain; with length, sequence numbers and two bytes of padding
  for (const char* head : {"0002 0001 0002 ff03 0021", "4a02 002f 0001 0002 0001 0000 0002 0000 0021"}) {
    Recorder r;
    EXPECT(r.udp(1701, hex(std::string(head) + kUdp)));
    EXPECT_EQ(r.packets.size(), 1u);
    if (!r.packets.empty()) EXPECT(r.packets[0].tunnel == decode::Tunnel::kL2tp);
  }
}

TEST(l2tp, control_messages_and_version_3_carry_no_packet) {
  for (const char* other : {"c802 000c 0000 0000 0000 0000", "0003 0000 00000001", "00"}) {
    Recorder r;
    EXPECT(!r.udp(1701, hex(other)));
    EXPECT(r.packets.empty() && r.weirds.empty());
  }
}

// The length is one less than, equal to, and one more than what is there; then padding past the end, then a cut header.
TEST(l2tp, what_contradicts_itself_is_a_weird) {
  EXPECT(Recorder().udp(1701, hex("4002 0009 0001 0002 21")));
  for (const char* bad :
       {"4002 000a 0001 0002 21", "4002 0007 0001 0002 21", "0202 0001 0002 0005 2145", "0002 0001 00"}) {
    Recorder r;
    EXPECT(!r.udp(1701, hex(bad)));
    EXPECT(r.is_weird(Weird::l2tp_header_malformed));
  }
}
