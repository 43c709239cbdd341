// Memory, at the border to JavaScript. src/state/memory.ts is its other half and validates; strings cross as they
// are, answers of several numbers go into an array that JavaScript handed over once, so that nothing is allocated.
#include "addon/memory.h"

#include "memory/memory.h"

namespace catenary::addon {
namespace {

// Text of an argument without a heap allocation for anything that an event carries.
class Text {
 public:
  Text(napi_env env, napi_value value) {
    std::size_t n = 0;
    if (napi_get_value_string_utf8(env, value, short_, sizeof short_, &n) != napi_ok) return;
    if (n < sizeof short_ - 4) {
      view_ = {short_, n};
      return;
    }
    // Perhaps cut: ask for the whole.
    long_ = Napi::String(env, value).Utf8Value();
    view_ = long_;
  }
  std::string_view view() const noexcept { return view_; }

 private:
  char short_[512];
  std::string long_;
  std::string_view view_;
};

double number(napi_env env, napi_value value) noexcept {
  double d = 0;
  return napi_get_value_double(env, value, &d) == napi_ok ? d : 0;
}
// Anything that is not a time after the epoch is the epoch.
Micros micros_of(double d) noexcept { return d >= 0 && d < 9.2e18 ? static_cast<Micros>(d) : 0; }

bool is_text(napi_env env, napi_value value) noexcept {
  napi_valuetype type{};
  return napi_typeof(env, value, &type) == napi_ok && type == napi_string;
}

class Memory final : public Napi::ObjectWrap<Memory> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Memory",
                       {InstanceMethod("touch", &Memory::touch), InstanceMethod("look", &Memory::look),
                        InstanceMethod("prevalence", &Memory::prevalence), InstanceMethod("begin", &Memory::begin),
                        InstanceMethod("commit", &Memory::commit), InstanceMethod("position", &Memory::position),
                        InstanceMethod("stats", &Memory::stats), InstanceMethod("close", &Memory::close)});
  }

  // ({dir?, budgetBytes?, position?}, Float64Array(5))
  explicit Memory(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Memory>(info) {
    const Napi::Object o = info[0].As<Napi::Object>();
    memory::Options options;
    if (o.Get("dir").IsString()) options.dir = o.Get("dir").ToString().Utf8Value();
    if (o.Get("budgetBytes").IsNumber()) {
      options.budget_bytes = static_cast<std::size_t>(o.Get("budgetBytes").ToNumber().DoubleValue());
    }
    if (o.Get("position").IsNumber()) options.position = micros_of(o.Get("position").ToNumber().DoubleValue());
    memory_ = std::make_unique<memory::Memory>(options);
    const std::string error = memory_->open();
    if (!error.empty()) throw Napi::Error::New(info.Env(), error);
    auto answer = info[1].As<Napi::Float64Array>();
    if (answer.ElementLength() < 5) throw Napi::Error::New(info.Env(), "the answer needs five numbers");
    answer_ = Napi::Persistent(answer);
    out_ = answer.Data();
  }

 private:
  memory::Memory& open(const Napi::CallbackInfo& info) const {
    if (memory_ == nullptr) throw Napi::Error::New(info.Env(), "memory is closed");
    return *memory_;
  }

  // (space, key, at, host?)
  Napi::Value touch(const Napi::CallbackInfo& info) {
    const napi_env env = info.Env();
    memory::Memory& m = open(info);
    const auto space = static_cast<std::uint8_t>(number(env, info[0]));
    const Text key(env, info[1]);
    const Micros at = micros_of(number(env, info[2]));
    if (is_text(env, info[3])) {
      m.touch(space, key.view(), at, Text(env, info[3]).view());
    } else {
      m.touch(space, key.view(), at);
    }
    return {};
  }

  // (space, key, host?): first, last, count, days, since
  Napi::Value look(const Napi::CallbackInfo& info) {
    const napi_env env = info.Env();
    const memory::Memory& m = open(info);
    const auto space = static_cast<std::uint8_t>(number(env, info[0]));
    const Text key(env, info[1]);
    const memory::Recollection r =
        is_text(env, info[2]) ? m.look(space, key.view(), Text(env, info[2]).view()) : m.look(space, key.view());
    out_[0] = static_cast<double>(r.first);
    out_[1] = static_cast<double>(r.last);
    out_[2] = r.count;
    out_[3] = r.days;
    out_[4] = static_cast<double>(r.since);
    return {};
  }

  // (space, key, days, at)
  Napi::Value prevalence(const Napi::CallbackInfo& info) {
    const napi_env env = info.Env();
    const Text key(env, info[1]);
    const double days = number(env, info[2]);
    return Napi::Number::New(env,
                             open(info).prevalence(static_cast<std::uint8_t>(number(env, info[0])), key.view(),
                                                   days >= 1 && days <= 400 ? static_cast<std::uint32_t>(days) : 400,
                                                   micros_of(number(env, info[3]))));
  }

  Napi::Value begin(const Napi::CallbackInfo& info) {
    open(info).begin(micros_of(number(info.Env(), info[0])));
    return {};
  }

  // (position): what went wrong, or undefined
  Napi::Value commit(const Napi::CallbackInfo& info) {
    const std::string error = open(info).commit(micros_of(number(info.Env(), info[0])));
    if (error.empty()) return info.Env().Undefined();
    return Napi::String::New(info.Env(), error);
  }

  Napi::Value position(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(open(info).position()));
  }

  Napi::Value stats(const Napi::CallbackInfo& info) {
    const memory::Memory& m = open(info);
    const memory::Image& i = m.image();
    Napi::Object o = Napi::Object::New(info.Env());
    o.Set("keys", static_cast<double>(i.keys.size()));
    o.Set("pairs", static_cast<double>(i.pairs.size()));
    o.Set("keysEvicted", static_cast<double>(i.keys.evicted()));
    o.Set("pairsEvicted", static_cast<double>(i.pairs.evicted()));
    o.Set("bytes", static_cast<double>(i.keys.bytes() + i.pairs.bytes()));
    o.Set("diskBytes", static_cast<double>(m.disk_bytes()));
    return o;
  }

  // Gives up the folder's lock without waiting for the garbage collector.
  Napi::Value close(const Napi::CallbackInfo&) {
    memory_.reset();
    return {};
  }

  std::unique_ptr<memory::Memory> memory_;
  Napi::Reference<Napi::Float64Array> answer_;
  double* out_ = nullptr;
};

}  // namespace

Napi::Function define_memory(Napi::Env env) { return Memory::define(env); }

}  // namespace catenary::addon
