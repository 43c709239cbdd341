// A flood of SYNs from random sources, over flows that matter: these are decoded whole, and memory stays under its cap.
#include <pcap/dlt.h>

#include <algorithm>

#include "base/test.h"
#include "event/json.h"
#include "sensor/pipeline.h"

namespace catenary::sensor {
namespace {

constexpr std::uint32_t kMarked = 200, kRounds = 24, kSynsARound = 50'000;  // 1.2 million
// At 300,000 a second the embryonic quarter holds 0.2 s of the flood: longer than the marked flows take to answer.
constexpr std::size_t kFlowsMax = 262'144;

struct Marked final : event::DrainSink {
  std::uint64_t whole = 0, others = 0;
  void on_drain(std::span<const event::Batch> batches) override {
    for (const event::Batch& b : batches) {
      if (b.kind != Kind::conn) continue;
      for (const std::string& line : event::json_lines(b.kind, b.bytes)) {
        if (line.find(R"("resp_p":4242)") == std::string::npos) {
          others++;
          continue;
        }
        const auto has = [&](std::string_view part) { return line.find(part) != std::string::npos; };
        whole += has(R"("conn_state":"SF")") && has(R"("orig_bytes":200)") && has(R"("resp_bytes":400)") &&
                 has(R"("missed_bytes":0)") && has(R"("history":"ShADdaFf")");
      }
    }
  }
};

class Wire {
 public:
  explicit Wire(Pipeline& pipeline) : pipeline_(pipeline) {}

  void send(std::uint32_t src, std::uint32_t dst, std::uint16_t src_port, std::uint16_t dst_port, std::uint32_t seq,
            std::uint32_t ack, std::uint8_t flags, std::uint16_t len = 0) {
    at_ = 0;
    put(0x4500, 2);
    put(40u + len, 2);
    put(++id_, 2);
    put(0x40004006, 4);
    put(0, 2);
    put(src, 4);
    put(dst, 4);
    put(src_port, 2);
    put(dst_port, 2);
    put(seq, 4);
    put(ack, 4);
    put(0x5000u | flags, 2);
    put(8192, 2);
    put(0, 4);
    now_ += kSecond / 300'000;
    pipeline_.packet({now_, 40u + len, DLT_RAW, Bytes{frame_, 40u + len}});
  }

 private:
  void put(std::uint32_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; i--) frame_[at_++] = static_cast<std::uint8_t>(value >> (8 * i));
  }

  Pipeline& pipeline_;
  std::uint8_t frame_[512] = {};
  std::size_t at_ = 0;
  std::uint16_t id_ = 0;
  Nanos now_ = 1'700'000'000 * kSecond;
};

// What the marked flow sends in a round: handshake, ten times data and its ACK, both FINs.
void step(Wire& wire, std::uint32_t flow, std::uint32_t round) {
  const std::uint32_t a = 0x0a000001 + flow, b = 0xc0000201;
  constexpr std::uint16_t kService = 4242, kAck = 0x10;
  const auto port = static_cast<std::uint16_t>(20'000 + flow);
  const std::uint32_t sent = std::min(round < 2 ? 0 : round - 2, 10u);
  switch (round) {
    case 0: return wire.send(a, b, port, kService, 100, 0, 2);
    case 1: wire.send(b, a, kService, port, 500, 101, 0x12); return wire.send(a, b, port, kService, 101, 501, kAck);
    default: break;
  }
  if (round < 12) {
    wire.send(a, b, port, kService, 101 + sent * 20, 501 + sent * 40, kAck, 20);
    wire.send(b, a, kService, port, 501 + sent * 40, 121 + sent * 20, kAck, 40);
  } else if (round == 12) {
    wire.send(b, a, kService, port, 901, 301, kAck);
    wire.send(a, b, port, kService, 301, 901, 0x11);
    wire.send(b, a, kService, port, 901, 302, 0x11);
    wire.send(a, b, port, kService, 302, 902, kAck);
  }
}

TEST(pipeline_flood, marked_flows_are_whole_amid_random_syns) {
  Marked sink;
  PipelineOptions options;
  options.flows_max = kFlowsMax;
  options.key = {3, 4};
  Pipeline pipeline(options, sink);
  Wire wire(pipeline);
  std::uint64_t random = 88172645463325252;
  std::size_t most = 0;
  for (std::uint32_t round = 0; round < kRounds; round++) {
    for (std::uint32_t i = 0; i < kSynsARound; i++) {
      random ^= random << 13, random ^= random >> 7, random ^= random << 17;
      const auto source = static_cast<std::uint32_t>(random), rest = static_cast<std::uint32_t>(random >> 32);
      wire.send(source | 0x80000000, 0xc0000201, static_cast<std::uint16_t>(rest), 80, rest, 0, 2);
      if (i % (kSynsARound / kMarked) == 0) step(wire, i / (kSynsARound / kMarked), round);
      most = std::max(most, pipeline.flows_active());
    }
  }
  pipeline.finish();
  EXPECT_EQ(sink.whole, kMarked);
  EXPECT_EQ(sink.whole + sink.others, pipeline.flows());
  EXPECT(pipeline.flows() > 1'000'000);
  EXPECT(pipeline.flows_evicted() > 1'000'000);
  EXPECT(most <= kMarked + kFlowsMax / 4);
}

}  // namespace
}  // namespace catenary::sensor
