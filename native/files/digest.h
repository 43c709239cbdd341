// MD5, SHA-1 and SHA-256 of one stream of bytes: in one pass where the processor can and the library allows all three,
// otherwise by the library, in contexts that are used again.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "files/one_pass.h"

struct evp_md_ctx_st;
struct evp_md_st;

namespace catenary::files {

enum class Hash : std::uint8_t { kMd5, kSha1, kSha256 };
inline constexpr std::size_t kHashCount = 3;

// The algorithms as the library provides them, looked up once: a look-up costs more than a small file.
class Algorithms {
 public:
  Algorithms();
  ~Algorithms();
  Algorithms(const Algorithms&) = delete;
  Algorithms& operator=(const Algorithms&) = delete;
  // Null when the library refuses it (MD5 under a FIPS policy).
  const evp_md_st* get(Hash h) const noexcept { return algorithms_[static_cast<std::size_t>(h)]; }
  bool has_all() const noexcept;

 private:
  std::array<evp_md_st*, kHashCount> algorithms_{};
};

// Lower-case hexadecimal digits, two a byte; `out` has room for them.
std::string_view hex_text(Bytes in, char* out) noexcept;

class DigestSet {
 public:
  DigestSet() = default;
  ~DigestSet();
  DigestSet(const DigestSet&) = delete;
  DigestSet& operator=(const DigestSet&) = delete;

  // Begins anew. The first time allocates the contexts, later times do not.
  void start(const Algorithms& algorithms);
  void update(Bytes bytes) noexcept;
  // No digest will be asked for: later bytes cost nothing.
  void stop() noexcept { is_running_ = false; }
  bool is_running() const noexcept { return is_running_; }

  // Ends the stream. Lower-case hex of each hash in `out`; empty when there is none.
  using Texts = std::array<std::array<char, 64>, kHashCount>;
  std::array<std::string_view, kHashCount> hex(Texts& out) noexcept;

 private:
  bool is_one_pass_ = false;
  OnePass one_pass_;
  std::array<evp_md_ctx_st*, kHashCount> contexts_{};
  std::array<bool, kHashCount> is_started_{};
  bool is_running_ = false;
};

}  // namespace catenary::files
