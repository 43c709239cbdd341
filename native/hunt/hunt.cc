#include "hunt/hunt.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "capture/filter.h"
#include "hunt/rules.h"
#include "packets/blocks.h"
#include "sensor/pipeline.h"

namespace catenary::hunt {

using flow::Dir;
using flow::Flow;

namespace {

constexpr std::size_t kRegexBytes = 8 << 20;  // of memory, compiled; RE2 refuses what needs more

// Events are nobody's here.
class Nowhere final : public event::DrainSink {
 public:
  void on_drain(std::span<const event::Batch>) override {}
};

// What a packet added to a window, up to where.
struct Mark {
  std::uint64_t end = 0;
  Nanos ts = 0;
};

// One direction of a stream, as far as it was not looked at in full.
struct Window {
  std::vector<std::uint8_t> bytes;
  std::vector<Mark> marks;
  std::uint64_t start = 0;  // where in the stream `bytes` begin
  std::uint64_t seen = 0;   // what ends before that place was told already
  Uid uid;
  std::uint64_t end() const noexcept { return start + bytes.size(); }
};

}  // namespace

struct Hunt::Impl final : sensor::ContentListener {
  Impl(Options o, std::string& error) : options(std::move(o)) {
    if (options.patterns.size() > kPatternsMax) {
      error = "more than " + std::to_string(kPatternsMax) + " patterns";
      return;
    }
    RE2::Options re;
    re.set_encoding(RE2::Options::EncodingLatin1);
    re.set_dot_nl(true);
    re.set_log_errors(false);
    re.set_max_mem(kRegexBytes);
    for (const Pattern& p : options.patterns) {
      if (p.regex.size() > kPatternBytesMax) {
        error = p.name + ": is longer than " + std::to_string(kPatternBytesMax) + " bytes";
        return;
      }
      regexes.push_back(std::make_unique<RE2>(p.regex, re));
      if (!regexes.back()->ok()) {
        error = p.name + ": " + regexes.back()->error();
        return;
      }
    }
    if (options.rules.size() > kRulesBytesMax) {
      error = "rules of more than " + std::to_string(kRulesBytesMax) + " bytes";
      return;
    }
    if (!options.rules.empty()) rules = std::make_unique<Rules>(options.rules, error);
    begin();
  }

  void begin() {
    sensor::PipelineOptions p;
    p.flows_max = options.flows_max;
    p.key = options.key;
    p.content = this;
    pipeline = std::make_unique<sensor::Pipeline>(p, sink);
    pipeline->events().want_all(false);
  }

  void packet(const packets::StoredPacket& stored) {
    counters.packets++;
    now = stored.raw.ts;
    flow_number = stored.flow;
    pipeline->packet(stored.raw);
  }

  // ---- what flows carry ---------------------------------------------------------------------------------------------

  Uid uid_of(const Flow& f) const noexcept { return flow_number == 0 ? f.uid : Uid{flow_number}; }

  void on_bytes(Flow& f, Dir dir, Bytes bytes) override {
    counters.bytes += bytes.size();
    Window& w = windows[{f.uid.value, dir == Dir::kOrig}];
    if (w.bytes.empty()) w.uid = uid_of(f);
    while (!bytes.empty() && !is_full()) {
      const Bytes part = bytes.first(std::min(bytes.size(), kWindowBytes - w.bytes.size()));
      w.bytes.insert(w.bytes.end(), part.begin(), part.end());
      held += part.size();
      w.marks.push_back({w.end(), now});
      bytes = bytes.subspan(part.size());
      if (w.bytes.size() == kWindowBytes) look(f, dir, w, false);
      if (held <= options.held_max) continue;
      counters.early++;
      look(f, dir, w, true);
    }
  }

  void on_lost(Flow& f, Dir dir, std::uint64_t bytes) override {
    counters.lost += bytes;
    Window& w = windows[{f.uid.value, dir == Dir::kOrig}];
    look(f, dir, w, true);
    w.start += bytes;
    w.seen = w.start;
  }

