// MD5 (RFC 1321), SHA-1 and SHA-256 (FIPS 180-4) of the same bytes in one pass, on processors with instructions for
// SHA. An MD5 step waits for the one before it; done side by side, the two others take place in its waiting.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace catenary::files {

class OnePass {
 public:
  struct Digests {
    std::array<std::uint8_t, 16> md5;
    std::array<std::uint8_t, 20> sha1;
    std::array<std::uint8_t, 32> sha256;
  };
  // What the three carry from block to block.
  struct State {
    std::array<std::uint32_t, 4> md5;
    std::array<std::uint32_t, 5> sha1;
    std::array<std::uint32_t, 8> sha256;
  };

  // Whether this processor can. Where it cannot, nothing else may be called.
  static bool is_available() noexcept;

  void start() noexcept;
  void update(Bytes bytes) noexcept;
  // Ends the stream.
  Digests finish() noexcept;

 private:
  static constexpr std::size_t kBlock = 64;

  State state_;
  std::uint64_t length_;                   // of all bytes
  std::array<std::uint8_t, kBlock> held_;  // a block that is not full yet
};

}  // namespace catenary::files
