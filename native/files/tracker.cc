#include "files/tracker.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/siphash.h"
#include "event/gen/file.gen.h"
#include "files/magic.h"
#include "flow/flow.h"

namespace catenary::files {

namespace {

constexpr std::string_view kAnalyzers[kHashCount] = {"md5", "sha1", "sha256"};

// 'F' and 17 base-62 digits. The key is no secret: an id has to be the same in every run over the same packets, and
// no table is keyed with it.
void make_fuid(const flow::Flow& f, const Opening& o, Nanos now, std::array<char, kFuidBytes>& out) {
  static constexpr char kDigits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::array<std::uint64_t, 2> words{};
  for (std::size_t i = 0; i < words.size(); i++) {
    SipHasher h({0x6361'7465'6e61'7279ULL, i});
    h.word(f.uid.value);
    h.word(static_cast<std::uint64_t>(now));
    h.word((std::uint64_t{o.ordinal} << 32) | o.depth);
    words[i] = h.finish(flow::index(o.dir));
  }
  out[0] = 'F';
  // 62^9 < 2^54: each word yields nine digits at most without a visible bias.
  for (std::size_t i = 1; i < out.size(); i++) {
    std::uint64_t& w = words[i < 10 ? 0 : 1];
    out[i] = kDigits[w % 62];
    w /= 62;
  }
}

double entropy_of(const std::array<std::uint32_t, 256>& histogram, std::uint64_t total) noexcept {
  double bits = 0;
  for (const std::uint32_t n : histogram) {
    if (n == 0) continue;
    const double p = static_cast<double>(n) / static_cast<double>(total);
    bits -= p * std::log2(p);
  }
  return bits;
}

std::optional<std::string_view> set_unless_empty(std::string_view s) {
  return s.empty() ? std::nullopt : std::optional(s);
}

}  // namespace

Tracker::Tracker(event::Batcher&, Limits limits, Store* store) : limits_(limits), store_(store) {}
Tracker::~Tracker() = default;

File* Tracker::open(flow::Context& cx, const Opening& o) {
  if (free_.empty()) {
    if (slots_.size() >= limits_.open_max) {
      shed_++;
      cx.weird(Weird::file_open_limit, o.source);
      return nullptr;
    }
    slots_.push_back(std::make_unique<File>());
    free_.push_back(slots_.back().get());
  }
  File& f = *free_.back();
  free_.pop_back();
  opened_++;
  make_fuid(cx.flow, o, cx.now, f.fuid_);
  f.source_ = o.source;
  f.dir_ = o.dir;
  f.depth_ = o.depth;
  f.total_ = o.total_bytes;
  f.mime_type_ = o.mime_type;
  f.is_typed_ = !o.mime_type.empty();
  f.has_hole_ = false;
  f.first_ = f.last_ = cx.now;
  f.seen_ = f.missing_ = f.overflow_ = 0;
  f.sniffed_ = 0;
  if (limits_.hashes)
    f.digests_.start(algorithms_);
  else
    f.digests_.stop();
  if (limits_.entropy) {
    if (!f.histogram_) f.histogram_ = std::make_unique<std::array<std::uint32_t, 256>>();
    f.histogram_->fill(0);
  }
  if (store_) {
    store_->open(f.carving_, f.fuid(), f.source_, cx.now);
    if (f.is_typed_) store_->typed(f.carving_, f.fuid(), f.mime_type_);
  }
  return &f;
}

void Tracker::set_total(File* file, std::uint64_t bytes) noexcept {
  if (file) file->total_ = bytes;
}

void Tracker::overflow(File* file, std::uint64_t n) noexcept {
  if (!file) return;
  file->overflow_ += n;
  set_partial(file);
}

void Tracker::set_partial(File* file) noexcept {
  if (!file) return;
  file->has_hole_ = true;
  file->digests_.stop();
}

void Tracker::bytes(flow::Context& cx, File* file, Bytes chunk) {
  bytes(cx.now, file, chunk);
  if (!file || file->carving_.fd < 0) return;
  cx.flow.kept_base = cx.flow.ends[0].ip_bytes + cx.flow.ends[1].ip_bytes;
  carved_ = cx.flow.uid;
}

void Tracker::bytes(Nanos now, File* file, Bytes chunk) {
  if (!file || chunk.empty()) return;
  File& f = *file;
  f.last_ = std::max(f.last_, now);
  if (!f.is_typed_) sniff(f, chunk);
  f.seen_ += chunk.size();
  f.digests_.update(chunk);
  if (store_) store_->bytes(f.carving_, f.fuid(), chunk, now);
  if (limits_.entropy) {
    // Saturates where the share of a byte value no longer changes visibly.
    for (const std::uint8_t b : chunk) {
      std::uint32_t& n = (*f.histogram_)[b];
      if (n != 0xffffffff) n++;
    }
  }
}

void Tracker::gap(Nanos now, File* file, std::uint64_t n) {
  if (!file || n == 0) return;
  // What came before the hole is all of the beginning there will ever be.
  decide_type(file);
  file->last_ = std::max(file->last_, now);
  file->missing_ += n;
  if (store_) store_->gap(file->carving_, file->fuid(), n);
  set_partial(file);
}

void Tracker::sniff(File& f, Bytes chunk) {
  const bool is_first = f.sniffed_ == 0 && !f.sniff_;
  if (is_first && chunk.size() >= kSniffBytes) {
    f.mime_type_ = mime_type(chunk.first(kSniffBytes));
    f.is_typed_ = true;
    if (store_) store_->typed(f.carving_, f.fuid(), f.mime_type_);
    return;
  }
  if (!f.sniff_) {
    if (buffers_.empty()) buffers_.push_back(std::make_unique<std::array<std::uint8_t, kSniffBytes>>());
    f.sniff_ = std::move(buffers_.back());
    buffers_.pop_back();
  }
  const std::size_t n = std::min(chunk.size(), kSniffBytes - f.sniffed_);
  std::memcpy(f.sniff_->data() + f.sniffed_, chunk.data(), n);
  f.sniffed_ += static_cast<std::uint32_t>(n);
  if (f.sniffed_ == kSniffBytes) decide_type(&f);
}

std::string_view Tracker::decide_type(File* file) {
  if (!file) return {};
  File& f = *file;
  if (!f.is_typed_) {
    f.is_typed_ = true;
    if (f.sniffed_ > 0) f.mime_type_ = mime_type(Bytes{f.sniff_->data(), f.sniffed_});
    if (store_) store_->typed(f.carving_, f.fuid(), f.mime_type_);
  }
  if (f.sniff_) buffers_.push_back(std::move(f.sniff_));
  f.sniffed_ = 0;
  return f.mime_type_;
}

Carrier carrier_of(const flow::Flow& f) noexcept {
  Carrier c{f.uid, f.orig_h, f.resp_h, f.orig_p, f.resp_p, f.proto, std::nullopt, f.is_partial};
  if (f.vlan_tags > 0) c.vlan = f.vlan;
  return c;
}

std::string_view Tracker::close(flow::Context& cx, File*& file, End end, const Names& names) {
  const Carrier carrier = carrier_of(cx.flow);
  return close(cx.events, file, end, names, {&carrier, 1});
}

std::string_view Tracker::close(event::Batcher& events, File*& file, End end, const Names& names,
                                std::span<const Carrier> carriers) {
  if (!file) return {};
  File& f = *file;
  file = nullptr;
  const std::string_view mime = decide_type(&f);

  FileEvent e;
  e.ts = micros(f.first_);
  e.fuid = f.fuid();
  e.source = f.source_;
  e.depth = f.depth_;
  e.mime_type = set_unless_empty(mime);
  e.filename = set_unless_empty(names.filename);
  e.url = set_unless_empty(names.url);
  e.host = set_unless_empty(names.host);
  e.parent_fuid = set_unless_empty(names.parent_fuid);
  e.duration = seconds(f.last_ - f.first_);
  e.is_orig = f.dir_ == flow::Dir::kOrig;
  e.direction = e.is_orig ? "upload" : "download";
  e.seen_bytes = f.seen_;
  e.missing_bytes = f.missing_;
  e.overflow_bytes = f.overflow_;
  e.total_bytes = f.total_;
  e.timedout = end == End::kTimedOut;
  if (limits_.entropy && f.seen_ > 0) e.entropy = entropy_of(*f.histogram_, f.seen_);

  // A file that its protocol broke off is not whole, so it has no hash; one without a declared size may be.
  const bool is_short = f.total_ && f.seen_ < *f.total_;
  if (f.has_hole_ || is_short || end == End::kTimedOut) f.digests_.stop();
  DigestSet::Texts hex;
  const std::array<std::string_view, kHashCount> digests = f.digests_.hex(hex);
  std::array<std::string_view, kHashCount> analyzers;
  std::size_t count = 0;
  for (std::size_t i = 0; i < kHashCount; i++) {
    if (!digests[i].empty()) analyzers[count++] = kAnalyzers[i];
  }
  e.md5 = set_unless_empty(digests[0]);
  e.sha1 = set_unless_empty(digests[1]);
  e.sha256 = set_unless_empty(digests[2]);
  std::array<char, 80> kept;
  if (store_) {
    if (const std::string_view name = store_->close(f.carving_, f.fuid(), digests[2], kept); !name.empty()) {
      e.extracted = name;
      e.extracted_cutoff = false;
      e.extracted_size = f.carving_.size;
    }
  }
  e.analyzers = {analyzers.data(), count};
  for (const Carrier& c : carriers) {
    e.uid = c.uid;
    e.orig_h = c.orig_h;
    e.orig_p = c.orig_p;
    e.resp_h = c.resp_h;
    e.resp_p = c.resp_p;
    e.proto = c.proto;
    e.vlan = c.vlan;
    e.mid_stream = c.mid_stream;
    e.tx_host = e.is_orig ? c.orig_h : c.resp_h;
    e.rx_host = e.is_orig ? c.resp_h : c.orig_h;
    events.emit(e);
  }

  f.digests_.stop();
  free_.push_back(&f);
  return mime;
}

}  // namespace catenary::files
