// The sensor's end of a channel from a capture process. take() copies and checks one message off the main thread; what
// it answers with was looked at as a stranger's, and is the copy.
#include "addon/channel.h"

#include <arpa/inet.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <mutex>

#include "addon/drain.h"
#include "addon/evidence.h"
#include "worker/channel.h"
#include "worker/message.h"

namespace catenary::addon {
namespace {

// Clocks of one machine, and a packet that the card stamped.
constexpr Micros kAheadMax = 60'000'000;

Micros wall() {
  timespec t{};
  clock_gettime(CLOCK_REALTIME, &t);
  return static_cast<Micros>(t.tv_sec) * 1'000'000 + static_cast<Micros>(t.tv_nsec) / 1000;
}

struct State {
  State(int descriptor, std::uint32_t packets_epoch) : fd(descriptor), epoch(packets_epoch), reader(descriptor) {}
  ~State() { ::close(fd); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  int fd;
  std::uint32_t epoch;
  std::mutex mutex;
  worker::ChannelReader reader;
  Micros last_seen = 0;
};

class TakeWorker final : public Napi::AsyncWorker {
 public:
  TakeWorker(Napi::Env env, std::shared_ptr<State> state)
      : Napi::AsyncWorker(env), state_(std::move(state)), deferred_(Napi::Promise::Deferred::New(env)) {}
  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    const std::lock_guard lock(state_->mutex);
    drain_.bytes = std::make_unique<std::vector<std::uint8_t>>();
    taken_ = state_->reader.take(type_, *drain_.bytes);
    if (taken_ == worker::ChannelReader::Taken::kBroken) why_ = "a message that contradicts itself";
    if (taken_ != worker::ChannelReader::Taken::kMessage) return;
    const Bytes message{drain_.bytes->data(), drain_.bytes->size()};
    switch (static_cast<worker::Type>(type_)) {
      case worker::Type::kReady:
      case worker::Type::kEnd: return;
      case worker::Type::kDrain: {
        worker::DrainMessage m;
        why_ = worker::read_drain(message, state_->last_seen, wall() + kAheadMax, m);
        if (!why_.empty()) return;
        state_->last_seen = m.last_seen;
        drain_.batches = std::move(m.batches);
        return;
      }
      case worker::Type::kSegment:
        why_ = worker::read_segment(message, state_->epoch, segments_.emplace_back());
        drain_.bytes->clear();
        return;
    }
    why_ = "a message of no known type";
  }
  // null: nothing is there; a text: what is wrong with it; or { type, drain }.
  void OnOK() override {
    if (!why_.empty()) return deferred_.Resolve(Napi::String::New(Env(), why_));
    if (taken_ != worker::ChannelReader::Taken::kMessage) return deferred_.Resolve(Env().Null());
    Napi::Object o = Napi::Object::New(Env());
    o.Set("type", static_cast<double>(type_));
    o.Set("drain", to_js(Env(), std::move(drain_), segments_));
    deferred_.Resolve(o);
  }
  void OnError(const Napi::Error& e) override { deferred_.Reject(e.Value()); }

 private:
  std::shared_ptr<State> state_;
  Napi::Promise::Deferred deferred_;
  worker::ChannelReader::Taken taken_{};
  std::uint32_t type_ = 0;
  Drain drain_;
  std::vector<packets::Segment> segments_;
  std::string why_;
};

std::string end_of(const sensor::Crumb& c, std::size_t i) {
  char text[INET6_ADDRSTRLEN] = "";
  Ip ip;
  std::memcpy(ip.bytes.data(), c.addresses.data() + 16 * i, 16);
  ::inet_ntop(ip.is_v4() ? AF_INET : AF_INET6, ip.bytes.data() + (ip.is_v4() ? 12 : 0), text, sizeof text);
  return std::string(text) + " port " + std::to_string(c.ports[2 * i] << 8 | c.ports[2 * i + 1]);
}

class Channel final : public Napi::ObjectWrap<Channel> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Channel",
                       {InstanceMethod("fd", &Channel::fd), InstanceMethod("take", &Channel::take),
                        InstanceMethod("crumb", &Channel::crumb), InstanceMethod("counted", &Channel::counted)});
  }

  // (epoch): of the packets that the process will keep.
  explicit Channel(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Channel>(info) {
    const int fd = worker::make_channel();
    if (fd < 0) throw Napi::Error::New(info.Env(), "no shared memory");
    state_ = std::make_shared<State>(fd, info[0].IsNumber() ? info[0].ToNumber().Uint32Value() : 0);
    if (!state_->reader.ok()) throw Napi::Error::New(info.Env(), "no memory to map");
  }

 private:
  Napi::Value fd(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), state_->fd); }

  Napi::Value take(const Napi::CallbackInfo& info) {
    auto* worker = new TakeWorker(info.Env(), state_);  // deletes itself
    const Napi::Promise promise = worker->promise();
    worker->Queue();
    return promise;
  }

  // Its word of what it has counted.
  Napi::Value counted(const Napi::CallbackInfo& info) {
    const std::lock_guard lock(state_->mutex);
    const worker::Counted c = state_->reader.counted();
    Napi::Object o = Napi::Object::New(info.Env());
    const std::pair<const char*, std::uint64_t> counters[] = {{"packets", c.packets},
                                                              {"bytes", c.bytes},
                                                              {"flows", c.flows},
                                                              {"weirds", c.weirds},
                                                              {"lastTs", c.last_us},
                                                              {"flowsEvicted", c.flows_evicted},
                                                              {"kernelDropped", c.kernel_dropped},
                                                              {"interfaceDropped", c.interface_dropped},
                                                              {"turns", c.turns}};
    for (const auto& [name, value] : counters) o.Set(name, static_cast<double>(value));
    return o;
  }

  // The flow that was being parsed: its key, and what people call it. null: none was.
  Napi::Value crumb(const Napi::CallbackInfo& info) {
    const std::lock_guard lock(state_->mutex);
    sensor::Crumb c = state_->reader.crumb();
    if (c.is_set == 0) return info.Env().Null();
    c.is_set = 1;
    std::array<std::uint8_t, sizeof c> bytes{};
    std::memcpy(bytes.data(), &c, sizeof c);
    std::string key;
    for (const std::uint8_t b : bytes) {
      char digits[3];
      std::snprintf(digits, sizeof digits, "%02x", b);
      key += digits;
    }
    Napi::Object o = Napi::Object::New(info.Env());
    o.Set("key", key);
    o.Set("text", end_of(c, 0) + ", " + end_of(c, 1) + ", protocol " + std::to_string(c.proto));
    return o;
  }

  std::shared_ptr<State> state_;
};

}  // namespace

Napi::Function define_channel(Napi::Env env) { return Channel::define(env); }

}  // namespace catenary::addon
