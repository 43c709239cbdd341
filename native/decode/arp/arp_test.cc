#include "base/test.h"
#include "decode/recorder.h"

#include <pcap/dlt.h>

using namespace catenary;
using decode::Recorder;
using test::hex;

static const char* kEther = "ffffffffffff 020000000001 0806";

TEST(arp, a_request) {
  Recorder r;
  r.frame(DLT_EN10MB, hex(std::string(kEther) + "0001 0800 06 04 0001 020000000001 c0000201 000000000000 c0000202"));
  EXPECT_EQ(r.arps.size(), 1u);
  EXPECT_EQ(r.arps[0].opcode, 1);
  EXPECT_EQ(r.arps[0].sender_ip.bytes[15], 1);
  EXPECT_EQ(r.arps[0].target_ip.bytes[15], 2);
  EXPECT(!r.arps[0].gratuitous);
  EXPECT(r.weirds.empty());
}

TEST(arp, an_announcement_is_gratuitous) {
  Recorder r;
  r.frame(DLT_EN10MB, hex(std::string(kEther) + "0001 0800 06 04 0001 020000000001 c0000201 000000000000 c0000201"));
  EXPECT(r.arps[0].gratuitous);
}

TEST(arp, a_sender_that_is_not_the_frames_source_is_weird_and_kept) {
  Recorder r;
  r.frame(DLT_EN10MB, hex(std::string(kEther) + "0001 0800 06 04 0002 0200000000ee c0000201 020000000001 c0000202"));
  EXPECT_EQ(r.arps.size(), 1u);
  EXPECT(r.weirds.size() == 1 && r.weirds[0] == Weird::arp_sender_mac_differs);
}

struct BadArp {
  const char* bytes;
  Weird weird;
};
TEST(arp, what_is_no_arp_for_ip4_is_a_weird) {
  const BadArp rows[] = {
      {"0001 0800 06 04 00", Weird::arp_truncated},
      {"0001 0800 06 04 0001 020000000001 c0000201 000000000000 c00002", Weird::arp_truncated},
      {"0020 0800 06 04 0001 020000000001 c0000201 000000000000 c0000202", Weird::arp_hardware_type_unknown},
      {"0001 86dd 06 04 0001 020000000001 c0000201 000000000000 c0000202", Weird::arp_protocol_type_unknown},
      {"0001 0800 ff ff 0001 020000000001 c0000201 000000000000 c0000202", Weird::arp_length_wrong},
  };
  for (const BadArp& row : rows) {
    Recorder r;
    r.frame(DLT_EN10MB, hex(std::string(kEther) + row.bytes));
    EXPECT(r.is_weird(row.weird) && r.arps.empty());
  }
}
