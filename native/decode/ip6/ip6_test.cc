#include "base/test.h"
#include "decode/recorder.h"

#include <pcap/dlt.h>

using namespace catenary;
using decode::Recorder;
using test::hex;

static std::string header(const char* length_next, const std::string& rest) {
  return std::string("60000000") + length_next +
         "40 20010db8000000000000000000000001 20010db8000000000000000000000002" + rest;
}
static const char* kUdp = "1388 0035 0009 0000 2a";

TEST(ip6, a_plain_packet) {
  Recorder r;
  r.frame(DLT_RAW, hex(header("0009 11", kUdp)));
  EXPECT_EQ(r.packets.size(), 1u);
  EXPECT_EQ(r.packets[0].payload_len, 9u);
  EXPECT_EQ(r.packets[0].ip_len, 49u);
  EXPECT(!r.packets[0].src.is_v4());
}

TEST(ip6, extension_headers_are_walked) {
  Recorder r;  // hop-by-hop, routing, destination options
  r.frame(DLT_RAW, hex(header("0021 00", std::string("2b00 010400000000 3c00 000000000000 1100 010400000000") + kUdp)));
  EXPECT_EQ(r.packets.size(), 1u);
  EXPECT_EQ(r.packets[0].ip_proto, 17);
  EXPECT_EQ(r.packets[0].payload_len, 9u);
}

TEST(ip6, an_atomic_fragment_is_a_whole_packet) {
  Recorder r;
  r.frame(DLT_RAW, hex(header("0011 2c", std::string("1100 0000 00000001") + kUdp)));
  EXPECT_EQ(r.packets.size(), 1u);
  EXPECT(!r.packets[0].was_fragmented);
  EXPECT_EQ(r.packets[0].ip_len, 49u);
}

TEST(ip6, two_fragments_make_one) {
  Recorder r;
  r.frame(DLT_RAW, hex(header("0010 2c", "1100 0001 00000007 1388 0035 0009 0000")));
  EXPECT(r.packets.empty());
  r.frame(DLT_RAW, hex(header("0009 2c", "1100 0008 00000007 2a")));
  EXPECT_EQ(r.packets.size(), 1u);
  EXPECT_EQ(r.payloads[0].size(), 9u);
  EXPECT(r.packets[0].was_fragmented);
}

TEST(ip6, the_number_of_extension_headers_is_limited) {
  for (int n : {11, 12, 13}) {
    std::string chain;
    for (int i = 0; i < n; i++) chain += i + 1 < n ? "3c00 010400000000" : "1100 010400000000";
    char length[8];
    std::snprintf(length, sizeof length, "%04x", n * 8 + 9);
    Recorder r;
    r.frame(DLT_RAW, hex(header((std::string(length) + "3c").c_str(), chain + kUdp)));
    EXPECT_EQ(r.packets.size(), n <= 12 ? 1u : 0u);
    if (n > 12) EXPECT(r.is_weird(Weird::ip6_too_many_extension_headers));
  }
}

TEST(ip6, what_is_cut_is_a_weird) {
  Recorder cut, extension, version;
  cut.frame(DLT_RAW, hex("60000000 0009 11 40 2001"));
  EXPECT(cut.is_weird(Weird::ip6_header_too_short));
  extension.frame(DLT_RAW, hex(header("0010 00", "1102 01040000 0000 0000")));
  EXPECT(extension.is_weird(Weird::ip6_extension_header_too_short));
  version.frame(DLT_RAW, hex("70000000"));
  EXPECT(version.is_weird(Weird::ip_unknown_version));
}

TEST(ip6, an_authentication_header_is_walked) {
  Recorder r;  // no integrity value: 12 bytes are 3 words, less two
  r.frame(DLT_RAW, hex(header("0015 33", std::string("1101 0000 00000001 00000001") + kUdp)));
  EXPECT_EQ(r.packets.size(), 1u);
  EXPECT_EQ(r.packets[0].ip_proto, 17);
  EXPECT_EQ(r.packets[0].payload_len, 9u);
}

