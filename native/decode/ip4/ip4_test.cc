#include "base/test.h"
#include "decode/recorder.h"

#include <pcap/dlt.h>

using namespace catenary;
using decode::Recorder;
using test::hex;

TEST(ip4, the_total_length_bounds_the_payload) {
  Recorder r;  // six bytes of Ethernet padding behind a one-byte payload
  r.frame(DLT_RAW, hex("4500001d 0001 0000 40 11 0000 c0000201 c0000202 1388 0035 0009 0000 2a 000000000000"));
  EXPECT_EQ(r.payloads[0].size(), 9u);
  EXPECT_EQ(r.packets[0].payload_len, 9u);
  EXPECT_EQ(r.packets[0].ip_len, 29u);
  EXPECT_EQ(r.packets[0].ttl, 64);
  EXPECT(r.packets[0].src.is_v4());
}

TEST(ip4, a_capture_cut_by_the_snap_length_tells_both_lengths) {
  Recorder r;
  r.frame(DLT_RAW, hex("45000064 0001 0000 40 11 0000 c0000201 c0000202 1388 0035"));
  EXPECT_EQ(r.payloads[0].size(), 4u);
  EXPECT_EQ(r.packets[0].payload_len, 80u);
}

TEST(ip4, a_length_of_zero_is_left_to_the_frame) {
  Recorder r;
  r.frame(DLT_RAW, hex("45000000 0001 0000 40 11 0000 c0000201 c0000202 1388 0035 0009 0000 2a"));
  EXPECT_EQ(r.packets[0].payload_len, 9u);
  EXPECT_EQ(r.packets[0].ip_len, 0u);
}

TEST(ip4, options_are_passed_over) {
  Recorder r;
  r.frame(DLT_RAW, hex("46000021 0001 0000 40 11 0000 c0000201 c0000202 94040000 1388 0035 0009 0000 2a"));
  EXPECT_EQ(r.payloads[0].size(), 9u);
}

// Type 131 is a loose source route, 137 a strict one; a length of 1, and one past the header by one.
TEST(ip4, odd_options_are_weirds_and_the_packet_goes_on) {
  const std::pair<const char*, int> rows[] = {
      {"01010100", 0}, {"94040000", 0}, {"00000000", 0}, {"83030400", 1},
      {"89030400", 1}, {"94010000", 2}, {"94050000", 2},
  };
  for (const auto& [options, weird] : rows) {
    Recorder r;
    r.frame(DLT_RAW,
            hex("46000021 0001 0000 40 11 0000 c0000201 c0000202" + std::string(options) + "1388 0035 0009 0000 2a"));
    EXPECT_EQ(r.packets.size(), 1u);
    EXPECT_EQ(r.weirds.size(), weird > 0 ? 1u : 0u);
    if (weird > 0) EXPECT(r.weirds[0] == (weird == 1 ? Weird::ip4_source_routed : Weird::ip4_option_malformed));
  }
}

struct BadHeader {
  const char* bytes;
  Weird weird;
};
TEST(ip4, what_contradicts_itself_is_a_weird) {
  const BadHeader rows[] = {
      {"45000014 0001 0000 40 11 0000 c0000201 c00002", Weird::ip4_header_too_short},
      {"44000014 0001 0000 40 11 0000 c0000201 c0000202", Weird::ip4_header_malformed},  // IHL 4
      {"46000018 0001 0000 40 11 0000 c0000201 c0000202", Weird::ip4_header_too_short},  // options missing
      {"45000013 0001 0000 40 11 0000 c0000201 c0000202", Weird::ip4_length_below_header},
      {"45000020 0001 2000 40 11 0000 c0000201 c0000202 0000", Weird::ip_fragment_cut_by_snaplen},
  };
  for (const BadHeader& row : rows) {
    Recorder r;
    r.frame(DLT_RAW, hex(row.bytes));
    EXPECT(r.is_weird(row.weird));
  }
}

TEST(ip4, ip_in_ip_goes_on_with_the_inner_header) {
  Recorder r;
  r.frame(DLT_RAW, hex("45000031 0001 0000 40 04 0000 0a000001 0a000002"
                       "4500001d 0001 0000 40 11 0000 c0000201 c0000202 1388 0035 0009 0000 2a"));
  EXPECT_EQ(r.packets.size(), 1u);
  EXPECT_EQ(r.packets[0].ip_proto, 17);
  EXPECT(r.packets[0].tunnel == decode::Tunnel::kIpInIp);
}
