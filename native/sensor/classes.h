// What was seen of each protocol class since the start, for the coverage ledger. A class is the protocol whose parser
// has the packet's flow; packets of flows that nobody claimed count for the whole alone.
#pragma once

#include <span>
#include <vector>

#include "flow/protocol.h"

namespace catenary::sensor {

struct ClassCount {
  std::uint64_t packets = 0;
  std::uint64_t acks = 0;      // TCP acknowledgements of something new
  std::uint64_t ack_gaps = 0;  // of those, for bytes that never came here: somebody before us lost them
};

class Classes {
 public:
  explicit Classes(std::span<const flow::ProtocolInfo* const> protocols)
      : names_(protocols), counts_(protocols.size()) {
    while (slots_.size() < 2 * protocols.size() + 1) slots_.resize(slots_.empty() ? 64 : 2 * slots_.size());
    for (std::size_t i = 0; i < protocols.size(); i++) {
      std::size_t at = first_slot(protocols[i]);
      while (slots_[at].protocol) at = (at + 1) % slots_.size();
      slots_[at] = {protocols[i], i};
    }
  }

  // Null: the flow is nobody's. Called for every packet.
  ClassCount& of(const flow::ProtocolInfo* protocol) noexcept {
    if (!protocol) return nobody_;
    std::size_t at = first_slot(protocol);
    while (slots_[at].protocol && slots_[at].protocol != protocol) at = (at + 1) % slots_.size();
    return slots_[at].protocol ? counts_[slots_[at].index] : nobody_;
  }

  std::size_t size() const noexcept { return counts_.size(); }
  const char* name(std::size_t i) const noexcept { return names_[i]->name; }
  const ClassCount& count(std::size_t i) const noexcept { return counts_[i]; }
  ClassCount all() const noexcept {
    ClassCount sum = nobody_;
    for (const ClassCount& c : counts_) {
      sum.packets += c.packets;
      sum.acks += c.acks;
      sum.ack_gaps += c.ack_gaps;
    }
    return sum;
  }

 private:
  struct Slot {
    const flow::ProtocolInfo* protocol = nullptr;
    std::size_t index = 0;
  };
  std::size_t first_slot(const flow::ProtocolInfo* p) const noexcept {
    return std::hash<const void*>{}(p) / sizeof(flow::ProtocolInfo) % slots_.size();
  }

  std::span<const flow::ProtocolInfo* const> names_;
  std::vector<ClassCount> counts_;
  std::vector<Slot> slots_;
  ClassCount nobody_;
};

}  // namespace catenary::sensor
