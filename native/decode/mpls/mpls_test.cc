#include "base/test.h"
#include "decode/recorder.h"

#include <pcap/dlt.h>

using namespace catenary;
using decode::Recorder;
using test::hex;

static const char* kUdp = "4500001d00010000401100000c000201 c0000202 1388 0035 0009 0000 2a";
static const char* kMacs = "020000000001 020000000002 ";

TEST(mpls, a_stack_ends_at_its_bottom_bit) {
  Recorder r;
  r.frame(DLT_EN10MB, hex(std::string(kMacs) + "8847 00010040 00020140" + kUdp));
  EXPECT_EQ(r.packets.size(), 1u);
}

TEST(mpls, a_pseudowire_carries_ethernet) {
  Recorder r;
  r.frame(DLT_EN10MB, hex(std::string(kMacs) + "8847 00010140 00000000" + kMacs + "0800" + kUdp));
  EXPECT_EQ(r.packets.size(), 1u);
}

TEST(mpls, a_stack_without_bottom_is_a_weird) {
  Recorder r;
  r.frame(DLT_EN10MB, hex(std::string(kMacs) + "8847 00010040 00020040"));
  EXPECT(r.is_weird(Weird::mpls_stack_too_short));
}

TEST(mpls, a_pseudowire_without_control_word_is_known_by_its_frame) {
  const std::pair<const char*, std::size_t> rows[] = {
      {"3c0000000001 3c0000000002 0800", 1},
      {"3c0000000001 3d0000000002 0800", 0},  // sent by a group
      {"3c0000000001 000000000000 0800", 0},
      {"3c0000000001 3c0000000002 88b5", 0},
  };
  for (const auto& [head, packets] : rows) {
    Recorder r;
    r.frame(DLT_EN10MB, hex(std::string(kMacs) + "8847 00010140" + head + kUdp));
    EXPECT_EQ(r.packets.size(), packets);
    EXPECT(r.weirds.empty());
  }
}

// RFC 4385, 6: 0021 is IPv4; other channels of a pseudowire (BFD, ping) are not read.
TEST(mpls, an_associated_channel_may_carry_ip) {
  for (const auto& [type, packets] :
       std::initializer_list<std::pair<const char*, std::size_t>>{{"0021", 1}, {"0007", 0}}) {
    Recorder r;
    r.frame(DLT_EN10MB, hex(std::string(kMacs) + "8847 00010140 1000" + type + kUdp));
    EXPECT_EQ(r.packets.size(), packets);
    EXPECT(r.weirds.empty());
  }
}
