// The border to JavaScript: Reader and version() here, Memory in memory.cc. Everything behind it is free of N-API.
//
// Reader.next() decodes on a worker thread until a drain is full and resolves with one external
// ArrayBuffer and the table of its batches: one crossing a drain, never one an event. JavaScript may
// ask for the next drain before it has read the last one.
#include <napi.h>

#include <pcap/pcap.h>

#include <cstring>
#include <mutex>

#include "addon/channel.h"
#include "addon/drain.h"
#include "addon/evidence.h"
#include "addon/hunt.h"
#include "addon/memory.h"
#include "addon/notify.h"
#include "addon/store.h"
#include "addon/wire.h"
#include "sensor/reader.h"

namespace catenary::addon {
namespace {

constexpr std::uint64_t kPacketsPerCall = 1 << 16;

class Collector final : public event::DrainSink {
 public:
  void on_drain(std::span<const event::Batch> batches) override {
    Drain d;
    d.bytes = std::make_unique<std::vector<std::uint8_t>>();
    std::size_t size = 0;
    for (const event::Batch& b : batches) size += b.bytes.size();
    d.bytes->reserve(size);
    for (const event::Batch& b : batches) {
      d.batches.push_back({b.kind, b.count, b.first_seen, b.last_seen, d.bytes->size(), b.bytes.size()});
      d.bytes->insert(d.bytes->end(), b.bytes.begin(), b.bytes.end());
    }
    ready.push_back(std::move(d));
  }
  std::vector<Drain> ready;
};

// What the native side shares between the JavaScript object and a running job.
struct Job {
  explicit Job(sensor::ReaderOptions options) : reader(std::move(options), collector) {}
  std::mutex mutex;  // the reader works for one call at a time
  Collector collector;
  sensor::Reader reader;
  Holds holds;
};

class NextWorker final : public Napi::AsyncWorker {
 public:
  NextWorker(Napi::Env env, std::shared_ptr<Job> job)
      : Napi::AsyncWorker(env), job_(std::move(job)), deferred_(Napi::Promise::Deferred::New(env)) {}
  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    const std::lock_guard lock(job_->mutex);
    auto& ready = job_->collector.ready;
    packets::Writer* packets = job_->reader.pipeline().packets();
    if (packets) job_->holds.apply(*packets);
    while (ready.empty()) {
      if (!job_->reader.run(kPacketsPerCall)) break;
      if (ready.empty()) break;  // so that the caller can look at the summary and go on
    }
    if (packets) segments_ = packets->take_closed();
    is_progress_ = ready.empty() && (!job_->reader.is_done() || !segments_.empty());
    if (ready.empty()) return;
    drain_ = std::move(ready.front());
    ready.erase(ready.begin());
    has_drain_ = true;
  }
  void OnOK() override {
    if (has_drain_) return deferred_.Resolve(to_js(Env(), std::move(drain_), segments_));
    if (is_progress_) {
      return deferred_.Resolve(to_js(Env(), {std::make_unique<std::vector<std::uint8_t>>(), {}}, segments_));
    }
    deferred_.Resolve(Env().Null());
  }
  void OnError(const Napi::Error& e) override { deferred_.Reject(e.Value()); }

