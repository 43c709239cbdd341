// All open flows: found by tuple, ended by time.
//
// The hash is keyed (SipHash), so nobody aims collisions at a bucket. The number of flows is capped, and what ends
// early is counted. A flow is embryonic until is_grown(); embryonic ones have a quarter of the table and make room for
// one another, the oldest first, so that a flood of SYNs from random sources takes the place of its own kind. Only
// where no flow is embryonic does the one that would end soonest go. Time is packet time. A wheel of one-second slots
// finds flows whose time is up; a flow met after its time ended is ended before it is looked at again, so results do
// not depend on the wheel's grain.
#pragma once

#include <memory>
#include <vector>

#include "base/siphash.h"
#include "decode/packet.h"
#include "flow/flow.h"

namespace catenary::flow {

// A packet's tuple, as sent.
struct Tuple {
  Ip src, dst;
  std::uint16_t src_port = 0, dst_port = 0;
  std::uint8_t proto = 0;
  std::uint64_t tunnels = 0;  // Tunnels::key
  bool is_one_way = false;    // ICMP errors: the reverse direction is another flow
};

inline Tuple tuple_of(const decode::Packet& p, std::uint16_t src_port, std::uint16_t dst_port) noexcept {
  return {p.src, p.dst, src_port, dst_port, p.ip_proto, p.tunnels.key, false};
}

class FlowEnder {
 public:
  virtual ~FlowEnder() = default;
  // Last words: the flow is destroyed when this returns.
  virtual void on_flow_end(Flow& flow) = 0;
};

class Table {
 public:
  Table(SipKey key, std::size_t flows_max, FlowEnder& ender);

  // The flow of the tuple, and the direction of this packet in it; nullptr when there is none.
  Flow* find(const Tuple& t, Nanos now, Dir& dir);
  // A new flow with src as originator, embryonic. Never fails: at the cap another flow is ended.
  Flow& create(const Tuple& t, Nanos now);
  // The flow is embryonic no more.
  void grow_up(Flow& flow);
  // Ends every flow whose time is up.
  void advance(Nanos now);
  // A deadline may have come nearer.
  void reschedule(Flow& flow);
  void end(Flow& flow);
  void end_all();

  std::size_t embryonic() const noexcept { return embryonic_; }
  std::size_t active() const noexcept { return active_; }
  std::uint64_t created() const noexcept { return created_; }
  std::uint64_t evicted() const noexcept { return evicted_; }

 private:
  static constexpr std::uint32_t kNil = 0xffffffff;
  static constexpr std::size_t kChunk = 1024;
  static constexpr std::int64_t kSlots = 512;

  std::uint64_t hash_of(const Tuple& t) const noexcept;
  Flow& at(std::uint32_t i) noexcept { return chunks_[i / kChunk][i % kChunk]; }
  void link(Flow& f, std::uint32_t i, Nanos deadline);
  void unlink(Flow& f);
  void evict(Flow& f);
  void make_room();
  std::uint32_t index_of(const Flow& f);

  SipKey key_;
  std::size_t flows_max_;
  FlowEnder& ender_;
  std::vector<std::unique_ptr<Flow[]>> chunks_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> buckets_;
  std::vector<std::uint32_t> wheel_;
  std::int64_t second_ = -1;  // the last one the wheel has turned past
  std::size_t active_ = 0;
  std::size_t embryonic_ = 0, embryonic_max_;
  std::uint32_t oldest_ = kNil, newest_ = kNil;  // of the embryonic
  std::uint64_t created_ = 0, evicted_ = 0;
};

// Embryonic no more: both ends have sent, and of TCP the originator again, as one that only floods does not; or one end
// has sent more than kEmbryonicPackets, as where the tap shows one direction.
inline constexpr std::uint64_t kEmbryonicPackets = 3;
inline bool is_grown(const Flow& f) noexcept {
  const std::uint64_t orig = f.ends[0].packets, resp = f.ends[1].packets;
  if (orig == 0 || resp == 0) return orig + resp > kEmbryonicPackets;
  return f.proto != 6 || orig > 1;
}

// When silence, a lone SYN or a close ends the flow.
Nanos deadline_of(const Flow& flow) noexcept;
// Eight bytes from first-packet time and tuple, the same on every worker.
Uid uid_of(const Flow& flow) noexcept;

}  // namespace catenary::flow
