// What is neither TCP nor UDP nor ICMP, from frames to records.
#include <pcap/dlt.h>

#include <algorithm>

#include "base/test.h"
#include "event/json.h"
#include "sensor/pipeline.h"

namespace catenary::sensor {
namespace {

struct Lines final : event::DrainSink {
  std::string all;
  void on_drain(std::span<const event::Batch> batches) override {
    for (const event::Batch& b : batches) {
      for (const std::string& line : event::json_lines(b.kind, b.bytes)) all += line + '\n';
    }
  }
  std::size_t count(std::string_view part) const {
    std::size_t n = 0;
    for (std::size_t at = all.find(part); at != std::string::npos; at = all.find(part, at + 1)) n++;
    return n;
  }
};

constexpr Nanos kNow = 1'700'000'000 * kSecond;
constexpr std::string_view kHex = "0123456789abcdef";

// An IPv4 packet between .1 and .2, or back.
std::string packet(std::string_view proto, std::string_view payload, bool back = false, std::string_view ttl = "40") {
  const std::size_t n = 20 + test::hex(payload).size();
  const std::string there = "c0000201", here = "c0000202";
  return std::string("4500 00") + kHex[n / 16] + kHex[n % 16] + "0001 0000" + std::string(ttl) + std::string(proto) +
         "0000" + (back ? here + there : there + here) + std::string(payload);
}

Lines read(const std::vector<std::string>& packets) {
  Lines sink;
  Pipeline pipeline({}, sink);
  Nanos now = kNow;
  for (const std::string& bytes : packets) {
    const std::vector<std::uint8_t> frame = test::hex(bytes);
    pipeline.packet({now += kSecond, static_cast<std::uint32_t>(frame.size()), DLT_RAW, frame});
  }
  pipeline.finish();
  return sink;
}

TEST(pipeline_transports, an_sctp_association_is_a_flow_with_ports) {
  const std::string there = "0b59 0b5a", back = "0b5a 0b59";
  const Lines told = read({
      packet("84", there + "00000000 00000000 01000014 00000007 00010000 000a 000a 00000001"),
      packet("84", back + "00000007 00000000 02000014 00000009 00010000 000a 000a 00000001", true),
      packet("84", there + "00000009 00000000 0a000004 00030014 00000001 0001 0000 00000000 61626364"),
      packet("84", back + "00000007 00000000 0b000004 03000010 00000001 00010000 00000000", true),
      packet("84", there + "00000009 00000000 07000008 00000001"),
      packet("84", back + "00000007 00000000 08000004", true),
      packet("84", there + "00000009 00000000 0e000004"),
  });
  EXPECT_EQ(told.count(R"("kind":"conn")"), 1u);
  EXPECT_HAS(told.all, R"("orig_p":2905,"resp_h":"192.0.2.2","resp_p":2906,"proto":132)");
  EXPECT_HAS(told.all, R"("conn_state":"SF","missed_bytes":0,"history":"ShADaFf")");
  EXPECT_HAS(told.all, R"("orig_bytes":4)");
  EXPECT_EQ(told.count("syn_window"), 0u);
  EXPECT_EQ(told.count(R"("kind":"weird")"), 0u);
  EXPECT_HAS(read({packet("84", "0b59 0b5a 000000")}).all, "sctp_header_too_short");
}

TEST(pipeline_transports, udp_lite_has_ports_and_sizes) {
  const Lines told = read({packet("88", "1388 1389 0008 0000 2a2a"), packet("88", "1389 1388 0007 0000 2a", true)});
  EXPECT_EQ(told.count(R"("kind":"conn")"), 1u);
  EXPECT_HAS(told.all, R"("orig_p":5000)");
  EXPECT_HAS(told.all, R"("conn_state":"SF","missed_bytes":0,"history":"Dd")");
  EXPECT_HAS(told.all, R"("orig_bytes":2,"resp_bytes":1)");
  EXPECT_HAS(told.all, "udp_lite_coverage_wrong");
  EXPECT_HAS(read({packet("88", "1388 1389 00")}).all, "udp_lite_header_too_short");
}

TEST(pipeline_transports, memberships_are_facts) {
  const Lines told = read({packet("02", "1600 08f6 e0000109", false, "01")});
  EXPECT_HAS(told.all, R"("igmp_type":22,"name":"report","version":2,"is_orig":true,"group":"224.0.1.9")");
  EXPECT_EQ(told.count(R"("kind":"weird")"), 0u);
  // Eight messages of an end become events: one less, all, one more.
  for (const std::size_t n : {7u, 8u, 9u}) {
    const Lines many = read(std::vector<std::string>(n, packet("02", "1600 08f6 e0000109", false, "01")));
    EXPECT_EQ(many.count(R"("kind":"igmp")"), n < 8 ? n : 8u);
  }
}

TEST(pipeline_transports, each_index_of_ipsec_is_told_once) {
  const auto esp = [](std::string_view spi, bool back) { return packet("32", std::string(spi) + "00000007 00", back); };
  const Lines told =
      read({esp("00001234", false), esp("00001234", false), esp("00005678", true), esp("00001235", false)});
  EXPECT_EQ(told.count(R"("kind":"ipsec")"), 3u);
  EXPECT_EQ(told.count(R"("kind":"conn")"), 1u);
  EXPECT_HAS(told.all, R"("header":"esp","is_orig":true,"spi":4660,"sequence":7,"in_udp":false)");
  EXPECT_HAS(told.all, R"("is_orig":false,"spi":22136)");
  EXPECT_HAS(read({esp("000000ff", false)}).all, "ipsec_spi_reserved");
  EXPECT_HAS(read({packet("32", "000012")}).all, "ipsec_header_too_short");
  // Within UDP, and before what it does not hide.
  EXPECT_HAS(read({packet("11", "1194 1194 0011 0000 00001234 00000001 00")}).all, R"("in_udp":true)");
  const Lines ah = read({packet("33", "1104 0000 00001234 00000007 000000000000000000000000 1388 1389 0009 0000 2a")});
  EXPECT_HAS(ah.all, R"("header":"ah","is_orig":true,"spi":4660)");
  EXPECT_HAS(ah.all, R"("proto":17)");
  // Eight of an end: one less, all, one more.
  for (const std::size_t n : {7u, 8u, 9u}) {
    std::vector<std::string> packets;
    for (std::size_t i = 0; i < n; i++) packets.push_back(esp(std::string("0000120") + kHex[i], false));
    EXPECT_EQ(read(packets).count(R"("kind":"ipsec")"), n < 8 ? n : 8u);
  }
}

// RFC 792: the data received in the echo message must be returned.
TEST(pipeline_transports, an_echo_comes_back_as_it_went) {
  const std::string request = packet("01", "0800 0000 0001 0002 6162");
  EXPECT_EQ(read({request, packet("01", "0000 0000 0001 0002 6162", true)}).count("icmp_echo_payload_differs"), 0u);
  EXPECT_EQ(read({request, packet("01", "0000 0000 0001 0002 6163", true)}).count("icmp_echo_payload_differs"), 1u);
  EXPECT_EQ(read({request, packet("01", "0000 0000 0001 0003 6163", true)}).count("icmp_echo_payload_differs"), 0u);
}

TEST(pipeline_transports, a_quoted_echo_names_its_flow) {
  const Lines told = read({packet("01", "0800 0000 0001 0002 6162"),
                           packet("01",
                                  "0b00 0000 00000000 4500001e 0001 0000 01 01 0000 c0000201 c0000202"
                                  "0800 0000 0001 0002",
                                  true)});
  EXPECT_EQ(told.count("quoted_uid"), 1u);
}

}  // namespace
}  // namespace catenary::sensor
