#include "decode/ipsec/ipsec.h"

#include <pcap/dlt.h>

#include "base/test.h"
#include "decode/recorder.h"

using namespace catenary;
using decode::Recorder;
using test::hex;

// UDP 5000 -> 53 with a byte, behind an AH of 24 bytes with SPI 0x1234.
static const std::string kAh = "1104 0000 00001234 00000007 000000000000000000000000";
static const std::string kUdp = "1388 0035 0009 0000 2a";
static std::string ip4(const std::string& payload) {
  const std::size_t n = 20 + hex(payload).size();
  constexpr std::string_view kDigits = "0123456789abcdef";
  return "450000" + std::string{kDigits[n / 16], kDigits[n % 16]} + "0001 0000 40 33 0000 c0000201 c0000202" + payload;
}

TEST(ipsec, behind_ah_the_packet_goes_on) {
  const std::string ip6 =
      "60000000 0021 33 40 20010db8000000000000000000000001 20010db8000000000000000000000002" + kAh + kUdp;
  for (const std::string& packet : {ip4(kAh + kUdp), ip6}) {
    Recorder r;
    r.frame(DLT_RAW, hex(packet));
    EXPECT(r.weirds.empty());
    EXPECT_EQ(r.packets.size(), 1u);
    EXPECT_EQ(r.packets[0].ip_proto, 17);
    EXPECT_EQ(r.packets[0].payload_len, 9u);
    EXPECT_EQ(r.payloads[0].size(), 9u);
    EXPECT(r.packets[0].has_ah && r.packets[0].ah_spi == 0x1234 && r.packets[0].ah_sequence == 7);
  }
}

TEST(ipsec, tunnel_mode_carries_a_packet) {
  Recorder r;
  r.frame(DLT_RAW, hex(ip4("0404 0000 00001234 00000007 000000000000000000000000"
                           "4500001d 0001 0000 40 11 0000 0a000001 0a000002" +
                           kUdp)));
  EXPECT_EQ(r.packets.size(), 1u);
  EXPECT_EQ(r.packets[0].src.bytes[12], 10);
  EXPECT(r.packets[0].tunnel == decode::Tunnel::kIpInIp);
}

// The shortest AH has no ICV: 12 bytes, a length of 1. One less, and one past the packet.
TEST(ipsec, a_length_that_cannot_be_is_a_weird) {
  for (const auto& [head, is_good] : std::initializer_list<std::pair<const char*, bool>>{
           {"1100", false}, {"1101", true}, {"1104", true}, {"1106", true}, {"1107", false}}) {
    Recorder r;
    r.frame(DLT_RAW, hex(ip4(head + std::string("0000 00001234 00000007 000000000000000000000000") + kUdp)));
    EXPECT_EQ(r.packets.size(), is_good ? 1u : 0u);
    EXPECT_EQ(r.weirds.empty(), is_good);
  }
  Recorder cut;
  cut.frame(DLT_RAW, hex(ip4("11")));
  EXPECT(cut.is_weird(Weird::ipsec_header_too_short));
}

TEST(ipsec, reserved_indices_are_a_weird) {
  for (const char* spi : {"00000000", "000000ff", "00000100"}) {
    Recorder r;
    r.frame(DLT_RAW, hex(ip4("1104 0000" + std::string(spi) + "00000007 000000000000000000000000" + kUdp)));
    EXPECT_EQ(r.packets.size(), 1u);
    EXPECT_EQ(r.weirds.size(), std::string_view(spi) == "00000100" ? 0u : 1u);
  }
}

TEST(ipsec, esp_has_an_index_and_a_number) {
  const auto whole = hex("00001234 00000007 00");
  ipsec::Association a;
  EXPECT(ipsec::parse_esp(Cursor(whole), a) && a.spi == 0x1234 && a.sequence == 7);
  for (std::size_t n = 0; n < 8; n++) EXPECT(!ipsec::parse_esp(Cursor(Bytes(whole).first(n)), a));
}

// RFC 3948: IKE has four zero bytes first, a keep-alive is one byte.
TEST(ipsec, within_udp_esp_is_told_from_ike_and_keepalives) {
  EXPECT(ipsec::is_esp_in_udp(Cursor(hex("00000100 00000001 00"))));
  EXPECT(!ipsec::is_esp_in_udp(Cursor(hex("000000ff 00000001 00"))));
  EXPECT(!ipsec::is_esp_in_udp(Cursor(hex("00000000 00000001 00"))));
  EXPECT(!ipsec::is_esp_in_udp(Cursor(hex("ff"))));
  EXPECT(!ipsec::is_esp_in_udp(Cursor(hex("00000100 00000001"))));
}
