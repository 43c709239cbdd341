// Checksums and compression of frames; src/wire/native.ts is the other half.
//
// crc32c works at once: a frame takes some tens of microseconds. Compression takes milliseconds and is done on a worker
// thread; the bytes stay JavaScript's, held by a reference, and nobody may write them meanwhile.
#include "addon/wire.h"

#include <memory>
#include <string>
#include <vector>

#include "base/crc32c.h"
#include "base/zstd.h"

namespace catenary::addon {
namespace {

Bytes bytes_of(const Napi::CallbackInfo& info, std::size_t i) {
  if (!info[i].IsTypedArray()) throw Napi::TypeError::New(info.Env(), "bytes: not a Uint8Array");
  const auto view = info[i].As<Napi::Uint8Array>();
  return {view.Data(), view.ByteLength()};
}

std::uint32_t number_of(const Napi::CallbackInfo& info, std::size_t i) {
  return info[i].IsNumber() ? info[i].As<Napi::Number>().Uint32Value() : 0;
}

Napi::Value crc(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), crc32c(bytes_of(info, 0), number_of(info, 1)));
}

class ZstdWorker final : public Napi::AsyncWorker {
 public:
  ZstdWorker(const Napi::CallbackInfo& info, bool is_compress)
      : Napi::AsyncWorker(info.Env()),
        in_(bytes_of(info, 0)),
        max_(number_of(info, 1)),
        is_compress_(is_compress),
        out_(std::make_unique<std::vector<std::uint8_t>>()),
        deferred_(Napi::Promise::Deferred::New(info.Env())) {
    held_ = Napi::Persistent(info[0].As<Napi::Object>());
  }
  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    if (is_compress_) {
      if (!zstd::compress(in_, *out_)) reason_ = "out of memory";
    } else {
      reason_ = zstd::decompress(in_, max_, *out_);
    }
  }
  // The content, or why there is none.
  void OnOK() override {
    if (!reason_.empty()) return deferred_.Resolve(Napi::String::New(Env(), reason_));
    std::vector<std::uint8_t>* out = out_.release();
    deferred_.Resolve(Napi::ArrayBuffer::New(
        Env(), out->data(), out->size(), [](Napi::Env, void*, std::vector<std::uint8_t>* owned) { delete owned; },
        out));
  }
  void OnError(const Napi::Error& e) override { deferred_.Reject(e.Value()); }

 private:
  Bytes in_;
  std::size_t max_;
  bool is_compress_;
  Napi::ObjectReference held_;
  std::unique_ptr<std::vector<std::uint8_t>> out_;
  std::string reason_;
  Napi::Promise::Deferred deferred_;
};

Napi::Value run(const Napi::CallbackInfo& info, bool is_compress) {
  auto* worker = new ZstdWorker(info, is_compress);  // deletes itself
  const Napi::Promise promise = worker->promise();
  worker->Queue();
  return promise;
}
Napi::Value compress(const Napi::CallbackInfo& info) { return run(info, true); }
Napi::Value decompress(const Napi::CallbackInfo& info) { return run(info, false); }

}  // namespace

// (bytes, crc of what comes before or 0)
Napi::Function define_crc32c(Napi::Env env) { return Napi::Function::New(env, crc, "crc32c"); }
// (bytes)
Napi::Function define_compress(Napi::Env env) { return Napi::Function::New(env, compress, "compress"); }
// (bytes, most bytes of its content)
Napi::Function define_decompress(Napi::Env env) { return Napi::Function::New(env, decompress, "decompress"); }

}  // namespace catenary::addon
