#include "decode/udp/udp.h"

#include "base/test.h"

using namespace catenary;
using test::hex;

TEST(udp, a_datagram) {
  const auto b = hex("1388 0035 000a 0000 aabb 0000");  // two bytes of padding
  udp::Datagram d;
  EXPECT(udp::parse(Cursor(b), 10, d));
  EXPECT_EQ(d.len, 2u);
  EXPECT_EQ(d.data.size(), 2u);
  EXPECT(!d.length_differs);
}

TEST(udp, the_shorter_of_two_lengths_bounds_the_data) {
  const auto b = hex("1388 0035 0009 0000 aabbcc");
  udp::Datagram d;
  EXPECT(udp::parse(Cursor(b), 11, d));
  EXPECT_EQ(d.data.size(), 1u);
  EXPECT(d.length_differs);
  const auto longer = hex("1388 0035 0100 0000 aabbcc");
  EXPECT(udp::parse(Cursor(longer), 11, d));
  EXPECT_EQ(d.data.size(), 3u);
  EXPECT_EQ(d.len, 248u);
}

TEST(udp, short_headers_are_refused) {
  const auto b = hex("1388 0035 0008 0000");
  udp::Datagram d;
  for (std::size_t n = 0; n < 8; n++) EXPECT(!udp::parse(Cursor(Bytes(b).first(n)), 8, d));
  EXPECT(!udp::parse(Cursor(b), 7, d));
  EXPECT(udp::parse(Cursor(b), 8, d));
}
