#include "decode/udp_lite/udp_lite.h"

#include "base/test.h"

using namespace catenary;
using test::hex;

TEST(udp_lite, ports_and_length) {
  udp_lite::Datagram d;
  EXPECT(udp_lite::parse(Cursor(hex("1388 0035 0008 1234 2a2a")), 10, d));
  EXPECT_EQ(d.src_port, 5000);
  EXPECT_EQ(d.dst_port, 53);
  EXPECT_EQ(d.checksum, 0x1234);
  EXPECT_EQ(d.len, 2u);
  EXPECT(!d.is_coverage_wrong);
}

// RFC 3828, 3.1: 0 stands for all; 1 to 7 and more than there is are invalid.
TEST(udp_lite, the_coverage_is_within_the_datagram) {
  for (const auto& [coverage, is_wrong] : std::initializer_list<std::pair<const char*, bool>>{
           {"0000", false}, {"0001", true}, {"0007", true}, {"0008", false}, {"000a", false}, {"000b", true}}) {
    udp_lite::Datagram d;
    EXPECT(udp_lite::parse(Cursor(hex("1388 0035" + std::string(coverage) + "0000 2a2a")), 10, d));
    EXPECT_EQ(d.is_coverage_wrong, is_wrong);
  }
}

TEST(udp_lite, a_cut_header_is_none) {
  const auto whole = hex("1388 0035 0008 0000");
  udp_lite::Datagram d;
  for (std::size_t n = 0; n < 8; n++) EXPECT(!udp_lite::parse(Cursor(Bytes(whole).first(n)), 8, d));
  EXPECT(!udp_lite::parse(Cursor(whole), 7, d));
}
