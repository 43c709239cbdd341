// Packets at the border to JavaScript. src/capture validates options; what is missing here is a default.
#include "addon/evidence.h"

#include <algorithm>

#include "event/record.h"
#include "packets/digest.h"
#include "packets/match.h"

namespace catenary::addon {
namespace {

double number_or(const Napi::Object& o, const char* name, double fallback) {
  const Napi::Value v = o.Get(name);
  if (!v.IsNumber()) return fallback;
  const double d = v.As<Napi::Number>().DoubleValue();
  return d >= 0 && d <= 9e15 ? d : fallback;
}

// Nanoseconds do not fit a double; text does not round.
Napi::String nanos(Napi::Env env, Nanos t) { return Napi::String::New(env, std::to_string(t)); }

class DigestWorker final : public Napi::AsyncWorker {
 public:
  DigestWorker(Napi::Env env, std::string path)
      : Napi::AsyncWorker(env), path_(std::move(path)), deferred_(Napi::Promise::Deferred::New(env)) {}
  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override { digest_ = packets::digest_segment(path_); }
  void OnOK() override {
    const Napi::Env env = Env();
    Napi::Object o = Napi::Object::New(env);
    o.Set("sha256", digest_.sha256);
    o.Set("root", digest_.root);
    o.Set("bytes", static_cast<double>(digest_.bytes));
    o.Set("whole", static_cast<double>(digest_.whole));
    o.Set("blocks", static_cast<double>(digest_.blocks));
    o.Set("packets", static_cast<double>(digest_.packets));
    o.Set("first", nanos(env, digest_.first));
    o.Set("last", nanos(env, digest_.last));
    if (!digest_.error.empty()) o.Set("error", digest_.error);
    deferred_.Resolve(o);
  }
  void OnError(const Napi::Error& e) override { deferred_.Reject(e.Value()); }

 private:
  std::string path_;
  packets::SegmentDigest digest_;
  Napi::Promise::Deferred deferred_;
};

class TreeWorker final : public Napi::AsyncWorker {
 public:
  TreeWorker(Napi::Env env, std::string path)
      : Napi::AsyncWorker(env), path_(std::move(path)), deferred_(Napi::Promise::Deferred::New(env)) {}
  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override { tree_ = packets::tree_of_segment(path_); }
  void OnOK() override {
    const Napi::Env env = Env();
    Napi::Object o = Napi::Object::New(env);
    Napi::Uint32Array offsets = Napi::Uint32Array::New(env, tree_.offsets.size());
    std::copy(tree_.offsets.begin(), tree_.offsets.end(), offsets.Data());
    o.Set("offsets", offsets);
    o.Set("nodes", Napi::Buffer<std::uint8_t>::Copy(env, tree_.nodes.empty() ? nullptr : tree_.nodes.front().data(),
                                                    tree_.nodes.size() * sizeof(files::Sha256)));
    if (!tree_.error.empty()) o.Set("error", tree_.error);
    deferred_.Resolve(o);
  }
  void OnError(const Napi::Error& e) override { deferred_.Reject(e.Value()); }

 private:
  std::string path_;
  packets::SegmentTree tree_;
  Napi::Promise::Deferred deferred_;
};

Napi::Value tree_of_segment(const Napi::CallbackInfo& info) {
  auto* worker = new TreeWorker(info.Env(), info[0].ToString().Utf8Value());  // deletes itself
  const Napi::Promise promise = worker->promise();
  worker->Queue();
  return promise;
}

class MatchWorker final : public Napi::AsyncWorker {
 public:
  MatchWorker(Napi::Env env, std::string path, std::string filter, std::vector<std::uint32_t> offsets,
              std::vector<std::uint32_t> linktypes)
      : Napi::AsyncWorker(env),
        path_(std::move(path)),
        filter_(std::move(filter)),
        offsets_(std::move(offsets)),
        linktypes_(std::move(linktypes)),
        deferred_(Napi::Promise::Deferred::New(env)) {}
  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override { matches_ = packets::match_packets(path_, filter_, offsets_, linktypes_); }
  void OnOK() override {
    const Napi::Env env = Env();
    Napi::Object o = Napi::Object::New(env);
    o.Set("passed", Napi::Buffer<std::uint8_t>::Copy(env, matches_.passed.data(), matches_.passed.size()));
    o.Set("bytesRead", static_cast<double>(matches_.bytes_read));
    if (!matches_.error.empty()) o.Set("error", matches_.error);
    deferred_.Resolve(o);
  }
  void OnError(const Napi::Error& e) override { deferred_.Reject(e.Value()); }

