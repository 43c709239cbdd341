// Frames to ClickHouse blocks, at the border to JavaScript; src/schema/transposition.ts is the other half.
//
// All work on records is done on a worker thread: a batch of a hundred thousand rows takes tens of milliseconds. The
// frames' bytes stay JavaScript's: a reference holds them while a worker reads, and nobody may write them meanwhile. A
// transposer works for one call at a time; one that comes early is refused, because waiting would hold a thread.
#include "addon/store.h"

#include <memory>
#include <string>
#include <vector>

#include "event/transpose.h"
#include "sensor/reader.h"

namespace catenary::addon {
namespace {

struct Frame {
  std::string sensor;
  std::uint64_t epoch = 0, seq = 0;
  Bytes bytes;
};

// Anything but a whole number that a double holds exactly is 0, which no log has.
std::uint64_t whole(const Napi::Value& v) {
  const double d = v.IsNumber() ? v.As<Napi::Number>().DoubleValue() : 0;
  return d >= 0 && d <= 9007199254740991.0 ? static_cast<std::uint64_t>(d) : 0;
}

std::vector<Frame> frames_of(Napi::Env env, const Napi::Value& list) {
  if (!list.IsArray()) throw Napi::TypeError::New(env, "frames: not an array");
  const auto array = list.As<Napi::Array>();
  std::vector<Frame> frames;
  frames.reserve(array.Length());
  for (std::uint32_t i = 0; i < array.Length(); i++) {
    const Napi::HandleScope scope(env);
    const auto o = array.Get(i).As<Napi::Object>();
    const Napi::Value bytes = o.Get("bytes");
    if (!bytes.IsTypedArray()) throw Napi::TypeError::New(env, "a frame's bytes: not a Uint8Array");
    const auto view = bytes.As<Napi::Uint8Array>();
    Frame f{{}, whole(o.Get("epoch")), whole(o.Get("seq")), {view.Data(), view.ByteLength()}};
    if (o.Get("sensor").IsString()) f.sensor = o.Get("sensor").As<Napi::String>().Utf8Value();
    frames.push_back(std::move(f));
  }
  return frames;
}

Napi::Array to_js(Napi::Env env, const std::vector<Validation>& checked) {
  Napi::Array out = Napi::Array::New(env, checked.size());
  for (std::uint32_t i = 0; i < checked.size(); i++) {
    const Napi::HandleScope scope(env);
    const Validation& v = checked[i];
    Napi::Object o = Napi::Object::New(env);
    o.Set("records", static_cast<double>(v.records));
    o.Set("seenMin", static_cast<double>(v.seen_min));
    o.Set("seenMax", static_cast<double>(v.seen_max));
    if (!v.ok()) {
      Napi::Object fault = Napi::Object::New(env);
      fault.Set("reason", std::string(v.fault.reason));
      fault.Set("field", std::string(v.fault.field));
      fault.Set("offset", static_cast<double>(v.fault.offset));
      o.Set("fault", fault);
    }
    out.Set(i, o);
  }
  return out;
}

// What a transposer's JavaScript object and its workers share.
struct Work {
  explicit Work(Kind kind) : transposer(kind, nullptr, sensor::random_key()) {}
  Transposer transposer;
  bool is_busy = false;  // touched on the JavaScript thread only
};

// Validates frames, and appends the good ones where there is a transposer.
class FramesWorker final : public Napi::AsyncWorker {
 public:
  FramesWorker(Napi::Env env, Kind kind, std::shared_ptr<Work> work, const Napi::Value& frames)
      : Napi::AsyncWorker(env),
        kind_(kind),
        work_(std::move(work)),
        frames_(frames_of(env, frames)),
        deferred_(Napi::Promise::Deferred::New(env)) {
    held_ = Napi::Persistent(frames.As<Napi::Object>());
  }
  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    checked_.reserve(frames_.size());
    for (const Frame& f : frames_) {
      checked_.push_back(work_ == nullptr ? validate(kind_, f.bytes)
                                          : work_->transposer.add(f.bytes, {f.sensor, f.epoch, f.seq}));
    }
  }
  void OnOK() override {
    if (work_ != nullptr) work_->is_busy = false;
    deferred_.Resolve(to_js(Env(), checked_));
  }
  void OnError(const Napi::Error& e) override {
    if (work_ != nullptr) work_->is_busy = false;
    deferred_.Reject(e.Value());
  }

