#include "decode/icmp/icmp.h"

#include "base/test.h"
#include "decode/icmp/icmp.gen.h"

using namespace catenary;
using test::hex;

TEST(icmp, an_echo_and_its_reply_are_one_flow) {
  icmp::Header request, reply;
  EXPECT(icmp::parse_header(Cursor(hex("0800 0000 0001 0002")), false, request));
  EXPECT(icmp::parse_header(Cursor(hex("0000 0000 0001 0002")), false, reply));
  EXPECT(!request.is_one_way && !reply.is_one_way);
  EXPECT_EQ(request.counterpart, reply.type);
  EXPECT_EQ(reply.counterpart, request.type);
}

TEST(icmp, an_error_has_its_code_for_a_port) {
  icmp::Header h;
  EXPECT(icmp::parse_header(Cursor(hex("0303 0000 0000 0000")), false, h));
  EXPECT(h.is_one_way);
  EXPECT_EQ(h.counterpart, 3);
}

TEST(icmp, an_unreachable_quotes_its_packet) {
  const auto b = hex("0303 0000 00000000 4500001d 0001 0000 40 11 0000 c0000201 c0000202 1388 0035 0009 0000");
  IcmpEvent e;
  icmp::describe(Cursor(b), false, e);
  EXPECT_EQ(e.name, std::string_view("dest_unreachable"));
  EXPECT(e.quoted_proto == 17);
  EXPECT(e.quoted_orig_p == 5000);
  EXPECT(e.quoted_resp_p == 53);
  // Cut anywhere: never a wrong value, at most none.
  for (std::size_t n = 8; n < b.size(); n++) {
    IcmpEvent cut;
    icmp::describe(Cursor(Bytes(b).first(n)), false, cut);
    EXPECT(!cut.quoted_orig_p || n >= 32);
    EXPECT(!cut.quoted_proto || cut.quoted_proto == 17);
  }
}

TEST(icmp, a_neighbour_advertisement_names_target_and_address) {
  const auto b = hex("8800 0000 60000000 fe800000000000000000000000000001 0201 020000000007");
  IcmpEvent e;
  icmp::describe(Cursor(b), true, e);
  EXPECT_EQ(e.name, std::string_view("neighbor_advert"));
  EXPECT(e.target && e.target->bytes[15] == 1);
  EXPECT(e.target_mac && (*e.target_mac)[5] == 7);
}

TEST(icmp, an_option_of_length_zero_ends_the_walk) {
  const auto b = hex("8800 0000 60000000 fe800000000000000000000000000001 0200 020000000007");
  IcmpEvent e;
  icmp::describe(Cursor(b), true, e);
  EXPECT(e.target && !e.target_mac);
}

TEST(icmp, short_headers_are_refused) {
  const auto b = hex("0800 0000 0001 0002");
  icmp::Header h;
  for (std::size_t n = 0; n < 8; n++) EXPECT(!icmp::parse_header(Cursor(Bytes(b).first(n)), false, h));
}
