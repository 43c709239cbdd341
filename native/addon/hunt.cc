#include "addon/hunt.h"

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "event/record.h"
#include "hunt/hunt.h"
#include "sensor/reader.h"

namespace catenary::addon {
namespace {

// What the JavaScript object and a running search share.
struct Job {
  Job(hunt::Options options, std::string& error) : hunt(std::move(options), error) {}
  std::mutex mutex;  // it searches for one call at a time
  hunt::Hunt hunt;
};

class HuntWorker final : public Napi::AsyncWorker {
 public:
  struct Segment {
    std::string path, filter;
    std::vector<std::uint32_t> offsets;
    bool is_all = false;
  };

  // Without a segment: the end.
  HuntWorker(Napi::Env env, std::shared_ptr<Job> job, std::optional<Segment> segment)
      : Napi::AsyncWorker(env),
        job_(std::move(job)),
        segment_(std::move(segment)),
        deferred_(Napi::Promise::Deferred::New(env)) {}
  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    const std::lock_guard lock(job_->mutex);
    if (segment_) {
      error_ = job_->hunt.segment(segment_->path, segment_->filter, segment_->offsets, segment_->is_all);
    } else {
      job_->hunt.finish();
    }
    hits_ = job_->hunt.take_hits();
    counters_ = job_->hunt.counters();
    is_full_ = job_->hunt.is_full();
  }

  void OnOK() override {
    const Napi::Env env = Env();
    Napi::Object o = Napi::Object::New(env);
    Napi::Array hits = Napi::Array::New(env, hits_.size());
    for (std::uint32_t i = 0; i < hits_.size(); i++) {
      const Napi::HandleScope scope(env);
      hits.Set(i, hit_to_js(env, hits_[i]));
    }
    o.Set("hits", hits);
    o.Set("isFull", is_full_);
    o.Set("packets", static_cast<double>(counters_.packets));
    o.Set("bytes", static_cast<double>(counters_.bytes));
    o.Set("early", static_cast<double>(counters_.early));
    o.Set("lost", static_cast<double>(counters_.lost));
    o.Set("slow", static_cast<double>(counters_.slow));
    if (!error_.empty()) o.Set("error", error_);
    deferred_.Resolve(o);
  }
  void OnError(const Napi::Error& e) override { deferred_.Reject(e.Value()); }

 private:
  static Napi::Object hit_to_js(Napi::Env env, const hunt::Hit& h) {
    Napi::Object o = Napi::Object::New(env);
    char uid[kUidTextBytes];
    uid_text(h.uid, uid);
    o.Set("pattern", h.pattern);
    o.Set("uid", Napi::String::New(env, uid, sizeof uid));
    o.Set("ts", static_cast<double>(micros(h.ts)));
    o.Set("origH", Napi::Buffer<std::uint8_t>::Copy(env, h.orig_h.bytes.data(), h.orig_h.bytes.size()));
    o.Set("respH", Napi::Buffer<std::uint8_t>::Copy(env, h.resp_h.bytes.data(), h.resp_h.bytes.size()));
    o.Set("origP", h.orig_p);
    o.Set("respP", h.resp_p);
    o.Set("proto", h.proto);
    o.Set("isOrig", h.is_orig);
    o.Set("isStream", h.is_stream);
    o.Set("offset", static_cast<double>(h.offset));
    o.Set("length", static_cast<double>(h.length));
    o.Set("excerpt", Napi::Buffer<std::uint8_t>::Copy(env, h.excerpt.data(), h.excerpt.size()));
    return o;
  }

  std::shared_ptr<Job> job_;
  std::optional<Segment> segment_;
  std::vector<hunt::Hit> hits_;
  hunt::Counters counters_;
  bool is_full_ = false;
  std::string error_;
  Napi::Promise::Deferred deferred_;
};

class Hunt final : public Napi::ObjectWrap<Hunt> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Hunt",
                       {InstanceMethod("segment", &Hunt::segment), InstanceMethod("finish", &Hunt::finish)});
  }

  explicit Hunt(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Hunt>(info) {
    const Napi::Object o = info[0].As<Napi::Object>();
    hunt::Options options;
    options.key = sensor::random_key();
    const auto patterns = o.Get("patterns").As<Napi::Array>();
    for (std::uint32_t i = 0; i < patterns.Length(); i++) {
      const auto p = patterns.Get(i).As<Napi::Object>();
      options.patterns.push_back({p.Get("name").ToString().Utf8Value(), p.Get("regex").ToString().Utf8Value()});
    }
    if (o.Get("rules").IsString()) options.rules = o.Get("rules").ToString().Utf8Value();
    if (o.Get("hitsMax").IsNumber()) {
      options.hits_max = static_cast<std::size_t>(o.Get("hitsMax").ToNumber().Int64Value());
    }
    std::string error;
    job_ = std::make_shared<Job>(std::move(options), error);
    if (!error.empty()) throw Napi::Error::New(info.Env(), error);
  }

 private:
  // (path, filter, offsets?): all packets where offsets are left out.
  Napi::Value segment(const Napi::CallbackInfo& info) {
    HuntWorker::Segment s{info[0].ToString().Utf8Value(), info[1].ToString().Utf8Value(), {}, true};
    if (info[2].IsTypedArray()) {
      const auto offsets = info[2].As<Napi::Uint32Array>();
      s.offsets.assign(offsets.Data(), offsets.Data() + offsets.ElementLength());
      s.is_all = false;
    }
    return start(info.Env(), std::move(s));
  }
  Napi::Value finish(const Napi::CallbackInfo& info) { return start(info.Env(), std::nullopt); }

  Napi::Value start(Napi::Env env, std::optional<HuntWorker::Segment> segment) {
    auto* worker = new HuntWorker(env, job_, std::move(segment));  // deletes itself
    const Napi::Promise promise = worker->promise();
    worker->Queue();
    return promise;
  }

  std::shared_ptr<Job> job_;
};

}  // namespace

Napi::Function define_hunt(Napi::Env env) { return Hunt::define(env); }

}  // namespace catenary::addon
