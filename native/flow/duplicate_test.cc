#include "flow/duplicate.h"

#include "base/test.h"

using namespace catenary;
using namespace catenary::flow;

namespace {

tcp::Segment data(std::uint32_t seq, std::uint32_t len = 10) {
  tcp::Segment s;
  s.flags = tcp::kAck;
  s.seq = seq;
  s.len = len;
  s.checksum = 0x1234;
  return s;
}
decode::Packet numbered(std::uint16_t id) {
  decode::Packet p;
  p.ip_id = id;
  return p;
}

}  // namespace

TEST(duplicate, a_copy_has_the_number_of_its_packet_a_retransmission_has_not) {
  Recent r;
  EXPECT(!is_copy(r, print_of(numbered(7), data(100)), kSecond));
  EXPECT(is_copy(r, print_of(numbered(7), data(100)), kSecond + 1000));
  EXPECT(!is_copy(r, print_of(numbered(8), data(100)), kSecond + 2000));
}

// At the limit, one less and one more: time, and packets between.
TEST(duplicate, a_copy_comes_at_once) {
  for (const Nanos late : {19'999'000, 20'000'000, 20'001'000}) {
    Recent r;
    is_copy(r, print_of(numbered(7), data(100)), kSecond);
    EXPECT_EQ(is_copy(r, print_of(numbered(7), data(100)), kSecond + late), late <= 20'000'000);
  }
  for (const std::uint16_t between : std::initializer_list<std::uint16_t>{2, 3, 4}) {
    Recent r;
    is_copy(r, print_of(numbered(7), data(100)), kSecond);
    for (std::uint16_t i = 0; i < between; i++) {
      is_copy(r, print_of(numbered(static_cast<std::uint16_t>(100 + i)), data(200u + i)), kSecond);
    }
    EXPECT_EQ(is_copy(r, print_of(numbered(7), data(100)), kSecond), between < 4);
  }
}

// RFC 6864, 4.1: of an atomic datagram the number says nothing, and some stacks send 0; IPv6 has none.
TEST(duplicate, without_a_number_only_what_takes_sequence_space_is_told) {
  EXPECT(print_of(numbered(0), data(100)) != 0);
  EXPECT_EQ(print_of(numbered(0), data(100, 0)), 0u);
  udp::Datagram d;
  d.len = 20;
  EXPECT_EQ(print_of(numbered(0), d), 0u);
  EXPECT(print_of(numbered(1), d) != 0);
}
