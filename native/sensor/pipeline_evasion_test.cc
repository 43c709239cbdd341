// Connections made to mislead: what the pipeline reads of the packets that a Linux kernel had, beside what that read.
#include <pcap/dlt.h>

#include <cstdlib>
#include <map>

#include "base/test.h"
#include "event/json.h"
#include "sensor/pipeline.h"

namespace catenary::sensor {
namespace {

constexpr Nanos kBegin = 1'700'000'000 * kSecond;

struct Told final : event::DrainSink {
  std::map<int, std::string> uris, weirds;  // by the originator's port
  std::map<int, int> conns;
  void on_drain(std::span<const event::Batch> batches) override {
    for (const event::Batch& b : batches) {
      for (const std::string& line : event::json_lines(b.kind, b.bytes)) {
        const int port = std::atoi(value(line, "orig_p").c_str());
        if (b.kind == Kind::http) uris[port] += value(line, "uri") + " ";
        if (b.kind == Kind::weird) weirds[port] += value(line, "name") + " ";
        if (b.kind == Kind::conn) conns[port]++;
      }
    }
  }
  static std::string value(const std::string& line, const std::string& name) {
    const std::size_t at = line.find('"' + name + "\":");
    if (at == std::string::npos) return {};
    const std::size_t from = at + name.size() + 3, end = line.find_first_of(",}", from);
    std::string out = line.substr(from, end - from);
    if (out.starts_with('"')) out = out.substr(1, out.size() - 2);
    return out;
  }
};

// "GET /real HTTP/1.0": the path, where the line came whole.
std::string path_of(std::string_view read) {
  const std::size_t end = read.find(" HTTP/1.0");
  return end == std::string_view::npos ? "" : std::string(read.substr(4, end - 4));
}

TEST(pipeline_evasion, what_linux_read_is_what_is_parsed) {
  struct Row {
    const char* name;
    int port;
    const char *read, *weird;
  };
  constexpr Row kRows[] = {
#include "flow/oracle/evasions.inc"
  };
  struct Frame {
    Nanos at;
    const char* bytes;
  };
  constexpr Frame kFrames[] = {
#include "flow/oracle/evasions_frames.inc"
  };
  Told told;
  Pipeline pipeline({}, told);
  for (const Frame& f : kFrames) {
    const std::vector<std::uint8_t> frame = test::hex(f.bytes);
    pipeline.packet({kBegin + f.at, static_cast<std::uint32_t>(frame.size()), DLT_EN10MB, frame});
  }
  pipeline.finish();
  for (const Row& row : kRows) {
    const std::string path = path_of(row.read);
    const std::string seen = std::string(row.name) + ": " + told.uris[row.port];
    EXPECT_EQ(seen, std::string(row.name) + ": " + (path.empty() ? "" : path + " "));
    // Each trick has its name; what is no trick to this end has none.
    const std::string names = std::string(row.name) + ": " + told.weirds[row.port];
    if (*row.weird != '\0') EXPECT_HAS(names, row.weird);
    EXPECT_EQ(told.conns[row.port], 1);
  }
  EXPECT_EQ(std::size(kRows), 31u);
}

}  // namespace
}  // namespace catenary::sensor
