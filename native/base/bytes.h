// Views of bytes that somebody else owns. A view dies with the call it was passed to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace catenary {

using Bytes = std::span<const std::uint8_t>;

inline std::string_view as_text(Bytes b) noexcept { return {reinterpret_cast<const char*>(b.data()), b.size()}; }
inline Bytes as_bytes(std::string_view s) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()};
}

}  // namespace catenary