 private:
  std::string path_, filter_;
  std::vector<std::uint32_t> offsets_, linktypes_;
  packets::Matches matches_;
  Napi::Promise::Deferred deferred_;
};

std::vector<std::uint32_t> numbers_of(const Napi::Value& v) {
  const auto a = v.As<Napi::Uint32Array>();
  return {a.Data(), a.Data() + a.ElementLength()};
}

Napi::Value match_packets(const Napi::CallbackInfo& info) {
  auto* worker = new MatchWorker(info.Env(), info[0].ToString().Utf8Value(), info[1].ToString().Utf8Value(),
                                 numbers_of(info[2]), numbers_of(info[3]));  // deletes itself
  const Napi::Promise promise = worker->promise();
  worker->Queue();
  return promise;
}

Napi::Value digest_segment(const Napi::CallbackInfo& info) {
  auto* worker = new DigestWorker(info.Env(), info[0].ToString().Utf8Value());  // deletes itself
  const Napi::Promise promise = worker->promise();
  worker->Queue();
  return promise;
}

}  // namespace

packets::WriterOptions packets_of(const Napi::Object& o) {
  packets::WriterOptions w;
  w.dir = o.Get("dir").ToString().Utf8Value();
  w.epoch = static_cast<std::uint32_t>(number_or(o, "epoch", w.epoch));
  w.first_n = static_cast<std::uint32_t>(number_or(o, "firstN", w.first_n));
  w.segment_bytes = static_cast<std::uint64_t>(number_or(o, "segmentBytes", static_cast<double>(w.segment_bytes)));
  w.segment_time = static_cast<Nanos>(number_or(o, "segmentSeconds", 60) * 1e9);
  w.cutoff_bytes = static_cast<std::uint64_t>(number_or(o, "cutoffBytes", 0));
  w.index_places_max =
      static_cast<std::size_t>(number_or(o, "indexPlacesMax", static_cast<double>(w.index_places_max)));
  return w;
}

files::StoreOptions files_of(const Napi::Object& o) {
  files::StoreOptions s;
  s.dir = o.Get("dir").ToString().Utf8Value();
  s.file_bytes_max = static_cast<std::uint64_t>(number_or(o, "maxBytes", static_cast<double>(s.file_bytes_max)));
  s.source_bytes_max =
      static_cast<std::uint64_t>(number_or(o, "sourceBytesMax", static_cast<double>(s.source_bytes_max)));
  if (!o.Get("mimes").IsArray()) return s;
  const auto mimes = o.Get("mimes").As<Napi::Array>();
  for (std::uint32_t i = 0; i < mimes.Length(); i++) s.mimes.push_back(mimes.Get(i).ToString().Utf8Value());
  return s;
}

Napi::Object file_counters_to_js(Napi::Env env, const files::StoreCounters& c) {
  Napi::Object o = Napi::Object::New(env);
  o.Set("kept", static_cast<double>(c.kept));
  o.Set("keptBytes", static_cast<double>(c.kept_bytes));
  o.Set("tooLong", static_cast<double>(c.too_long));
  o.Set("overBudget", static_cast<double>(c.over_budget));
  o.Set("tooManyOpen", static_cast<double>(c.too_many_open));
  o.Set("refused", static_cast<double>(c.refused));
  o.Set("unwanted", static_cast<double>(c.unwanted));
  return o;
}

Napi::Array segments_to_js(Napi::Env env, const std::vector<packets::Segment>& segments) {
  Napi::Array out = Napi::Array::New(env, segments.size());
  for (std::uint32_t i = 0; i < segments.size(); i++) {
    const Napi::HandleScope scope(env);
    const packets::Segment& s = segments[i];
    Napi::Object o = Napi::Object::New(env);
    o.Set("epoch", static_cast<double>(s.epoch));
    o.Set("n", static_cast<double>(s.n));
    o.Set("name", s.name);
    o.Set("bytes", static_cast<double>(s.bytes));
    o.Set("hasIndex", s.has_index);
    o.Set("from", nanos(env, s.from));
    o.Set("to", nanos(env, s.to));
    o.Set("taken", static_cast<double>(s.counters.taken));
    o.Set("decoded", static_cast<double>(s.counters.decoded));
    o.Set("written", static_cast<double>(s.counters.written));
    o.Set("cutoff", static_cast<double>(s.counters.cutoff));
    o.Set("notKept", static_cast<double>(s.counters.not_kept));
    o.Set("ringPackets", static_cast<double>(s.counters.ring_packets));
    o.Set("ringDrops", static_cast<double>(s.counters.ring_drops));
    o.Set("error", s.error);
    out.Set(i, o);
  }
  return out;
}

bool Holds::add(const std::string& uid, bool is_hold) {
  Uid parsed;
  if (!uid_parse(uid, parsed)) return false;
  const std::lock_guard lock(mutex_);
  if (pending_.size() >= kPendingMax) return false;
  pending_.emplace_back(parsed, is_hold);
  return true;
}

void Holds::apply(packets::Writer& writer) {
  std::vector<std::pair<Uid, bool>> pending;
  {
    const std::lock_guard lock(mutex_);
    pending.swap(pending_);
  }
  for (const auto& [uid, is_hold] : pending) {
    if (!is_hold) {
      writer.release(uid);
    } else if (!writer.hold(uid)) {
      refused_++;
    }
  }
}

Napi::Function define_digest_segment(Napi::Env env) {
  return Napi::Function::New(env, digest_segment, "digestSegment");
}

Napi::Function define_match_packets(Napi::Env env) { return Napi::Function::New(env, match_packets, "matchPackets"); }

Napi::Function define_tree_of_segment(Napi::Env env) {
  return Napi::Function::New(env, tree_of_segment, "treeOfSegment");
}

}  // namespace catenary::addon
