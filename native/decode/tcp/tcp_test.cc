#include "decode/tcp/tcp.h"

#include "base/test.h"

using namespace catenary;
using test::hex;

TEST(tcp, a_syn_with_options) {
  const auto b = hex("1388 0050 00000001 00000000 8002 faf0 0000 0000 020405b4 01 030307 0402 0101");
  tcp::Segment s;
  EXPECT(tcp::parse(Cursor(b), static_cast<std::uint32_t>(b.size()), s) == tcp::Header::kOk);
  EXPECT_EQ(s.src_port, 5000);
  EXPECT_EQ(s.dst_port, 80);
  EXPECT(s.has(tcp::kSyn) && !s.has(tcp::kAck));
  EXPECT_EQ(s.len, 0u);
  const tcp::SynOptions o = tcp::parse_syn_options(s.options);
  EXPECT(o.mss == 1460);
  EXPECT(o.window_scale == 7);
  EXPECT(o.sack_permitted);
}

TEST(tcp, every_short_header_is_said_so) {
  const auto b = hex("1388 0050 00000001 00000000 5002 faf0 0000 0000");
  tcp::Segment s;
  for (std::size_t n = 0; n < b.size(); n++) {
    EXPECT(tcp::parse(Cursor(Bytes(b).first(n)), 20, s) == tcp::Header::kTooShort);
  }
  EXPECT(tcp::parse(Cursor(b), 20, s) == tcp::Header::kOk);
}

TEST(tcp, a_data_offset_that_cannot_be_is_malformed) {
  auto b = hex("1388 0050 00000001 00000000 4002 faf0 0000 0000");
  tcp::Segment s;
  EXPECT(tcp::parse(Cursor(b), 20, s) == tcp::Header::kMalformed);
  b[12] = 0x60;
  EXPECT(tcp::parse(Cursor(b), 20, s) == tcp::Header::kMalformed);
}

TEST(tcp, a_cut_payload_keeps_its_length) {
  const auto b = hex("1388 0050 00000001 00000000 5010 faf0 0000 0000 aabb");
  tcp::Segment s;
  tcp::parse(Cursor(b), 120, s);
  EXPECT_EQ(s.len, 100u);
  EXPECT_EQ(s.data.size(), 2u);
}

TEST(tcp, broken_options_end_the_walk) {
  for (const char* o : {"02", "0200", "0201", "020a05b4", "ff", "00 020405b4"}) {
    EXPECT(!tcp::parse_syn_options(hex(o)).mss);
  }
}
