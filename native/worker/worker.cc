#include "worker/worker.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>

#include "capture/clock.h"
#include "event/record.h"
#include "sensor/reader.h"
#include "worker/channel.h"
#include "worker/message.h"
#include "worker/sandbox.h"

namespace catenary::worker {
namespace {

constexpr int kCommands = 0, kChannel = 3, kWake = 4;
constexpr std::uint64_t kPacketsPerTurn = 1 << 14;
constexpr Nanos kTellEvery = kSecond / 4;
constexpr std::size_t kCommandMax = 4096;

int complain(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  return 1;
}

template <class T>
bool number(std::string_view text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

bool bytes_of(std::string_view digits, void* to, std::size_t n) {
  if (digits.size() != 2 * n) return false;
  for (std::size_t i = 0; i < n; i++) {
    unsigned v = 0;
    const auto [end, error] = std::from_chars(digits.data() + 2 * i, digits.data() + 2 * i + 2, v, 16);
    if (error != std::errc{} || end != digits.data() + 2 * i + 2) return false;
    static_cast<std::uint8_t*>(to)[i] = static_cast<std::uint8_t>(v);
  }
  return true;
}

struct Arguments {
  sensor::ReaderOptions reader;
  std::optional<int> cpu;
  std::string error;
};

Arguments parse(int argc, char** argv) {
  Arguments a;
  auto& live = a.reader.live;
  packets::WriterOptions packets;
  files::StoreOptions files;
  for (int i = 1; i < argc; i++) {
    const std::string_view name = argv[i];
    if (name == "--quiet-interface") {
      live.promiscuous = false;
      continue;
    }
    if (name == "--adapter-clock") {
      live.clock = capture::Clock::kAdapter;
      continue;
    }
    const std::string_view value = ++i < argc ? argv[i] : "";
    bool is_good = !value.empty();
    int n = 0;
    if (name == "--interface") {
      a.reader.interface = value;
    } else if (name == "--filter") {
      live.filter = value;
    } else if (name == "--packets") {
      packets.dir = value;
    } else if (name == "--files") {
      files.dir = value;
    } else if (name == "--snaplen") {
      is_good = number(value, live.snaplen);
    } else if (name == "--buffer-mb") {
      is_good = number(value, n) && n > 0 && n < 2048;
      live.buffer_bytes = n << 20;
    } else if (name == "--workers") {
      is_good = number(value, live.fanout.workers) && live.fanout.workers <= capture::kWorkersMax;
    } else if (name == "--worker") {
      is_good = number(value, a.reader.worker);
    } else if (name == "--group") {
      is_good = number(value, live.fanout.group);
    } else if (name == "--cpu") {
      is_good = number(value, n);
      a.cpu = n;
    } else if (name == "--quarantine") {
      sensor::Crumb crumb;
      is_good = bytes_of(value, &crumb, sizeof crumb) && a.reader.pipeline.quarantined.size() < sensor::kQuarantinedMax;
      a.reader.pipeline.quarantined.push_back(crumb);
    } else if (name == "--epoch") {
      is_good = number(value, packets.epoch);
    } else if (name == "--segment-bytes") {
      is_good = number(value, packets.segment_bytes);
    } else if (name == "--segment-seconds") {
      is_good = number(value, n);
      packets.segment_time = n * kSecond;
    } else if (name == "--cutoff-bytes") {
      is_good = number(value, packets.cutoff_bytes);
    } else if (name == "--file-bytes") {
      is_good = number(value, files.file_bytes_max);
    } else if (name == "--source-bytes") {
      is_good = number(value, files.source_bytes_max);
    } else {
      is_good = false;
    }
    if (!is_good) a.error = std::string(name) + " " + std::string(value) + ": is not understood";
  }
  if (!packets.dir.empty()) a.reader.pipeline.packets = packets;
  if (!files.dir.empty()) a.reader.pipeline.files = files;
  if (a.reader.interface.empty()) a.error = "no interface is named";
  return a;
}

// What the sensor asks for, a line each.
class Commands {
 public:
  // Blocks for the first line, which is the key of the workers of this interface: it is in no command line.
  bool read_key(std::uint32_t& key) {
    while (line_.find('\n') == std::string::npos) {
      if (!read_more()) return false;
    }
    std::string_view text(line_);
    text = text.substr(0, text.find('\n'));
    const bool is_good = text.starts_with("key ") && bytes_of(text.substr(4), &key, sizeof key);
    line_.erase(0, text.size() + 1);
    return is_good;
  }
  // False when the sensor has said its last.
  bool obey(packets::Writer* writer) {
    pollfd ready{kCommands, POLLIN, 0};
    while (::poll(&ready, 1, 0) > 0) {
      if (!read_more()) return false;
    }
    for (std::size_t end = 0; (end = line_.find('\n')) != std::string::npos; line_.erase(0, end + 1)) {
      const std::string_view text = std::string_view(line_).substr(0, end);
      Uid uid;
      if (!writer) continue;
      if (text.starts_with("hold ") && uid_parse(text.substr(5), uid)) writer->hold(uid);
      if (text.starts_with("release ") && uid_parse(text.substr(8), uid)) writer->release(uid);
    }
    return line_.size() < kCommandMax;
  }

 private:
  bool read_more() {
    char bytes[kCommandMax];
    const ssize_t n = ::read(kCommands, bytes, sizeof bytes);
    if (n > 0) line_.append(bytes, static_cast<std::size_t>(n));
    return n > 0;
  }
  std::string line_;
};

class Drains final : public event::DrainSink {
 public:
  explicit Drains(ChannelWriter& out) : out_(out) {}
  void on_drain(std::span<const event::Batch> batches) override {
    const std::vector<std::uint8_t> table = drain_table(batches);
    std::vector<Bytes> parts{table};
    for (const event::Batch& b : batches) parts.push_back(b.bytes);
    out_.write(Type::kDrain, parts);
  }

 private:
  ChannelWriter& out_;
};

void tell_segments(packets::Writer* writer, ChannelWriter& out) {
  if (!writer) return;
  for (const packets::Segment& s : writer->take_closed()) {
    const std::vector<std::uint8_t> message = segment_message(s);
    const Bytes parts[] = {message};
    out.write(Type::kSegment, parts);
  }
}

Counted counted(sensor::Reader& reader, std::uint64_t turns) {
  sensor::Pipeline& p = reader.pipeline();
  const sensor::Counters& c = p.counters();
  const capture::SourceStats s = reader.stats();
  return {c.packets, c.wire_bytes, p.flows(), p.flows_evicted(), p.weirds(), micros(c.last),
          s.dropped, s.if_dropped, turns};
}

}  // namespace

int run(int argc, char** argv) {
  // The sensor ends us, whoever else is told to end; and when it is gone nobody listens.
  for (const int s : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(s, SIG_IGN);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The sensor's libraries do not all close what they open for whoever comes after.
  ::close_range(kWake + 1, ~0U, 0);
  Arguments a = parse(argc, argv);
  if (!a.error.empty()) return complain(a.error);
  Commands commands;
  if (!commands.read_key(a.reader.live.fanout.key)) return complain("no key was given");
  ::fcntl(kWake, F_SETFL, O_NONBLOCK);
  ChannelWriter channel(kChannel, kWake);
  if (!channel.ok()) return complain("there is no channel");
  if (a.cpu) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<unsigned>(*a.cpu), &one);
    if (::sched_setaffinity(0, sizeof one, &one) != 0)
      return complain("cpu " + std::to_string(*a.cpu) + ": " + std::strerror(errno) + " (see 'lscpu')");
  }
  a.reader.pipeline.key = sensor::random_key();
  a.reader.pipeline.crumb = &channel.crumb();
  a.reader.reopens = false;
  Drains drains(channel);
  sensor::Reader reader(a.reader, drains);
  Sandbox sandbox;
  sandbox.socket = reader.open();
  if (sandbox.socket < 0) return complain(reader.results().back().error);
  if (a.reader.pipeline.packets) sandbox.folders.push_back(a.reader.pipeline.packets->dir);
  if (a.reader.pipeline.files) sandbox.folders.push_back(a.reader.pipeline.files->dir);
  const Walls walls = enter(sandbox);
  if (!walls.error.empty()) return complain("the sandbox cannot be entered: " + walls.error);
  if (!walls.has_landlock) complain("this kernel has no Landlock: files are kept away by rights alone");

  packets::Writer* writer = reader.pipeline().packets();
  channel.write(Type::kReady, {});
  std::uint64_t turns = 0;
  Nanos told = 0;
  while (reader.run(kPacketsPerTurn)) {
    tell_segments(writer, channel);
    // To count takes a few reads of the kernel's own files: not at every drain.
    if (const Nanos now = capture::clock_of(CLOCK_MONOTONIC); now - told >= kTellEvery) {
      channel.counted() = counted(reader, ++turns);
      told = now;
    }
    if (!commands.obey(writer)) reader.stop();
  }
  tell_segments(writer, channel);
  channel.counted() = counted(reader, ++turns);
  channel.write(Type::kEnd, {});
  if (reader.results().back().error.empty()) return 0;
  complain(reader.results().back().error);
  return 3;
}

}  // namespace catenary::worker
