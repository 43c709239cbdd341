// catenary-native: the native core behind a command line, without Node. For sanitizers, fuzz triage,
// profiles and measuring; `catenary` is the product.
//
//   catenary-native read FILE... [--json] [--kinds conn,dns] [--filter BPF]
//
// Prints events as JSON lines with --json, then one JSON line: {"packets":N,...}. Exit 1 when a file
// could not be read to its end, 2 for wrong usage.
#include <sys/resource.h>

#include <cstdio>
#include <cstring>

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
      stderr, "catenary-native: %s\nusage: catenary-native read FILE... [--json] [--kinds A,B] [--filter BPF]\n", what);
  return 2;
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
  if (argc < 3 || std::strcmp(argv[1], "read") != 0) return usage("the first argument is 'read'");
  sensor::ReaderOptions options;
  options.pipeline.key = sensor::random_key();
  bool prints = false;
  const char* kinds = nullptr;
  for (int i = 2; i < argc; i++) {
    const bool has_value = i + 1 < argc;
    if (std::strcmp(argv[i], "--json") == 0) {
      prints = true;
    } else if (std::strcmp(argv[i], "--kinds") == 0 && has_value) {
      kinds = argv[++i];
    } else if (std::strcmp(argv[i], "--filter") == 0 && has_value) {
      options.filter = argv[++i];
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
