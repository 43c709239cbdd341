#include "decode/gtp/gtp.h"
#include "base/test.h"
#include "decode/recorder.h"

#include <pcap/dlt.h>

using namespace catenary;
using decode::Recorder;
using decode::Tunnel;
using test::hex;

static const std::string kUdp = "4500001d00010000401100000c000201 c0000202 1388 0035 0009 0000 2a";
static const std::string kIp6 =
    "60000000 0009 1140 20010000000000000000000000000001 20010db8000000000000000000000002"
    "1388 0035 0009 0000 2a";

TEST(gtp, ipv4_and_ipv6_inside) {
  for (const std::string& data : {"30ff 001d 00000001" + kUdp, "32ff 0021 00000001 00010000" + kUdp,
                                  "30ff 0031 00000001" + kIp6, "34ff 0025 00000001 00000085 01000900" + kUdp}) {
    Recorder r;
    EXPECT(r.udp(2152, hex(data)));
    EXPECT_EQ(r.packets.size(), 1u);
    if (!r.packets.empty()) EXPECT(r.packets[0].tunnel == Tunnel::kGtp);
  }
}

TEST(gtp, extension_headers_at_their_limit_one_below_one_above) {
  for (int n = gtp::kExtensionHeadersMax - 1; n <= gtp::kExtensionHeadersMax + 1; n++) {
    std::string data = "34ff 0000 00000001 00000085";
    for (int i = 1; i < n; i++) data += "01000085";
    Recorder r;
    const bool fits = n <= gtp::kExtensionHeadersMax;
    EXPECT_EQ(r.udp(2152, hex(data + "01000000" + kUdp)), fits);
    EXPECT_EQ(r.packets.size(), fits ? 1u : 0u);
    if (!fits) EXPECT(r.is_weird(Weird::gtp_extension_header_malformed));
  }
}

TEST(gtp, an_extension_of_no_length_or_past_the_end) {
  for (const char* extension : {"00000000", "ff000000"}) {
    Recorder r;
    EXPECT(!r.udp(2152, hex(std::string("34ff 0000 00000001 00000085") + extension + kUdp)));
    EXPECT(r.is_weird(Weird::gtp_extension_header_malformed));
  }
}

TEST(gtp, other_messages_and_versions_carry_nothing) {
  for (const char* head : {"3001 001d 00000001", "48ff 001d 00000001", "20ff 001d 00000001"}) {
    Recorder r;
    EXPECT(!r.udp(2152, hex(head + kUdp)));
    EXPECT(r.packets.empty() && r.weirds.empty());
  }
}

TEST(gtp, a_cut_header_carries_nothing) {
  for (const char* data : {"30ff 001d 000000", "32ff 0021 00000001 000100"}) {
    Recorder r;
    EXPECT(!r.udp(2152, hex(data)));
    EXPECT(r.packets.empty() && r.weirds.empty());
  }
}

TEST(gtp, what_is_inside_must_be_exactly_one_ip_packet) {
  Recorder longer, shorter, other;
  EXPECT(!longer.udp(2152, hex("30ff 001d 00000001" + kUdp + "00")));
  EXPECT(longer.is_weird(Weird::gtp_payload_not_ip));
  auto cut = hex("30ff 001d 00000001" + kUdp);
  cut.pop_back();
  EXPECT(!shorter.udp(2152, cut));
  EXPECT(!other.udp(2152, hex("30ff 001d 00000001 0011223344556677")));
  EXPECT(other.is_weird(Weird::gtp_payload_not_ip));
}

TEST(gtp, not_in_itself) {
  Recorder r;
  decode::Packet outer;
  outer.tunnel = Tunnel::kGtp;
  EXPECT(!r.udp(2152, hex("30ff 001d 00000001" + kUdp), outer));
  EXPECT(r.packets.empty());
}
