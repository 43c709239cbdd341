// Packets kept beside decoding: each knows its flow, counters agree with the pipeline's own.
#include <stdlib.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "base/cursor.h"
#include "base/test.h"
#include "event/json.h"
#include "event/record.h"
#include "sensor/pipeline.h"

namespace catenary::sensor {
namespace {

struct Uids final : event::DrainSink {
  std::vector<std::string> lines;
  void on_drain(std::span<const event::Batch> batches) override {
    for (const event::Batch& b : batches)
      if (b.kind == Kind::conn)
        for (std::string& line : event::json_lines(b.kind, b.bytes)) lines.push_back(std::move(line));
  }
};

// Ethernet, IPv4, UDP from 10.0.0.1:1000 to 10.0.0.2:port, with a payload of zeros.
std::vector<std::uint8_t> udp(std::uint16_t port, std::uint8_t payload) {
  std::vector<std::uint8_t> p =
      test::hex("020000000002 020000000001 0800 4500 0000 0000 0000 4011 0000 0a000001 0a000002");
  p[17] = static_cast<std::uint8_t>(28 + payload);
  const std::uint8_t header[8] = {1000 >> 8,
                                  1000 & 0xff,
                                  static_cast<std::uint8_t>(port >> 8),
                                  static_cast<std::uint8_t>(port),
                                  0,
                                  static_cast<std::uint8_t>(8 + payload),
                                  0,
                                  0};
  p.insert(p.end(), header, header + 8);
  p.resize(p.size() + payload);
  return p;
}

TEST(pipeline_packets, every_packet_carries_the_number_in_its_flows_uid) {
  char name[] = "/tmp/catenary-pipeline-XXXXXX";
  const std::string dir = ::mkdtemp(name);
  Uids sink;
  PipelineOptions options;
  options.packets.emplace().dir = dir;
  options.packets->cutoff_bytes = 200;
  Pipeline pipeline(options, sink);
  const auto a = udp(53530, 100), b = udp(9, 20);
  const auto arp =
      test::hex("ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001 0a000001 000000000000 0a000002");
  Nanos now = 1'700'000'000 * kSecond;
  for (int i = 0; i < 4; i++) pipeline.packet({now++, static_cast<std::uint32_t>(a.size()), 1, a});
  pipeline.packet({now++, static_cast<std::uint32_t>(b.size()), 1, b});
  pipeline.packet({now++, static_cast<std::uint32_t>(arp.size()), 1, arp});
  pipeline.finish();
  const auto closed = pipeline.packets()->take_closed();
  EXPECT_EQ(closed.size(), 1U);
  EXPECT_EQ(closed[0].counters.taken, pipeline.counters().packets);
  // 128 bytes a packet: two begin below 200, two do not.
  EXPECT_EQ(closed[0].counters.cutoff, 2U);
  EXPECT_EQ(closed[0].counters.written, 4U);

  std::ifstream in(dir + "/" + closed[0].name, std::ios::binary);
  const std::vector<std::uint8_t> file{std::istreambuf_iterator<char>(in), {}};
  std::multiset<std::uint64_t> flows;
  for (Cursor c(file); c.ok() && !c.done();) {
    Cursor head = c;
    const std::uint32_t type = head.le32(), size = head.le32();
    const Bytes block = c.take(size);
    if (type != packets::kPacketBlock) continue;
    Cursor id(block.last(16));
    flows.insert(id.le64());
  }
  EXPECT_EQ(flows.size(), 4U);
  EXPECT_EQ(flows.count(0), 1U);
  EXPECT_EQ(sink.lines.size(), 2U);
  std::size_t named = 0;
  for (const std::uint64_t flow : std::set<std::uint64_t>(flows.begin(), flows.end())) {
    char text[12];
    uid_text(Uid{flow}, text);
    for (const std::string& line : sink.lines) named += line.find(std::string_view(text, 12)) != std::string::npos;
  }
  EXPECT_EQ(named, 2U);
  std::filesystem::remove_all(dir);
}

TEST(pipeline_packets, without_the_option_nothing_is_kept) {
  Uids sink;
  Pipeline pipeline(PipelineOptions{}, sink);
  EXPECT(pipeline.packets() == nullptr);
}

}  // namespace
}  // namespace catenary::sensor
