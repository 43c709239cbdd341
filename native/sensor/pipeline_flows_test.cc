// Which packets make which flows, where decode, table and tracker meet.
#include <pcap/dlt.h>

#include <algorithm>

#include "base/test.h"
#include "event/json.h"
#include "sensor/pipeline.h"

namespace catenary::sensor {
namespace {

struct Conns final : event::DrainSink {
  explicit Conns(Kind wanted = Kind::conn) : kind(wanted) {}
  Kind kind;
  std::string all;  // one line a record
  void on_drain(std::span<const event::Batch> batches) override {
    for (const event::Batch& b : batches) {
      if (b.kind != kind) continue;
      for (const std::string& line : event::json_lines(b.kind, b.bytes)) all += line + '\n';
    }
  }
  std::size_t count() const { return static_cast<std::size_t>(std::count(all.begin(), all.end(), '\n')); }
};

constexpr Nanos kNow = 1'700'000'000 * kSecond;

void feed(Pipeline& p, Nanos at, std::string_view bytes) {
  const std::vector<std::uint8_t> frame = test::hex(bytes);
  p.packet({at, static_cast<std::uint32_t>(frame.size()), DLT_RAW, frame});
}

constexpr std::string_view kUdp = "4500001d 0001 0000 40 11 0000 c0000201 c0000202 1388 1389 0009 0000 2a";

// The data offset promises options that are not there: somebody has tried, nothing is counted.
TEST(pipeline_flows, a_malformed_tcp_header_is_a_flow_without_packets) {
  Conns sink;
  Pipeline pipeline({}, sink);
  feed(pipeline, kNow,
       "45000028 0001 0000 40 06 0000 c0000201 c0000202 1388 1389 00000001 00000000 6002 2000 0000 0000");
  pipeline.finish();
  EXPECT_EQ(sink.count(), 1u);
  EXPECT_HAS(sink.all, R"("conn_state":"OTH")");
  EXPECT_HAS(sink.all, R"("orig_pkts":0)");
  EXPECT_EQ(pipeline.weirds(), 1u);
}

// RFC 8200, 4.7: next header 59.
TEST(pipeline_flows, no_next_header_is_no_flow) {
  Conns sink;
  Pipeline pipeline({}, sink);
  feed(pipeline, kNow, "60000000 0000 3b 40 20010db8000000000000000000000001 20010db8000000000000000000000002");
  pipeline.finish();
  EXPECT_EQ(sink.count(), 0u);
  EXPECT_EQ(pipeline.counters().ip_packets, 1u);
}

// The flow inside names the flow that carried it, and how; the same tuple in another virtual network is another flow.
TEST(pipeline_flows, the_tunnel_is_part_of_the_flow) {
  Conns sink;
  Pipeline pipeline({}, sink);
  const std::string inner = "020000000001 020000000002 0800 " + std::string(kUdp);
  for (const char* network : {"000007", "000008", "000007"}) {
    feed(pipeline, kNow,
         "4500004f 0001 0000 40 11 0000 0a000001 0a000002 c000 12b5 003b 0000 08000000 " + std::string(network) + "00" +
             inner);
  }
  feed(pipeline, kNow, kUdp);
  pipeline.finish();
  EXPECT_EQ(sink.count(), 4u);  // the carrier, two inside, one outside
  EXPECT_HAS(sink.all, R"("orig_p":5000,"resp_h":"192.0.2.2","resp_p":5001)");
  EXPECT_HAS(sink.all, R"("tunnel":"vxlan")");
  const std::size_t carrier = sink.all.find(R"("resp_p":4789)");
  const std::string uid = sink.all.substr(sink.all.rfind(R"("uid":")", carrier) + 7, 12);
  EXPECT_HAS(sink.all, R"("tunnel_parents":[")" + uid + R"("])");
}

// A SPAN port that sends each packet twice, and one that shows one direction.
TEST(pipeline_flows, copies_and_single_directions_are_marked) {
  Conns sink;
  Pipeline pipeline({}, sink);
  const std::string_view head = "4500002c 0007 0000 40 06 0000 c0000201 c0000202 1388 1389";
  for (int i = 0; i < 2; i++) {
    feed(pipeline, kNow + i * 1000, std::string(head) + "00000001 00000009 5010 2000 abcd 0000 61626364");
  }
  pipeline.finish();
  EXPECT_HAS(sink.all, R"("orig_pkts":2)");
  EXPECT_HAS(sink.all, R"("orig_dup_pkts":1)");
  EXPECT_HAS(sink.all, R"("one_way":true)");
}

// RFC 792: an error quotes the header and eight bytes of the packet it is about.
TEST(pipeline_flows, an_icmp_error_names_the_flow_it_is_about) {
  Conns sink(Kind::icmp), conns;
  for (Conns* to : {&sink, &conns}) {
    Pipeline pipeline({}, *to);
    feed(pipeline, kNow, kUdp);
    feed(pipeline, kNow,
         "45000038 0001 0000 40 01 0000 c00002fe c0000201 0303 0000 00000000 " + std::string(kUdp.substr(0, 63)));
    feed(pipeline, kNow,
         "45000038 0001 0000 40 01 0000 c00002fd c0000201 0303 0000 00000000 "
         "4500001d 0001 0000 40 11 0000 c0000201 c0000203 1388 1389 0009 0000");
    pipeline.finish();
  }
  const std::size_t at = conns.all.rfind(R"("uid":")", conns.all.find(R"("resp_p":5001)")) + 7;
  EXPECT_HAS(sink.all, R"("quoted_uid":")" + conns.all.substr(at, 12));
  EXPECT_EQ(sink.count(), 2u);
  EXPECT_EQ(sink.all.find("quoted_uid"), sink.all.rfind("quoted_uid"));
}

// MPTCP (RFC 8684) is option 30.
TEST(pipeline_flows, what_a_syn_offers_is_told) {
  Conns sink;
  Pipeline pipeline({}, sink);
  feed(pipeline, kNow,
       "4500003c 0001 0000 40 06 0000 c0000201 c0000202 1388 1389 00000001 00000000 a002 2000 0000 0000"
       "020405b4 0402 01 030307 1e0a 0001 0000000000000000");
  pipeline.finish();
  EXPECT_HAS(sink.all, R"("orig_mss":1460)");
  EXPECT_HAS(sink.all, R"("orig_syn_options":"2-4-1-3-30)");
  EXPECT_HAS(sink.all, R"("orig_syn_wscale":7)");
}

// Two captures one after the other, the later first. Zeek's clock stands still while time goes back.
TEST(pipeline_flows, late_packets_are_one_flow_or_as_zeek_many) {
  for (const bool as_zeek : {false, true}) {
    Conns sink;
    PipelineOptions options;
    options.ends_late_flows = as_zeek;
    Pipeline pipeline(options, sink);
    feed(pipeline, kNow, "4500001d 0001 0000 40 11 0000 c0000203 c0000204 1388 1389 0009 0000 2a");
    for (int i = 0; i < 3; i++) feed(pipeline, kNow - (120 - i) * kSecond, kUdp);
    pipeline.finish();
    EXPECT_EQ(sink.count(), as_zeek ? 4u : 2u);
  }
}

// 2038-01-19T03:14:08Z is where 32 signed bits end; Zeek passes over what comes later.
TEST(pipeline_flows, the_time_of_a_packet_zeek_cannot_read_ends_no_flow) {
  constexpr Nanos kEnd = (Nanos{1} << 31) * kSecond;
  for (const Nanos odd : {kEnd - kSecond, kEnd, kEnd + kSecond}) {
    Conns sink;
    PipelineOptions options;
    options.ends_late_flows = true;
    Pipeline pipeline(options, sink);
    feed(pipeline, odd, "4500001d 0001 0000 40 11 0000 c0000203 c0000204 1388 1389 0009 0000 2a");
    for (int i = 0; i < 3; i++) feed(pipeline, kNow + i * kSecond, kUdp);
    pipeline.finish();
    EXPECT_EQ(sink.count(), odd < kEnd ? 4u : 2u);
  }
}

}  // namespace
}  // namespace catenary::sensor
