#include "flow/table.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace catenary::flow {

namespace {

std::uint64_t hash_tuple(SipKey key, const Ip& a, const Ip& b, std::uint16_t a_port, std::uint16_t b_port,
                         std::uint64_t last, std::uint64_t tunnels) noexcept {
  SipHasher h(key);
  std::uint64_t w[4];
  std::memcpy(w, a.bytes.data(), 16);
  std::memcpy(w + 2, b.bytes.data(), 16);
  // Eight zero bytes of IPv4-mapped addresses carry nothing: half the work for most packets.
  if (w[0] | w[2]) {
    h.word(w[0]);
    h.word(w[2]);
  }
  h.word(w[1]);
  h.word(w[3]);
  if (tunnels) h.word(tunnels);
  return h.finish(last << 32 | static_cast<std::uint64_t>(a_port) << 16 | b_port);
}

bool is_match(const Flow& f, const Tuple& t) noexcept {
  return f.orig_p == t.src_port && f.resp_p == t.dst_port && f.proto == t.proto && f.orig_h == t.src &&
         f.resp_h == t.dst && f.tunnels.key == t.tunnels;
}
bool is_reverse_match(const Flow& f, const Tuple& t) noexcept {
  return f.orig_p == t.dst_port && f.resp_p == t.src_port && f.proto == t.proto && f.orig_h == t.dst &&
         f.resp_h == t.src && f.tunnels.key == t.tunnels;
}

}  // namespace

Nanos deadline_of(const Flow& f) noexcept {
  if (f.delete_at != 0) return f.delete_at;
  Nanos idle = f.last + f.inactivity;
  if (f.session_from != 0) {
    const Nanos quiet = f.last + kSessionQuiet - f.session_from;
    const Nanos ticks = std::max<Nanos>((quiet + kSessionTick - 1) / kSessionTick, 1);
    idle = std::min(idle, f.session_from + ticks * kSessionTick);
  }
  const bool is_attempt = f.attempt_at != 0 && f.ends[1].state == TcpState::kInactive &&
                          (f.ends[0].state == TcpState::kSynSent || f.ends[0].state == TcpState::kSynAckSent);
  return is_attempt ? std::min(idle, f.attempt_at) : idle;
}

Uid uid_of(const Flow& f) noexcept {
  const SipKey fixed{0x636174656e617279, static_cast<std::uint64_t>(f.first)};
  return {hash_tuple(fixed, f.orig_h, f.resp_h, f.orig_p, f.resp_p, f.proto, f.tunnels.key)};
}

Table::Table(SipKey key, std::size_t flows_max, FlowEnder& ender)
    : key_(key),
      flows_max_(std::max<std::size_t>(flows_max, 1)),
      ender_(ender),
      embryonic_max_(std::max<std::size_t>(flows_max_ / 4, 1)) {
  buckets_.assign(std::bit_ceil(std::max<std::size_t>(flows_max_ / 2, 1024)), kNil);
  wheel_.assign(kSlots, kNil);
}

std::uint64_t Table::hash_of(const Tuple& t) const noexcept {
  const bool swap = !t.is_one_way && (t.dst < t.src || (t.dst == t.src && t.dst_port < t.src_port));
  return swap ? hash_tuple(key_, t.dst, t.src, t.dst_port, t.src_port, t.proto, t.tunnels)
              : hash_tuple(key_, t.src, t.dst, t.src_port, t.dst_port, t.proto, t.tunnels);
}

Flow* Table::find(const Tuple& t, Nanos now, Dir& dir) {
  const std::uint64_t hash = hash_of(t);
  for (std::uint32_t i = buckets_[hash & (buckets_.size() - 1)]; i != kNil; i = at(i).next_in_bucket) {
    Flow& f = at(i);
    if (f.hash != hash) continue;
    if (is_match(f, t))
      dir = Dir::kOrig;
    else if (!t.is_one_way && is_reverse_match(f, t))
      dir = Dir::kResp;
    else
      continue;
    if (deadline_of(f) > now) return &f;
    end(f);
    return nullptr;
  }
  return nullptr;
}

