// catenary-native: the native core behind a command line, without Node. For sanitizers, fuzz triage,
// profiles and measuring; `catenary` is the product.
//
//   catenary-native read FILE... [--json] [--kinds conn,dns] [--filter BPF] [--late]
//   catenary-native send FILE INTERFACE [PACKETS_A_SECOND]
//   catenary-native stage capture|decode|flow|parse FILE
//   catenary-native flood INTERFACE PACKETS_A_SECOND SECONDS MARKED
//   catenary-native listen INTERFACE [--count] [--buffer MB]
//
// `read` prints events as JSON lines with --json, then one JSON line: {"packets":N,...}; --late ends flows by the
// newest packet's time, as Zeek. `send` puts the packets of a capture on an interface, for tests, and prints
// {"sent":N}. `stage` goes a part of the way, for measuring: reads packets; decodes them too; makes flows of them too;
// parses these too, and only hashes no file. `flood` and `listen` measure live capture (rate.h). Exit 1 when a file
// could not be read to its end or not all was sent, 2 for wrong usage.
#include <pcap/pcap.h>
#include <sys/resource.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cli/rate.h"
#include "decode/arp/arp.gen.h"
#include "decode/decoder.h"
#include "event/json.h"
#include "sensor/reader.h"

using namespace catenary;

namespace {

class Printer final : public event::DrainSink {
 public:
  explicit Printer(bool prints) : prints_(prints) {}
  void on_drain(std::span<const event::Batch> batches) override {
    for (const event::Batch& b : batches) {
      bytes_ += b.bytes.size();
      if (!prints_) continue;
      for (const std::string& line : event::json_lines(b.kind, b.bytes)) std::puts(line.c_str());
    }
  }
  std::uint64_t bytes() const { return bytes_; }

 private:
  bool prints_;
  std::uint64_t bytes_ = 0;
};

int usage(const char* what) {
  std::fprintf(
      stderr,
      "catenary-native: %s\nusage: catenary-native read FILE... [--json] [--kinds A,B] [--filter BPF] [--late]\n"
      "       catenary-native send FILE INTERFACE [PACKETS_A_SECOND]\n"
      "       catenary-native stage capture|decode|flow|parse FILE\n"
      "       catenary-native flood INTERFACE PACKETS_A_SECOND SECONDS MARKED\n"
      "       catenary-native listen INTERFACE [--count] [--buffer MB]\n",
      what);
  return 2;
}

int send(const char* file, const char* interface, double rate) {
  std::string error;
  const std::unique_ptr<capture::Source> source = capture::open_file(file, {}, error);
  if (!source) {
    std::fprintf(stderr, "catenary-native: %s: %s\n", file, error.c_str());
    return 1;
  }
  char message[PCAP_ERRBUF_SIZE] = "";
  pcap_t* out = pcap_open_live(interface, 64, 0, 0, message);
  if (!out) {
    std::fprintf(stderr, "catenary-native: %s: %s\n", interface, message);
    return 1;
  }
  timespec begun{};
  clock_gettime(CLOCK_MONOTONIC, &begun);
  std::uint64_t sent = 0, failed = 0;
  for (capture::RawPacket p; source->next(p) == capture::Next::kPacket;) {
    if (rate > 0) {
      const double at = static_cast<double>(sent + failed) / rate;
      timespec due = begun;
      due.tv_sec += static_cast<time_t>(at);
      due.tv_nsec += static_cast<long>((at - static_cast<double>(static_cast<time_t>(at))) * 1e9);
      if (due.tv_nsec >= 1'000'000'000) {
        due.tv_sec++;
        due.tv_nsec -= 1'000'000'000;
      }
      clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, nullptr);
    }
    pcap_inject(out, p.data.data(), p.data.size()) == static_cast<int>(p.data.size()) ? sent++ : failed++;
  }
  pcap_close(out);
  std::printf("{\"sent\":%llu,\"failed\":%llu}\n", static_cast<unsigned long long>(sent),
              static_cast<unsigned long long>(failed));
  return failed > 0 ? 1 : 0;
}

int listen(int argc, char** argv) {
  capture::LiveOptions options;
  bool only_counts = false;
  for (int i = 3; i < argc; i++) {
    if (std::strcmp(argv[i], "--count") == 0)
      only_counts = true;
    else if (std::strcmp(argv[i], "--buffer") == 0 && i + 1 < argc)
      options.buffer_bytes = std::atoi(argv[++i]) << 20;
    else
      return usage(argv[i]);
  }
  return cli::listen(argv[2], only_counts, options);
}

class Counter final : public decode::Sink {
 public:
  void on_ip(const decode::Packet& p) override { bytes += p.payload_len; }
  void on_arp(ArpEvent&, const decode::Packet&) override {}
  void on_neighbour(NeighbourEvent&, const decode::Packet&) override {}
  void on_weird(Weird, const decode::Packet&) override {}
  std::uint64_t bytes = 0;
};