  void on_finished(Flow&, Dir) override {}
  bool wants_bytes(const Flow&) const override { return true; }
  void on_stream_weird(Flow&, Weird) override {}
  void on_conflict(Flow&, std::uint64_t, Bytes, Bytes) override {}

  void on_datagram(Flow& f, Dir dir, Bytes data) override {
    counters.bytes += data.size();
    if (data.empty() || is_full()) return;
    Window w;
    w.uid = uid_of(f);
    search(f, dir, w, data, true, false);
  }

  void on_end(Flow& f) override {
    for (const bool is_orig : {true, false}) {
      const auto it = windows.find({f.uid.value, is_orig});
      if (it == windows.end()) continue;
      look(f, is_orig ? Dir::kOrig : Dir::kResp, it->second, true);
      windows.erase(it);
    }
  }

  // ---- what is in them ----------------------------------------------------------------------------------------------

  // Of what is not final the end stays, for what goes on behind it.
  void look(const Flow& f, Dir dir, Window& w, bool is_final) {
    search(f, dir, w, w.bytes, is_final, true);
    const std::size_t keep = is_final ? 0 : std::min(kOverlapBytes, w.bytes.size());
    const std::uint64_t end = w.end();
    held -= w.bytes.size() - keep;
    w.bytes.erase(w.bytes.begin(), w.bytes.end() - static_cast<std::ptrdiff_t>(keep));
    if (is_final) w.bytes.shrink_to_fit();
    w.start = end - keep;
    w.seen = end;
    std::erase_if(w.marks, [&](const Mark& m) { return m.end <= w.start; });
  }

  void search(const Flow& f, Dir dir, const Window& w, Bytes bytes, bool is_final, bool is_stream) {
    if (bytes.empty()) return;
    const std::uint64_t end = w.start + bytes.size();
    const std::uint64_t tail = end - std::min<std::uint64_t>(kOverlapBytes, bytes.size());
    // What touches the end may go on: it is told with the next window, if that can see its beginning.
    const auto tell = [&](const std::string& name, std::size_t at, std::size_t length) {
      const std::uint64_t from = w.start + at, to = from + length;
      const bool waits = !is_final && to == end && from > tail;
      if (waits || to < w.seen || (to == w.seen && from + kOverlapBytes <= w.seen)) return;
      Hit h;
      h.pattern = name;
      h.uid = w.uid;
      h.ts = is_stream ? time_of(w, to) : now;
      h.orig_h = f.orig_h;
      h.resp_h = f.resp_h;
      h.orig_p = f.orig_p;
      h.resp_p = f.resp_p;
      h.proto = f.proto;
      h.is_orig = dir == Dir::kOrig;
      h.is_stream = is_stream;
      h.offset = from;
      h.length = length;
      const Bytes excerpt = bytes.subspan(at, std::min(length, kExcerptBytes));
      h.excerpt.assign(excerpt.begin(), excerpt.end());
      hits.push_back(std::move(h));
      found++;
    };
    const re2::StringPiece text(as_text(bytes).data(), bytes.size());
    for (std::size_t i = 0; i < regexes.size(); i++) {
      re2::StringPiece match;
      for (std::size_t at = 0; at < bytes.size() && !is_full();) {
        if (!regexes[i]->Match(text, at, bytes.size(), RE2::UNANCHORED, &match, 1)) break;
        const std::size_t start = static_cast<std::size_t>(match.data() - text.data());
        // Nothing, found everywhere, is found nowhere.
        if (!match.empty()) tell(options.patterns[i].name, start, match.size());
        at = start + std::max<std::size_t>(1, match.size());
      }
    }
    if (!rules || is_full()) return;
    if (!rules->scan(bytes, [&](const char* rule, std::size_t at, std::size_t n) {
          if (!is_full()) tell(rule, at, n);
        })) {
      counters.slow++;
    }
  }