 private:
  std::shared_ptr<Job> job_;
  Napi::Promise::Deferred deferred_;
  Drain drain_;
  std::vector<packets::Segment> segments_;
  bool has_drain_ = false, is_progress_ = false;
};

class Reader final : public Napi::ObjectWrap<Reader> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Reader",
                       {InstanceMethod("next", &Reader::next), InstanceMethod("summary", &Reader::summary),
                        InstanceMethod("stop", &Reader::stop), InstanceMethod("hold", &Reader::hold),
                        InstanceMethod("release", &Reader::release)});
  }

  explicit Reader(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Reader>(info) {
    // src/capture validates; what is missing here is a default.
    const Napi::Object o = info[0].As<Napi::Object>();
    sensor::ReaderOptions options;
    options.pipeline.key = sensor::random_key();
    if (o.Get("files").IsArray()) {
      const Napi::Array files = o.Get("files").As<Napi::Array>();
      for (std::uint32_t i = 0; i < files.Length(); i++) options.files.push_back(files.Get(i).ToString());
    }
    if (o.Get("interface").IsString()) options.interface = o.Get("interface").ToString();
    if (o.Get("folder").IsString()) options.folder = o.Get("folder").ToString();
    if (o.Get("filter").IsString()) options.live.filter = o.Get("filter").ToString();
    if (o.Get("snaplen").IsNumber()) options.live.snaplen = o.Get("snaplen").ToNumber();
    if (o.Get("bufferMb").IsNumber()) options.live.buffer_bytes = o.Get("bufferMb").ToNumber().Int32Value() << 20;
    if (o.Get("promiscuous").IsBoolean()) options.live.promiscuous = o.Get("promiscuous").ToBoolean();
    if (o.Get("adapterClock").IsBoolean() && o.Get("adapterClock").ToBoolean())
      options.live.clock = capture::Clock::kAdapter;
    if (o.Get("packetsMax").IsNumber()) {
      options.packets_max = static_cast<std::uint64_t>(o.Get("packetsMax").ToNumber().DoubleValue());
    }
    if (o.Get("flowsMax").IsNumber()) {
      options.pipeline.flows_max = static_cast<std::size_t>(o.Get("flowsMax").ToNumber().DoubleValue());
    }
    options.pipeline.ends_late_flows = o.Get("endsLateFlows").ToBoolean();
    if (o.Get("packets").IsObject()) options.pipeline.packets = packets_of(o.Get("packets").As<Napi::Object>());
    if (o.Get("carve").IsObject()) options.pipeline.files = files_of(o.Get("carve").As<Napi::Object>());
    job_ = std::make_shared<Job>(std::move(options));
    if (!o.Get("kinds").IsArray()) return;
    event::Batcher& events = job_->reader.pipeline().events();
    events.want_all(false);
    const Napi::Array kinds = o.Get("kinds").As<Napi::Array>();
    for (std::uint32_t i = 0; i < kinds.Length(); i++) {
      const std::uint32_t kind = kinds.Get(i).ToNumber();
      if (kind < kKindCount) events.want(static_cast<Kind>(kind), true);
    }
  }

 private:
  Napi::Value next(const Napi::CallbackInfo& info) {
    auto* worker = new NextWorker(info.Env(), job_);  // deletes itself
    const Napi::Promise promise = worker->promise();
    worker->Queue();
    return promise;
  }

  // Counters as they stand between two drains: waits for a running next() to finish its packets.
  Napi::Value summary(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const std::lock_guard lock(job_->mutex);
    sensor::Reader& r = job_->reader;
    const sensor::Counters& c = r.pipeline().counters();
    Napi::Object o = Napi::Object::New(env);
    o.Set("packets", static_cast<double>(c.packets));
    o.Set("bytes", static_cast<double>(c.wire_bytes));
    o.Set("capturedBytes", static_cast<double>(c.captured_bytes));
    o.Set("flows", static_cast<double>(r.pipeline().flows()));
    o.Set("flowsEvicted", static_cast<double>(r.pipeline().flows_evicted()));
    o.Set("weirds", static_cast<double>(r.pipeline().weirds()));
    o.Set("firstTs", static_cast<double>(micros(c.first)));
    o.Set("lastTs", static_cast<double>(micros(c.last)));
    o.Set("position", static_cast<double>(r.position()));
    const capture::SourceStats s = r.stats();
    o.Set("kernelReceived", static_cast<double>(s.received));
    o.Set("kernelDropped", static_cast<double>(s.dropped));
    o.Set("interfaceDropped", static_cast<double>(s.if_dropped));
    o.Set("down", static_cast<double>(s.down) / 1e9);
    if (const files::Store* store = r.pipeline().file_store()) {
      o.Set("carved", file_counters_to_js(env, store->counters()));
    }
    o.Set("holdsRefused", static_cast<double>(job_->holds.refused()));
    Napi::Object events = Napi::Object::New(env);
    for (const Kind k : kKinds) {
      const std::uint64_t n = r.pipeline().events().total(k);
      if (n > 0) events.Set(std::string(kind_name(k)), static_cast<double>(n));
    }
    o.Set("events", events);
    Napi::Array files = Napi::Array::New(env);
    for (const sensor::FileResult& f : r.results()) {
      Napi::Object file = Napi::Object::New(env);
      file.Set("path", f.path);
      file.Set("packets", static_cast<double>(f.packets));
      file.Set("firstTs", static_cast<double>(micros(f.first)));
      file.Set("lastTs", static_cast<double>(micros(f.last)));
      if (!f.error.empty()) file.Set("error", f.error);
      files.Set(files.Length(), file);
    }
    o.Set("files", files);
    return o;
  }

  Napi::Value stop(const Napi::CallbackInfo& info) {
    job_->reader.stop();
    return info.Env().Undefined();
  }

  // (uid): whether it is one, and was taken; the decoder obeys before its next packets.
  Napi::Value hold(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), job_->holds.add(info[0].ToString().Utf8Value(), true));
  }
  Napi::Value release(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), job_->holds.add(info[0].ToString().Utf8Value(), false));
  }

  std::shared_ptr<Job> job_;
};

Napi::Value version(const Napi::CallbackInfo& info) {
  Napi::Object o = Napi::Object::New(info.Env());
  o.Set("libpcap", pcap_lib_version());
  return o;
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("Reader", Reader::define(env));
  exports.Set("Channel", define_channel(env));
  exports.Set("Memory", define_memory(env));
  exports.Set("Transposer", define_transposer(env));
  exports.Set("checkFrames", define_check_frames(env));
  exports.Set("Hunt", define_hunt(env));
  exports.Set("digestSegment", define_digest_segment(env));
  exports.Set("matchPackets", define_match_packets(env));
  exports.Set("treeOfSegment", define_tree_of_segment(env));
  exports.Set("crc32c", define_crc32c(env));
  exports.Set("compress", define_compress(env));
  exports.Set("decompress", define_decompress(env));
  exports.Set("notify", define_notify(env));
  exports.Set("version", Napi::Function::New(env, version));
  return exports;
}

NODE_API_MODULE(catenary, init)

}  // namespace
}  // namespace catenary::addon