TEST(ip6, a_route_ends_at_its_last_address) {
  const std::string last = "20010db8000000000000000000000099";
  const std::pair<const char*, int> rows[] = {{"0001", 0x99}, {"0201", 0x99}, {"0000", 0x02}, {"0401", 0x02}};
  for (const auto& [type_left, end] : rows) {
    Recorder r;
    r.frame(DLT_RAW, hex(header("0021 2b", std::string("1102") + type_left + "00000000" + last + kUdp)));
    EXPECT_EQ(r.packets.size(), 1u);
    if (!r.packets.empty()) EXPECT_EQ(r.packets[0].dst.bytes[15], end);
  }
}

TEST(ip6, a_home_address_is_the_source) {
  Recorder r;
  r.frame(DLT_RAW, hex(header("0021 3c", std::string("1102 01020000 c910 20010db8000000000000000000000077") + kUdp)));
  EXPECT_EQ(r.packets.size(), 1u);
  EXPECT_EQ(r.packets[0].src.bytes[15], 0x77);
}

TEST(ip6, headers_behind_a_fragment_header_are_walked) {
  Recorder r;  // destination options, cut up with what follows them
  r.frame(DLT_RAW, hex(header("0018 2c", "3c00 0001 00000007 1100 010400000000 1388 0035 0009 0000")));
  r.frame(DLT_RAW, hex(header("0009 2c", "0600 0010 00000007 2a")));  // a next header that does not count
  EXPECT_EQ(r.packets.size(), 1u);
  EXPECT_EQ(r.packets[0].ip_proto, 17);
  EXPECT_EQ(r.packets[0].payload_len, 9u);
  Recorder atomic;
  atomic.frame(DLT_RAW, hex(header("0019 2c", "3c00 0000 00000007 1100 010400000000" + std::string(kUdp))));
  EXPECT_EQ(atomic.packets[0].ip_proto, 17);
}

// RFC 8200, 4.1.
TEST(ip6, headers_out_of_order_are_weirds_and_are_walked) {
  const std::pair<std::string, std::vector<Weird>> rows[] = {
      {"0019 00 0000 010400000000 1100 010400000000",
       {Weird::ip6_hop_by_hop_not_first, Weird::ip6_extension_header_repeated}},
      {"0019 3c 0000 010400000000 1100 010400000000", {Weird::ip6_hop_by_hop_not_first}},
      {"0019 3c 3c00 010400000000 1100 010400000000", {}},
      {"0019 2b 2b00 040000000000 1100 040000000000", {Weird::ip6_extension_header_repeated}},
      {"0011 2b 1100 000000000000", {Weird::ip6_source_routed}},
      {"0011 00 1100 010500000000", {Weird::ip6_option_malformed}},
      {"0011 3c 1100 000000000001", {Weird::ip6_option_malformed}},
  };
  for (const auto& [bytes, weirds] : rows) {
    Recorder r;
    r.frame(DLT_RAW, hex(header(bytes.substr(0, 7).c_str(), bytes.substr(8) + kUdp)));
    EXPECT_EQ(r.packets.size(), 1u);
    EXPECT(r.weirds == weirds);
  }
}

TEST(ip6, a_second_fragment_header_ends_the_packet) {
  Recorder r;
  r.frame(DLT_RAW, hex(header("0019 2c", "2c00 0000 00000007 1100 0000 00000008" + std::string(kUdp))));
  EXPECT(r.is_weird(Weird::ip6_extension_header_repeated));
}

// RFC 8200, 4.5: of TCP 20 bytes, of UDP 8. Fragments but the last come in eights.
TEST(ip6, a_first_fragment_without_its_header_is_not_read) {
  const std::pair<const char*, bool> rows[] = {{"0018 2c 06", true}, {"0020 2c 06", false}, {"0010 2c 11", false}};
  for (const auto& [head, is_cut] : rows) {
    Recorder r;
    const std::string text(head);
    const std::size_t n = std::stoul(text.substr(0, 4), nullptr, 16) - 8;
    r.frame(DLT_RAW,
            hex(header(text.substr(0, 7).c_str(), text.substr(8) + "00 0001 00000007" + std::string(2 * n, '0'))));
    EXPECT_EQ(r.weirds.size(), is_cut ? 1u : 0u);
    if (is_cut) EXPECT(r.is_weird(Weird::ip6_fragment_header_cut));
  }
}
