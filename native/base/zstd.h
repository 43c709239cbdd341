// One zstd frame (RFC 8878) from a stranger, decompressed within limits that are checked before a byte of it is.
//
// A frame must say how much it holds, and the buffer is exactly that: nothing can write past what was promised, and
// what was promised is bounded by the caller and by what the compressed bytes make credible.
#pragma once

#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace catenary::zstd {

// Records of one kind compress to a fifth to a fiftieth. Whoever sends something that shrinks more sends it as it is.
inline constexpr std::size_t kRatioMax = 200;
// What decoding may look back on; the content limit of a frame anyway.
inline constexpr std::uint64_t kWindowMax = 1 << 20;
// Speed is what level 1 is for; records gain little above it.
inline constexpr int kLevel = 1;

// What a frame's header says. Reads nothing else.
struct Header {
  std::uint64_t content = 0;  // bytes, decompressed
  std::uint64_t window = 0;   // bytes
  std::string_view fault;     // empty: it is good
};
Header read_header(Bytes frame) noexcept;

// Replaces `out` by one frame with its content size. False: no memory.
bool compress(Bytes in, std::vector<std::uint8_t>& out);

// Replaces `out` by the content of exactly one frame. Returns why not; empty when it did.
std::string_view decompress(Bytes frame, std::size_t content_max, std::vector<std::uint8_t>& out);

}  // namespace catenary::zstd