int stage(std::string_view name, const char* file) {
  const bool decodes = name == "decode", parses = name == "parse";
  if (!decodes && !parses && name != "capture" && name != "flow")
    return usage("the stages are capture, decode, flow and parse");
  if (parses || name == "flow") {
    sensor::ReaderOptions options;
    options.files.emplace_back(file);
    options.pipeline.key = sensor::random_key();
    options.pipeline.parses = parses;
    options.pipeline.hashes = false;
    Printer printer(false);
    sensor::Reader reader(std::move(options), printer);
    reader.pipeline().events().want_all(false);
    while (reader.run(1 << 20)) {
    }
    std::printf("{\"packets\":%llu}\n", static_cast<unsigned long long>(reader.pipeline().counters().packets));
    return reader.results().front().error.empty() ? 0 : 1;
  }
  std::string error;
  const std::unique_ptr<capture::Source> source = capture::open_file(file, {}, error);
  if (!source) {
    std::fprintf(stderr, "catenary-native: %s: %s\n", file, error.c_str());
    return 1;
  }
  Counter counter;
  decode::Decoder decoder(counter, sensor::random_key());
  std::uint64_t packets = 0;
  for (capture::RawPacket raw; source->next(raw) == capture::Next::kPacket; packets++) {
    decode::Packet p;
    p.ts = raw.ts;
    p.wire_len = raw.wire_len;
    p.frame = raw.data;
    if (decodes) decoder.link(raw.linktype, p);
  }
  std::printf("{\"packets\":%llu,\"ip_payload_bytes\":%llu}\n", static_cast<unsigned long long>(packets),
              static_cast<unsigned long long>(counter.bytes));
  return 0;
}

bool want_kinds(sensor::Reader& reader, std::string_view list) {
  reader.pipeline().events().want_all(false);
  while (!list.empty()) {
    const std::string_view name = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), name.size() + 1));
    bool found = false;
    for (const Kind k : kKinds) {
      if (kind_name(k) != name) continue;
      reader.pipeline().events().want(k, true);
      found = true;
    }
    if (!found) return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if ((argc == 4 || argc == 5) && std::strcmp(argv[1], "send") == 0)
    return send(argv[2], argv[3], argc == 5 ? std::atof(argv[4]) : 0);
  if (argc == 4 && std::strcmp(argv[1], "stage") == 0) return stage(argv[2], argv[3]);
  if (argc == 6 && std::strcmp(argv[1], "flood") == 0)
    return cli::flood(argv[2], std::atof(argv[3]), std::atof(argv[4]), static_cast<std::uint32_t>(std::atoi(argv[5])));
  if (argc >= 3 && std::strcmp(argv[1], "listen") == 0) return listen(argc, argv);
  if (argc < 3 || std::strcmp(argv[1], "read") != 0)
    return usage("the first argument is 'read', 'send', 'stage', 'flood' or 'listen'");
  sensor::ReaderOptions options;
  options.pipeline.key = sensor::random_key();
  bool prints = false;
  const char* kinds = nullptr;
  for (int i = 2; i < argc; i++) {
    const bool has_value = i + 1 < argc;
    if (std::strcmp(argv[i], "--json") == 0) {
      prints = true;
    } else if (std::strcmp(argv[i], "--late") == 0) {
      options.pipeline.ends_late_flows = true;
    } else if (std::strcmp(argv[i], "--kinds") == 0 && has_value) {
      kinds = argv[++i];
    } else if (std::strcmp(argv[i], "--filter") == 0 && has_value) {
      options.live.filter = argv[++i];
    } else if (argv[i][0] == '-' && argv[i][1] != '\0') {
      return usage(argv[i]);
    } else {
      options.files.emplace_back(argv[i]);
    }
  }
  Printer printer(prints);
  sensor::Reader reader(std::move(options), printer);
  if (!prints) reader.pipeline().events().want_all(false);
  if (kinds && !want_kinds(reader, kinds)) return usage("no such kind");
  while (reader.run(1 << 20)) {
  }
  int rc = 0;
  for (const sensor::FileResult& f : reader.results()) {
    if (f.error.empty()) continue;
    std::fprintf(stderr, "catenary-native: %s: %s\n", f.path.c_str(), f.error.c_str());
    rc = 1;
  }
  const sensor::Counters& c = reader.pipeline().counters();
  rusage usage_now{};
  getrusage(RUSAGE_SELF, &usage_now);
  std::string events;
  for (const Kind k : kKinds) {
    const std::uint64_t n = reader.pipeline().events().total(k);
    if (n == 0) continue;
    events += (events.empty() ? "\"" : ",\"") + std::string(kind_name(k)) + "\":" + std::to_string(n);
  }
  std::printf(
      "{\"packets\":%llu,\"bytes\":%llu,\"flows\":%llu,\"weirds\":%llu,\"peak_memory_kb\":%ld,\"events\":{%s}}\n",
      static_cast<unsigned long long>(c.packets), static_cast<unsigned long long>(c.wire_bytes),
      static_cast<unsigned long long>(reader.pipeline().flows()),
      static_cast<unsigned long long>(reader.pipeline().weirds()), usage_now.ru_maxrss, events.c_str());
  return rc;
}