 private:
  Kind kind_;
  std::shared_ptr<Work> work_;
  std::vector<Frame> frames_;
  Napi::ObjectReference held_;
  std::vector<Validation> checked_;
  Napi::Promise::Deferred deferred_;
};

class FinishWorker final : public Napi::AsyncWorker {
 public:
  FinishWorker(Napi::Env env, std::shared_ptr<Work> work, std::vector<std::string> domains)
      : Napi::AsyncWorker(env),
        work_(std::move(work)),
        domains_(std::move(domains)),
        deferred_(Napi::Promise::Deferred::New(env)) {}
  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    rows_ = work_->transposer.rows();
    block_ = std::make_unique<std::vector<std::uint8_t>>();
    work_->transposer.finish(*block_, domains_);
  }
  void OnOK() override {
    work_->is_busy = false;
    Napi::Object out = Napi::Object::New(Env());
    std::vector<std::uint8_t>* block = block_.release();
    out.Set("block", Napi::ArrayBuffer::New(
                         Env(), block->data(), block->size(),
                         [](Napi::Env, void*, std::vector<std::uint8_t>* owned) { delete owned; }, block));
    out.Set("rows", static_cast<double>(rows_));
    deferred_.Resolve(out);
  }
  void OnError(const Napi::Error& e) override {
    work_->is_busy = false;
    deferred_.Reject(e.Value());
  }

 private:
  std::shared_ptr<Work> work_;
  std::vector<std::string> domains_;
  std::unique_ptr<std::vector<std::uint8_t>> block_;
  std::uint64_t rows_ = 0;
  Napi::Promise::Deferred deferred_;
};

Kind kind_of(const Napi::CallbackInfo& info) {
  const std::uint64_t number = whole(info[0]);
  const auto kind = static_cast<Kind>(number <= UINT16_MAX ? number : 0);
  if (kind_info(kind) == nullptr) throw Napi::RangeError::New(info.Env(), "no kind has this number");
  return kind;
}

class JsTransposer final : public Napi::ObjectWrap<JsTransposer> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Transposer",
                       {InstanceMethod("add", &JsTransposer::add), InstanceMethod("names", &JsTransposer::names),
                        InstanceMethod("finish", &JsTransposer::finish)});
  }

  // (kind)
  explicit JsTransposer(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<JsTransposer>(info), kind_(kind_of(info)), work_(std::make_shared<Work>(kind_)) {}

 private:
  void take(Napi::Env env) {
    if (work_->is_busy) throw Napi::Error::New(env, "the transposer is at work: await the call before");
  }

  // (frames): what validation said of each
  Napi::Value add(const Napi::CallbackInfo& info) {
    take(info.Env());
    auto* worker = new FramesWorker(info.Env(), kind_, work_, info[0]);  // deletes itself
    work_->is_busy = true;
    const Napi::Promise promise = worker->promise();
    worker->Queue();
    return promise;
  }

  Napi::Value names(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    take(env);
    const auto& names = work_->transposer.names();
    Napi::Array out = Napi::Array::New(env, names.size());
    for (std::uint32_t i = 0; i < names.size(); i++) {
      const Napi::HandleScope scope(env);
      out.Set(i, Napi::String::New(env, names[i]));
    }
    return out;
  }

  // (domains): the block and its rows
  Napi::Value finish(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    take(env);
    std::vector<std::string> domains;
    if (info[0].IsArray()) {
      const auto array = info[0].As<Napi::Array>();
      domains.reserve(array.Length());
      for (std::uint32_t i = 0; i < array.Length(); i++) {
        const Napi::HandleScope scope(env);
        const Napi::Value domain = array.Get(i);
        domains.push_back(domain.IsString() ? domain.As<Napi::String>().Utf8Value() : std::string());
      }
    }
    auto* worker = new FinishWorker(env, work_, std::move(domains));  // deletes itself
    work_->is_busy = true;
    const Napi::Promise promise = worker->promise();
    worker->Queue();
    return promise;
  }

  Kind kind_;
  std::shared_ptr<Work> work_;
};

// (kind, frames): what validation says of each
Napi::Value check_frames(const Napi::CallbackInfo& info) {
  auto* worker = new FramesWorker(info.Env(), kind_of(info), nullptr, info[1]);  // deletes itself
  const Napi::Promise promise = worker->promise();
  worker->Queue();
  return promise;
}

}  // namespace

Napi::Function define_transposer(Napi::Env env) { return JsTransposer::define(env); }
Napi::Function define_check_frames(Napi::Env env) { return Napi::Function::New(env, check_frames, "checkFrames"); }

}  // namespace catenary::addon