Flow& Table::create(const Tuple& t, Nanos now) {
  make_room();
  if (free_.empty()) {
    const auto base = static_cast<std::uint32_t>(chunks_.size() * kChunk);
    chunks_.push_back(std::make_unique<Flow[]>(kChunk));
    for (std::uint32_t k = kChunk; k > 0; k--) free_.push_back(base + k - 1);
  }
  const std::uint32_t i = free_.back();
  free_.pop_back();
  Flow& f = at(i);
  f = Flow{};
  f.orig_h = t.src;
  f.resp_h = t.dst;
  f.orig_p = t.src_port;
  f.resp_p = t.dst_port;
  f.proto = t.proto;
  f.tunnels.key = t.tunnels;
  f.first = f.last = f.last_update = now;
  f.in_use = true;
  f.hash = hash_of(t);
  std::uint32_t& head = buckets_[f.hash & (buckets_.size() - 1)];
  f.next_in_bucket = head;
  head = i;
  f.wheel_prev = f.wheel_next = kNil;
  f.is_embryonic = true;
  f.older = newest_;
  f.newer = kNil;
  (newest_ == kNil ? oldest_ : at(newest_).newer) = i;
  newest_ = i;
  embryonic_++;
  active_++;
  created_++;
  return f;
}

void Table::link(Flow& f, std::uint32_t i, Nanos deadline) {
  // Never into a slot that has been passed: the next turn would be 512 seconds away.
  const std::int64_t due = std::clamp(deadline / kSecond + 1, second_ + 1, second_ + kSlots - 1);
  f.wheel_slot = static_cast<std::uint16_t>(due % kSlots);
  std::uint32_t& head = wheel_[f.wheel_slot];
  f.wheel_prev = kNil;
  f.wheel_next = head;
  if (head != kNil) at(head).wheel_prev = i;
  head = i;
}

void Table::unlink(Flow& f) {
  std::uint32_t& head = wheel_[f.wheel_slot];
  if (f.wheel_prev == kNil) {
    if (head == kNil || &at(head) != &f) return;  // not linked
    head = f.wheel_next;
  } else {
    at(f.wheel_prev).wheel_next = f.wheel_next;
  }
  if (f.wheel_next != kNil) at(f.wheel_next).wheel_prev = f.wheel_prev;
  f.wheel_prev = f.wheel_next = kNil;
}

std::uint32_t Table::index_of(const Flow& f) {
  std::uint32_t i = buckets_[f.hash & (buckets_.size() - 1)];
  while (&at(i) != &f) i = at(i).next_in_bucket;
  return i;
}

void Table::reschedule(Flow& f) {
  const std::uint32_t i = index_of(f);
  unlink(f);
  link(f, i, deadline_of(f));
}

void Table::grow_up(Flow& f) {
  if (!f.is_embryonic) return;
  f.is_embryonic = false;
  embryonic_--;
  (f.older == kNil ? oldest_ : at(f.older).newer) = f.newer;
  (f.newer == kNil ? newest_ : at(f.newer).older) = f.older;
}

void Table::end(Flow& f) {
  grow_up(f);
  unlink(f);
  ender_.on_flow_end(f);
  std::uint32_t* link = &buckets_[f.hash & (buckets_.size() - 1)];
  while (&at(*link) != &f) link = &at(*link).next_in_bucket;
  const std::uint32_t i = *link;
  *link = f.next_in_bucket;
  f.in_use = false;
  free_.push_back(i);
  active_--;
}

void Table::advance(Nanos now) {
  const std::int64_t second = now / kSecond;
  if (second_ < 0) second_ = second;
  if (second <= second_) return;
  const std::int64_t turns = std::min(second - second_, kSlots);
  for (std::int64_t k = 1; k <= turns; k++) {
    const std::int64_t at_second = second - turns + k;
    second_ = at_second;
    std::uint32_t i = wheel_[static_cast<std::size_t>(at_second % kSlots)];
    while (i != kNil) {
      Flow& f = at(i);
      const std::uint32_t next = f.wheel_next;
      const Nanos deadline = deadline_of(f);
      if (deadline <= now) {
        end(f);
      } else if (deadline / kSecond + 1 > at_second) {
        unlink(f);
        link(f, i, deadline);
      }
      i = next;
    }
  }
}

void Table::evict(Flow& f) {
  evicted_++;
  f.was_evicted = true;
  end(f);
}

void Table::make_room() {
  if (embryonic_ >= embryonic_max_ || (active_ >= flows_max_ && embryonic_ > 0)) evict(at(oldest_));
  if (active_ < flows_max_) return;
  for (std::int64_t k = 1; k <= kSlots; k++) {
    const std::uint32_t i = wheel_[static_cast<std::size_t>((second_ + k) % kSlots)];
    if (i != kNil) return evict(at(i));
  }
}

void Table::end_all() {
  for (const auto& chunk : chunks_) {
    for (std::size_t k = 0; k < kChunk; k++) {
      if (chunk[k].in_use) end(chunk[k]);
    }
  }
}

}  // namespace catenary::flow
