// Addresses and times as every layer passes them on.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"

namespace catenary {

// Packet time, nanoseconds since the epoch. Events carry microseconds: micros().
using Nanos = std::int64_t;
using Micros = std::uint64_t;
inline constexpr Nanos kSecond = 1'000'000'000;
inline constexpr Micros micros(Nanos t) noexcept { return t < 0 ? 0 : static_cast<Micros>(t / 1000); }
inline constexpr double seconds(Nanos d) noexcept { return static_cast<double>(d) / 1e9; }

// IPv6, or IPv4 mapped into ::ffff:0:0/96 (RFC 4291, 2.5.5.2): one width everywhere.
struct Ip {
  std::array<std::uint8_t, 16> bytes{};

  static Ip v4(Bytes b) noexcept {
    Ip ip;
    ip.bytes[10] = ip.bytes[11] = 0xff;
    if (b.size() >= 4) std::memcpy(ip.bytes.data() + 12, b.data(), 4);
    return ip;
  }
  static Ip v6(Bytes b) noexcept {
    Ip ip;
    if (b.size() >= 16) std::memcpy(ip.bytes.data(), b.data(), 16);
    return ip;
  }
  bool is_v4() const noexcept {
    static constexpr std::uint8_t kPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return std::memcmp(bytes.data(), kPrefix, 12) == 0;
  }
  bool operator==(const Ip&) const noexcept = default;
  auto operator<=>(const Ip&) const noexcept = default;
};

using Mac = std::array<std::uint8_t, 6>;

// 64 bits, printed as 'C' and eleven base-62 digits: a hash of first-packet time and tuple.
struct Uid {
  std::uint64_t value = 0;
  bool operator==(const Uid&) const noexcept = default;
};

}  // namespace catenary
