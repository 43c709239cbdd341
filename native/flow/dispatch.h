// Finds out what a flow speaks and feeds its parser.
//
// Every probe looks at the first bytes of either direction, on any port. What a parser leaves unread
// is kept for it, within the protocol's limit. A stream nobody claims is still looked at for a
// protocol that may begin in its middle (STARTTLS, CONNECT, SOCKS), within kMidStreamBytesMax.
#pragma once

#include <memory>
#include <vector>

#include "flow/expected.h"
#include "flow/nesting.h"
#include "flow/protocol.h"
#include "flow/reassembly.h"

namespace catenary::flow {

class Dispatcher final : public StreamListener, public Nesting {
 public:
  static constexpr std::uint32_t kProbeBytesMax = 2048;       // kept while a probe says kMore
  static constexpr std::uint32_t kMidStreamBytesMax = 65536;  // looked at, per direction
  static constexpr std::uint8_t kProbeDatagramsMax = 4;

  Dispatcher(Pool& pool, event::Batcher& events, event::WeirdLog& weirds, files::Tracker& files,
             std::span<const ProtocolInfo* const> protocols, SipKey key = {})
      : Dispatcher(pool, events, weirds, files, protocols, protocols, key) {}
  // `nestable`: those that others may carry, and all of `protocols`, which alone are probed.
  Dispatcher(Pool& pool, event::Batcher& events, event::WeirdLog& weirds, files::Tracker& files,
             std::span<const ProtocolInfo* const> protocols, std::span<const ProtocolInfo* const> nestable, SipKey key)
      : pool_(pool),
        events_(events),
        weirds_(weirds),
        files_(files),
        protocols_(protocols),
        nestable_(nestable),
        expected_(key) {
    for (const ProtocolInfo* p : nestable_) {
      if (!p->make_shared) continue;
      shared_.push_back({p, p->make_shared()});
      shared_.back().state->key = key;
    }
  }

  // The time of the packet whose bytes come next: not the worker's clock, which never goes back.
  void at(Nanos packet_time) noexcept { packet_time_ = packet_time; }
  // A flow, ahead of its first byte: one that was announced has its parser from here on.
  void begin(Flow& flow);
  // A flow without a parser goes over to the protocol.
  void upgrade(Flow& flow, std::string_view protocol, const Upgrade& upgrade);
  void on_datagram(Flow& flow, Dir dir, Bytes data);
  void close(Flow& flow);
  // Packet time, ahead of the packet; and the end of the input, behind the last flow.
  void advance(Nanos now) {
    for (const SharedState& s : shared_) {
      if (now >= s.state->due) s.state->on_time(now, events_, weirds_);
    }
  }
  void finish() {
    for (const SharedState& s : shared_) s.state->on_finish(events_, weirds_);
  }

  void on_bytes(Flow& flow, Dir dir, Bytes bytes) override;
  void on_lost(Flow& flow, Dir dir, std::uint64_t bytes) override;
  void on_finished(Flow& flow, Dir dir) override;
  bool wants_bytes(const Flow& flow) const override { return flow.detection != Detection::kClosed; }
  void on_stream_weird(Flow& flow, Weird name) override;
  void on_conflict(Flow& flow, std::uint64_t seq, Bytes read, Bytes other) override;

 private:
  struct SharedState {
    const ProtocolInfo* protocol;
    std::unique_ptr<Shared> state;
  };
  Context context(Flow& flow) { return {flow, packet_time_, events_, files_, weirds_, &expected_, this}; }
  const ProtocolInfo* find(std::string_view name) const noexcept override;
  Parser* construct(const ProtocolInfo& protocol, std::uint32_t& cap) override;
  void destroy(Parser* parser, std::uint32_t cap) noexcept override;
  Pool& pool() noexcept override { return pool_; }
  void feed(Flow& flow, Dir dir, Bytes fresh);
  void detect(Flow& flow, Dir dir, Bytes fresh);
  bool attach(Flow& flow, const ProtocolInfo& protocol);
  void detach(Flow& flow);
  // The parser that was agreed on, if any, has the flow.
  void take_next(Flow& flow);
  // Appends to what is unread; false when there is no room.
  bool keep(Flow& flow, Dir dir, Bytes bytes, std::uint32_t max);
  void forget(Flow& flow, Dir dir);

  Pool& pool_;
  event::Batcher& events_;
  event::WeirdLog& weirds_;
  files::Tracker& files_;
  std::span<const ProtocolInfo* const> protocols_;
  std::span<const ProtocolInfo* const> nestable_;
  Expected expected_;
  Nanos packet_time_ = 0;
  std::vector<SharedState> shared_;  // of the few protocols that have one
};

}  // namespace catenary::flow
