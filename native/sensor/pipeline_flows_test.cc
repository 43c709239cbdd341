// Which packets make which flows, where decode, table and tracker meet.
#include <pcap/dlt.h>

#include <algorithm>

#include "base/test.h"
#include "event/json.h"
#include "sensor/pipeline.h"

namespace catenary::sensor {
namespace {

struct Conns final : event::DrainSink {
  std::string all;  // one line a record
  void on_drain(std::span<const event::Batch> batches) override {
    for (const event::Batch& b : batches) {
      if (b.kind != Kind::conn) continue;
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
