// What a packet, and the flow it belongs to, is wrapped in.
#pragma once

#include <array>
#include <cstdint>

#include "base/net.h"

namespace catenary {

enum class Tunnel : std::uint8_t {
  kNone,
  kIpInIp,
  kGre,
  kErspan,
  kVxlan,
  kGeneve,
  kGtp,
  kTeredo,
  kL2tp,
  kCapwap,
  kTzsp
};

// The encapsulations around a packet. Their kinds and virtual networks are part of its flow's identity; their outer
// addresses are not, as the two directions of a flow may take different tunnels.
struct Tunnels {
  static constexpr std::size_t kShownMax = 4;

  std::array<Tunnel, kShownMax> path{};      // outermost first
  std::array<Uid, kShownMax> parents{};      // flows that carried the packet, of those tunnels that are in one
  std::uint8_t depth = 0, parent_count = 0;  // depth counts those past the limit too
  std::uint64_t key = 0;                     // equal for packets in alike tunnels; 0 outside

  void enter(Tunnel kind, std::uint32_t network) noexcept {
    if (depth < kShownMax) path[depth] = kind;
    if (depth < 255) depth++;
    key = key << 32 ^ key >> 32 ^ (static_cast<std::uint64_t>(kind) << 24 | (network & 0xffffff));
  }
  void carried_by(Uid uid) noexcept {
    if (parent_count < kShownMax) parents[parent_count++] = uid;
  }
};

}  // namespace catenary
