#include "addon/drain.h"

#include "addon/evidence.h"

namespace catenary::addon {

Napi::Value to_js(Napi::Env env, Drain drain, const std::vector<packets::Segment>& segments) {
  Napi::Array batches = Napi::Array::New(env, drain.batches.size());
  for (std::size_t i = 0; i < drain.batches.size(); i++) {
    const worker::DrainedBatch& b = drain.batches[i];
    Napi::Object o = Napi::Object::New(env);
    o.Set("kind", static_cast<double>(b.kind));
    o.Set("count", static_cast<double>(b.count));
    o.Set("firstSeen", static_cast<double>(b.first_seen));
    o.Set("lastSeen", static_cast<double>(b.last_seen));
    o.Set("offset", static_cast<double>(b.offset));
    o.Set("length", static_cast<double>(b.length));
    batches.Set(static_cast<std::uint32_t>(i), o);
  }
  Napi::Object out = Napi::Object::New(env);
  std::vector<std::uint8_t>* bytes = drain.bytes.release();
  out.Set("buffer", Napi::ArrayBuffer::New(
                        env, bytes->data(), bytes->size(),
                        [](Napi::Env, void*, std::vector<std::uint8_t>* owned) { delete owned; }, bytes));
  out.Set("batches", batches);
  if (!segments.empty()) out.Set("segments", segments_to_js(env, segments));
  return out;
}

}  // namespace catenary::addon
