// One digest of bytes that are all there. Contexts are kept: making one costs more than hashing a certificate.
#pragma once

#include "files/digest.h"

namespace catenary::files {

using Sha256 = std::array<std::uint8_t, 32>;

class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;

  // Fills `out` from its start and returns the digest's bytes; empty when the library refuses the algorithm.
  Bytes digest(Hash h, Bytes in, Sha256& out) noexcept;

 private:
  Algorithms algorithms_;
  std::array<evp_md_ctx_st*, kHashCount> contexts_{};
};

}  // namespace catenary::files
