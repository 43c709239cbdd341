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

TEST(tcp, checksums_are_right_wrong_or_left_to_others) {
  const auto address = hex("c0000201c0000202");
  const Ip src = Ip::v4(Bytes(address).first(4)), dst = Ip::v4(Bytes(address).subspan(4));
  auto b = hex("1388 0050 00000001 00000002 5018 2000 0000 0000 616263");
  // 1388 + 0050 + 1 + 2 + 5018 + 2000 + 6162 + 6300, the addresses, 6 and the length of 23: by hand.
  const std::uint32_t pseudo = 0xc000 + 0x0201 + 0xc000 + 0x0202 + 6 + 23;
  std::uint32_t sum = pseudo + 0x1388 + 0x50 + 1 + 2 + 0x5018 + 0x2000 + 0x6162 + 0x6300;
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  b[16] = static_cast<std::uint8_t>(~sum >> 8);
  b[17] = static_cast<std::uint8_t>(~sum);
  EXPECT(tcp::is_checksum_right(src, dst, b));
  b[20] ^= 1;
  EXPECT(!tcp::is_checksum_right(src, dst, b));
  tcp::Segment s;
  s.checksum = static_cast<std::uint16_t>((pseudo & 0xffff) + (pseudo >> 16));
  EXPECT(tcp::is_checksum_partial(src, dst, s, 23));
  EXPECT(!tcp::is_checksum_partial(src, dst, s, 24));
}

TEST(tcp, timestamps_are_found_wherever_they_stand) {
  EXPECT(tcp::timestamp_of(hex("0101080a 00000007 00000000")) == 7u);
  EXPECT(tcp::timestamp_of(hex("080a 00000007 00000000 0101")) == 7u);
  EXPECT(!tcp::timestamp_of(hex("0101080a 00000007 000000")));
  EXPECT(!tcp::timestamp_of(hex("01010101")));
  EXPECT(!tcp::timestamp_of({}));
}

// RFC 8684, 3.1 and 3.2: the subtype is the upper half of the first byte.
TEST(tcp, mptcp_is_told_by_its_subtype) {
  EXPECT(tcp::parse_syn_options(hex("1e04 0181")).mptcp == tcp::kMptcpCapable);
  EXPECT(tcp::parse_syn_options(hex("1e0c 1001 00000007 00000009")).mptcp == tcp::kMptcpJoin);
  EXPECT(!tcp::parse_syn_options(hex("1e02")).mptcp);
  EXPECT(!tcp::parse_syn_options(hex("020405b4")).mptcp);
}