  Nanos time_of(const Window& w, std::uint64_t end) const noexcept {
    const auto it = std::find_if(w.marks.begin(), w.marks.end(), [&](const Mark& m) { return m.end >= end; });
    return it == w.marks.end() ? now : it->ts;
  }

  bool is_full() const noexcept { return found >= options.hits_max; }

  struct Key {
    std::uint64_t flow;
    bool is_orig;
    bool operator==(const Key&) const noexcept = default;
  };
  // A flow's number is a keyed hash of its tuple already, by the sensor's own time: it is keyed again, since who sends
  // traffic can compute it.
  struct Hash {
    SipKey key;
    std::size_t operator()(const Key& k) const noexcept {
      std::array<std::uint8_t, 9> in{};
      packets::put64(in.data(), k.flow);
      in[8] = k.is_orig;
      return static_cast<std::size_t>(siphash(key, in));
    }
  };

  Options options;
  std::vector<std::unique_ptr<RE2>> regexes;
  std::unique_ptr<Rules> rules;
  Nowhere sink;
  std::unordered_map<Key, Window, Hash> windows{16, Hash{options.key}};
  std::unique_ptr<sensor::Pipeline> pipeline;
  std::vector<Hit> hits;
  std::size_t found = 0, held = 0;
  Counters counters;
  Nanos now = 0;
  std::uint64_t flow_number = 0;
};

Hunt::Hunt(Options options, std::string& error) : impl_(std::make_unique<Impl>(std::move(options), error)) {}

Hunt::~Hunt() {
  // Flows that are open end without a look: nobody asks any more.
  if (impl_->pipeline) impl_->found = impl_->options.hits_max;
}

namespace {

// LINKTYPE_ values of the interfaces before the first packet, or of all that there are.
std::vector<std::uint32_t> linktypes_of(packets::StoredFile& file, bool is_all) {
  std::vector<std::uint32_t> out;
  for (std::uint64_t at = 0;;) {
    const packets::StoredBlock block = packets::block_at(file, at);
    if (block.bytes == 0 || (block.type == packets::kPacketBlock && !is_all)) return out;
    if (block.type == packets::kInterfaceBlock) out.push_back(block.linktype);
    at += block.bytes;
  }
}

}  // namespace

std::string Hunt::segment(const std::string& path, const std::string& filter, std::span<const std::uint32_t> offsets,
                          bool is_all) {
  packets::StoredFile file(path);
  capture::Filter program(filter);
  std::string error;
  std::vector<std::uint32_t> linktypes = linktypes_of(file, is_all);
  const auto one = [&](std::uint64_t at) {
    packets::StoredPacket stored;
    if (!packets::packet_at(file, at, linktypes, stored)) {
      // Of an interface that came later than the first packet.
      linktypes = linktypes_of(file, true);
      if (!packets::packet_at(file, at, linktypes, stored)) error = path + ":" + std::to_string(at) + ": is no packet";
    }
    if (error.empty() && (program.empty() || program.match(stored.raw, error))) impl_->packet(stored);
    return error.empty() && !is_full();
  };
  if (is_all) {
    for (std::uint64_t at = 0;;) {
      const packets::StoredBlock block = packets::block_at(file, at);
      if (block.bytes == 0 || (block.type == packets::kPacketBlock && !one(at))) break;
      at += block.bytes;
    }
  } else {
    std::all_of(offsets.begin(), offsets.end(), one);
  }
  if (!error.empty()) return error;
  return file.error() == 0 ? "" : path + ": " + std::generic_category().message(file.error());
}

void Hunt::finish() {
  impl_->pipeline->finish();
  impl_->windows.clear();
  impl_->held = 0;
  impl_->begin();
}

std::vector<Hit> Hunt::take_hits() { return std::exchange(impl_->hits, {}); }
bool Hunt::is_full() const noexcept { return impl_->is_full(); }
const Counters& Hunt::counters() const noexcept { return impl_->counters; }

}  // namespace catenary::hunt
