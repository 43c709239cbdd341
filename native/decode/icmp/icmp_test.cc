#include "decode/icmp/icmp.h"

#include "base/test.h"
#include "decode/icmp/icmp.gen.h"

using namespace catenary;
using test::hex;

// Longer than any message here: what is cut by the capture is not verified.
static constexpr std::uint32_t kWhole = 65535;
static const icmp::Around kV6{true, {}, {}, 255, kWhole};

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
  icmp::describe(Cursor(b), {}, e);
  EXPECT_EQ(e.name, std::string_view("dest_unreachable"));
  EXPECT(e.quoted_proto == 17);
  EXPECT(e.quoted_orig_p == 5000);
  EXPECT(e.quoted_resp_p == 53);
  // Cut anywhere: never a wrong value, at most none.
  for (std::size_t n = 8; n < b.size(); n++) {
    IcmpEvent cut;
    icmp::describe(Cursor(Bytes(b).first(n)), {false, {}, {}, 64, kWhole}, cut);
    EXPECT(!cut.quoted_orig_p || n >= 32);
    EXPECT(!cut.quoted_proto || cut.quoted_proto == 17);
  }
}

TEST(icmp, a_neighbour_advertisement_names_target_and_address) {
  const auto b = hex("8800 0000 60000000 fe800000000000000000000000000001 0201 020000000007");
  IcmpEvent e;
  icmp::describe(Cursor(b), kV6, e);
  EXPECT_EQ(e.name, std::string_view("neighbor_advert"));
  EXPECT(e.target && e.target->bytes[15] == 1);
  EXPECT(e.target_mac && (*e.target_mac)[5] == 7);
}

TEST(icmp, an_option_of_length_zero_ends_the_walk) {
  const auto b = hex("8800 0000 60000000 fe800000000000000000000000000001 0200 020000000007");
  IcmpEvent e;
  icmp::describe(Cursor(b), kV6, e);
  EXPECT(e.target && !e.target_mac);
}

TEST(icmp, short_headers_are_refused) {
  const auto b = hex("0800 0000 0001 0002");
  icmp::Header h;
  for (std::size_t n = 0; n < 8; n++) EXPECT(!icmp::parse_header(Cursor(Bytes(b).first(n)), false, h));
}

// With the checksum that fits.
static std::vector<std::uint8_t> whole(std::string_view bytes) {
  auto b = hex(bytes);
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < b.size(); i++) sum += static_cast<std::uint32_t>(b[i]) << (i % 2 == 0 ? 8 : 0);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  b[2] = static_cast<std::uint8_t>(~sum >> 8);
  b[3] = static_cast<std::uint8_t>(~sum);
  return b;
}
static icmp::Oddities oddities(const std::vector<std::uint8_t>& b, IcmpEvent& e) {
  return icmp::describe(Cursor(b), {false, {}, {}, 64, static_cast<std::uint32_t>(b.size())}, e);
}

TEST(icmp, what_is_wrong_with_a_message_has_a_name) {
  IcmpEvent e;
  EXPECT(oddities(whole("0800 0000 0001 0002 61"), e).empty());
  EXPECT(oddities(hex("0800 1234 0001 0002 61"), e).is(Weird::icmp_checksum_wrong));
  EXPECT(oddities(whole("0303 0000 00000000 35000000"), e).is(Weird::icmp_quoted_malformed));
  EXPECT(oddities(whole("0303 0000 00000000 4400001d 0001 0000 40 11 0000 c0000201 c0000202"), e)
             .is(Weird::icmp_quoted_malformed));
}

// RFC 4861: the hop limit is 255, options are never of length zero, and end with the message. The checksum has a
// pseudo-header: 58, the length and no addresses here.
TEST(icmp, neighbour_messages_are_held_to_their_rules) {
  const std::string advert = "8800 0000 60000000 fe800000000000000000000000000001";
  const auto read = [](std::string_view bytes, std::uint8_t hops, IcmpEvent& e) {
    const auto b = hex(bytes);
    return icmp::describe(Cursor(b), {true, {}, {}, hops, static_cast<std::uint32_t>(b.size())}, e);
  };
  IcmpEvent e;
  EXPECT(read(advert + "0201 020000000007", 254, e).has(Weird::icmp_nd_hop_limit_wrong));
  EXPECT(!read(advert + "0201 020000000007", 255, e).has(Weird::icmp_nd_hop_limit_wrong));
  EXPECT(read(advert + "0200 020000000007", 255, e).has(Weird::icmp_nd_option_malformed));
  EXPECT(read(advert + "0202 020000000007", 255, e).has(Weird::icmp_nd_option_malformed));
  EXPECT(read("8800 0000 60000000 fe80", 255, e).has(Weird::icmp_truncated));
  EXPECT(!read(advert, 255, e).has(Weird::icmp_nd_option_malformed));
  // 8800 + 6000 + fe80 + 1 + 0201 + 0200 + 7, and 20 bytes and 58 of the pseudo-header: by hand.
  std::uint32_t sum = 0x8800 + 0x6000 + 0xfe80 + 1 + 0x0201 + 0x0200 + 7 + 32 + 58;
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  auto right = hex(advert + "0201 020000000007");
  right[2] = static_cast<std::uint8_t>(~sum >> 8);
  right[3] = static_cast<std::uint8_t>(~sum);
  EXPECT(icmp::describe(Cursor(right), {true, {}, {}, 255, 32}, e).empty());
}

TEST(icmp, a_quoted_fragment_has_no_ports_and_a_quoted_echo_has_its_types) {
  IcmpEvent fragment, echo, extended;
  oddities(whole("0b00 0000 00000000 4500001d 0001 0001 40 11 0000 c0000201 c0000202 1388 0035 0009 0000"), fragment);
  EXPECT(fragment.quoted_proto == 17 && !fragment.quoted_orig_p);
  oddities(whole("0b00 0000 00000000 4500001c 0001 0000 01 01 0000 c0000201 c0000202 0800 0000 0001 0002"), echo);
  EXPECT(echo.quoted_orig_p == 8 && echo.quoted_resp_p == 0);
  const auto b =
      hex("0300 0000 00000000 60000000 0011 00 40 20010db8000000000000000000000001"
          "20010db8000000000000000000000002 1100 010400000000 1388 0035 0009 0000 2a");
  icmp::describe(Cursor(b), kV6, extended);
  EXPECT(extended.quoted_proto == 17 && extended.quoted_resp_p == 53);
}

TEST(icmp, an_echos_payload_has_entropy_and_a_print) {
  IcmpEvent none, flat, two;
  oddities(whole("0800 0000 0001 0002"), none);
  oddities(whole("0800 0000 0001 0002 61616161"), flat);
  oddities(whole("0800 0000 0001 0002 61626162"), two);
  EXPECT(!none.entropy && flat.entropy == 0.0 && two.entropy == 1.0);
  EXPECT(icmp::echo_print(Cursor(hex("0800 0000 0001 0002 61"))) !=
         icmp::echo_print(Cursor(hex("0000 0000 0001 0002 62"))));
  EXPECT_EQ(icmp::echo_print(Cursor(hex("0800 0000 0001 0002 61"))),
            icmp::echo_print(Cursor(hex("0000 0000 0001 0002 61"))));
}
