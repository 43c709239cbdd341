// SipHash-1-3 (Aumasson & Bernstein, 2012): the keyed hash of every table that traffic can fill.
// An attacker who cannot learn the key cannot aim collisions at a bucket.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"

namespace catenary {

struct SipKey {
  std::uint64_t k0 = 0, k1 = 0;
};

class SipHasher {
 public:
  explicit SipHasher(SipKey key) noexcept
      : v0_(key.k0 ^ 0x736f6d6570736575ULL),
        v1_(key.k1 ^ 0x646f72616e646f6dULL),
        v2_(key.k0 ^ 0x6c7967656e657261ULL),
        v3_(key.k1 ^ 0x7465646279746573ULL) {}

  // One 8-byte little-endian word of the message.
  void word(std::uint64_t m) noexcept {
    v3_ ^= m;
    round();
    v0_ ^= m;
  }
  // `last` is the final word: the message length in its top byte, left-over bytes below.
  std::uint64_t finish(std::uint64_t last) noexcept {
    word(last);
    v2_ ^= 0xff;
    round();
    round();
    round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  void round() noexcept {
    v0_ += v1_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v3_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ += v3_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ += v1_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v2_ = std::rotl(v2_, 32);
  }
  std::uint64_t v0_, v1_, v2_, v3_;
};

inline std::uint64_t siphash(SipKey key, Bytes b) noexcept {
  SipHasher h(key);
  std::size_t i = 0;
  for (; i + 8 <= b.size(); i += 8) {
    std::uint64_t w;
    std::memcpy(&w, b.data() + i, 8);
    h.word(w);
  }
  std::uint64_t last = static_cast<std::uint64_t>(b.size()) << 56;
  for (std::size_t k = 0; i + k < b.size(); k++) last |= static_cast<std::uint64_t>(b[i + k]) << (8 * k);
  return h.finish(last);
}

}  // namespace catenary
