#include "base/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace catenary {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // reflected

// tables[k][b]: what byte b does to the register with k zero bytes behind it.
using Tables = std::array<std::array<std::uint32_t, 256>, 8>;
constexpr Tables make_tables() noexcept {
  Tables t{};
  for (std::uint32_t b = 0; b < 256; b++) {
    std::uint32_t v = b;
    for (int bit = 0; bit < 8; bit++) v = (v & 1) != 0 ? (v >> 1) ^ kPolynomial : v >> 1;
    t[0][b] = v;
  }
  for (std::size_t k = 1; k < t.size(); k++) {
    for (std::uint32_t b = 0; b < 256; b++) t[k][b] = (t[k - 1][b] >> 8) ^ t[0][t[k - 1][b] & 0xff];
  }
  return t;
}
constexpr Tables kTables = make_tables();

std::uint64_t load64(const std::uint8_t* at) noexcept {
  std::uint64_t v = 0;
  std::memcpy(&v, at, sizeof v);
  return v;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_instruction(Bytes bytes, std::uint32_t crc) noexcept {
  std::uint64_t v = ~crc;
  std::size_t i = 0;
  for (; bytes.size() - i >= 8; i += 8) v = _mm_crc32_u64(v, load64(bytes.data() + i));
  auto low = static_cast<std::uint32_t>(v);
  for (; i < bytes.size(); i++) low = _mm_crc32_u8(low, bytes[i]);
  return ~low;
}
#endif

}  // namespace

std::uint32_t crc32c_portable(Bytes bytes, std::uint32_t crc) noexcept {
  std::uint32_t v = ~crc;
  std::size_t i = 0;
  for (; bytes.size() - i >= 8; i += 8) {
    const std::uint64_t x = load64(bytes.data() + i) ^ v;  // little-endian, as every machine we build for
    v = 0;
    for (std::size_t k = 0; k < 8; k++) v ^= kTables[7 - k][(x >> (8 * k)) & 0xff];
  }
  for (; i < bytes.size(); i++) v = (v >> 8) ^ kTables[0][(v ^ bytes[i]) & 0xff];
  return ~v;
}

std::uint32_t crc32c(Bytes bytes, std::uint32_t crc) noexcept {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) return crc32c_instruction(bytes, crc);
#endif
  return crc32c_portable(bytes, crc);
}

}  // namespace catenary
