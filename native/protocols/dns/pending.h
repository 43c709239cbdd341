// Messages of one flow that wait for their other half: queries for an answer, or answers for a query that came late.
//
// A message is held as it came and taken apart when it is told: it costs no more memory than it cost its sender on the
// wire, however its names unfold. Small ones that come first, which is what a stub resolver has open at once (A and
// AAAA), live in the flow's own parser and cost no allocation. At a limit the oldest goes; Zeek gives up all it holds
// at 51 ids, and would then miss their answers.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/net.h"

namespace catenary::dns {

// Per flow and kind. A stub resolver has a handful open, a forwarder with one port some dozens.
inline constexpr std::size_t kPendingMax = 128;
// What has waited longer is told as it is: a flow that is never quiet (mDNS, NetBIOS broadcasts) must not keep a
// question back for hours. Resolvers ask again, under another id, long before.
inline constexpr Nanos kPendingAgeMax = 60 * kSecond;
// Of messages that are not held in place; one over TCP may have 64 KiB.
inline constexpr std::size_t kPendingBytesMax = 128 * 1024;

// What the flows of one worker hold together, beyond their parsers.
struct PendingBudget {
  static constexpr std::size_t kBytesMax = std::size_t{64} << 20;
  std::size_t used = 0;
};

inline constexpr std::size_t kSmallBytes = 110;  // holds most queries

struct Held {
  Nanos at = 0;
  std::uint32_t order = 0;
  std::uint32_t size = 0;
  std::uint16_t id = 0;
  std::array<std::uint8_t, kSmallBytes> small;
  std::unique_ptr<std::uint8_t[]> large;

  Bytes message() const noexcept { return {large ? large.get() : small.data(), size}; }
};

// Whoever adds removes, before this dies: the budget comes back that way only.
template <std::size_t kInPlace>
class Pending {
 public:
  std::size_t size() const noexcept { return count_; }
  // The one that came first: of all, or of those with this id. Null when there is none; valid until the list changes.
  Held* oldest() noexcept {
    Held* found = best([](const Held&) noexcept { return true; });
    if (found) since_ = found->at;
    return found;
  }
  // The oldest, if it came before `time`.
  Held* before(Nanos time) noexcept {
    if (count_ == 0 || since_ >= time) return nullptr;
    Held* found = oldest();
    return found->at < time ? found : nullptr;
  }
  Held* find(std::uint16_t id) noexcept {
    return best([id](const Held& h) noexcept { return h.id == id; });
  }
  // The one that must go before this message may be added; null when there is room.
  Held* victim(Bytes message, const PendingBudget& budget) noexcept {
    const std::size_t bytes = cost(count_, message.size());
    const bool is_full =
        count_ == kPendingMax || bytes_ + bytes > kPendingBytesMax || budget.used + bytes > PendingBudget::kBytesMax;
    return is_full ? oldest() : nullptr;
  }
  // The caller has made room. False when even an empty list has none: the worker's budget is spent elsewhere.
  bool add(std::uint16_t id, Nanos at, Bytes message, PendingBudget& budget) {
    const std::size_t bytes = cost(count_, message.size());
    if (budget.used + bytes > PendingBudget::kBytesMax) return false;
    if (count_ >= kInPlace) rest_.resize(count_ - kInPlace + 1);
    Held& h = slot(count_++);
    h.at = at;
    since_ = count_ == 1 ? at : std::min(since_, at);
    h.order = next_order_++;
    h.id = id;
    h.size = static_cast<std::uint32_t>(message.size());
    if (message.size() > kSmallBytes) h.large = std::make_unique<std::uint8_t[]>(message.size());
    std::copy(message.begin(), message.end(), h.large ? h.large.get() : h.small.data());
    bytes_ += bytes;
    budget.used += bytes;
    return true;
  }
  void remove(Held* held, PendingBudget& budget) noexcept {
    const std::size_t bytes = cost(count_ - 1u, held->size);  // the last place is the one that falls free
    bytes_ -= bytes;
    budget.used -= bytes;
    held->large.reset();
    Held& last = slot(--count_);
    if (held != &last) *held = std::move(last);
    if (count_ >= kInPlace) rest_.pop_back();
  }

 private:
  // What a message of this size in this place takes beyond the parser.
  static std::size_t cost(std::size_t place, std::size_t size) noexcept {
    return (place >= kInPlace ? sizeof(Held) : 0) + (size > kSmallBytes ? size : 0);
  }
  Held& slot(std::size_t i) noexcept { return i < kInPlace ? first_[i] : rest_[i - kInPlace]; }
  template <class Wanted>
  Held* best(Wanted wanted) noexcept {
    Held* found = nullptr;
    for (std::size_t i = 0; i < count_; i++) {
      Held& h = slot(i);
      if (wanted(h) && (!found || h.order < found->order)) found = &h;
    }
    return found;
  }

  std::size_t bytes_ = 0;
  Nanos since_ = 0;  // nothing held is older
  std::uint32_t next_order_ = 0;
  std::size_t count_ = 0;  // slots in use, in no order
  std::array<Held, kInPlace> first_;
  std::vector<Held> rest_;
};

}  // namespace catenary::dns
