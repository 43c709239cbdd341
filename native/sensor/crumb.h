// Which flow is being parsed, where another process can read it after this one has died of it.
#pragma once

#include <cstring>
#include <vector>

#include "flow/flow.h"

namespace catenary::sensor {

// Plain bytes: the flow's ends in order, so that both directions and each new life of it are the same.
struct Crumb {
  std::uint8_t is_set = 0;
  std::uint8_t proto = 0;
  std::array<std::uint8_t, 4> ports{};
  std::array<std::uint8_t, 32> addresses{};

  bool operator==(const Crumb&) const noexcept = default;

  void set(const flow::Flow& f) noexcept {
    const bool is_first = f.orig_h < f.resp_h || (f.orig_h == f.resp_h && f.orig_p <= f.resp_p);
    const Ip &a = is_first ? f.orig_h : f.resp_h, &b = is_first ? f.resp_h : f.orig_h;
    const std::uint16_t p = is_first ? f.orig_p : f.resp_p, q = is_first ? f.resp_p : f.orig_p;
    std::memcpy(addresses.data(), a.bytes.data(), 16);
    std::memcpy(addresses.data() + 16, b.bytes.data(), 16);
    ports = {static_cast<std::uint8_t>(p >> 8), static_cast<std::uint8_t>(p), static_cast<std::uint8_t>(q >> 8),
             static_cast<std::uint8_t>(q)};
    proto = f.proto;
    is_set = 1;
  }
  void clear() noexcept { is_set = 0; }
};
static_assert(sizeof(Crumb) == 38 && std::is_trivially_copyable_v<Crumb>);

// More is not a flow that kills, but something else.
inline constexpr std::size_t kQuarantinedMax = 64;

}  // namespace catenary::sensor
