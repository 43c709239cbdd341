// Long memory: when a domain, a file, an address was first and last seen, on how many days, by how many hosts; and the
// same of each pair of such a key and a host. chains.md, Memory functions.
//
// Two tables share a byte budget, keys and pairs by halves. Everything is told and asked in event order: an answer is
// as of the moment of the call, nothing is read from a clock. Keys are stored as 128-bit keyed hashes, so what memory
// holds cannot be listed, only asked for; the hash key is random, stands in the snapshot, and changes no answer.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "memory/journal.h"

namespace catenary::memory {

inline constexpr std::size_t kBudgetBytesMin = 1 << 20;
inline constexpr std::uint64_t kNewest = UINT64_MAX;

struct Options {
  // Empty: memory of this process only.
  std::string dir;
  std::size_t budget_bytes = 256 << 20;
  // The commit to go back to; kNewest for the last there is.
  std::uint64_t position = kNewest;
  // For tests that compare tables; otherwise random.
  HashKeys keys;
  bool has_keys = false;
};

struct Recollection {
  // Of count 0 both are 0.
  Micros first = 0, last = 0;
  std::uint32_t count = 0, days = 0;
  Micros since = 0;
};

class Memory {
 public:
  explicit Memory(const Options& options);
  // What went wrong, empty when nothing did. Nothing else may be called unless it was empty.
  std::string open();

  // Memory answers from the first call's time on; touch() does the same.
  void begin(Micros at) noexcept {
    if (image_.start == UINT64_MAX) image_.start = at;
  }
  void touch(std::uint8_t space, std::string_view key, Micros at);
  void touch(std::uint8_t space, std::string_view key, Micros at, std::string_view host);
  Recollection look(std::uint8_t space, std::string_view key) const noexcept;
  Recollection look(std::uint8_t space, std::string_view key, std::string_view host) const noexcept;
  // Hosts that touched the key in the last `days` whole UTC days up to `at`: exact to 16, 17 for more.
  std::uint32_t prevalence(std::uint8_t space, std::string_view key, std::uint32_t days, Micros at) const noexcept;

  // Positions grow. Durable when the returned text is empty; otherwise nothing was lost and it may be tried again.
  std::string commit(std::uint64_t position);
  std::uint64_t position() const noexcept { return image_.position; }
  const Image& image() const noexcept { return image_; }
  std::uint64_t disk_bytes() const noexcept { return journal_.bytes(); }

 private:
  KeyHash key_hash(std::uint8_t space, std::string_view key) const noexcept;
  KeyHash pair_hash(KeyHash key, std::uint64_t host) const noexcept;
  std::uint64_t host_hash(std::string_view host) const noexcept;

  const Options options_;
  HashKeys keys_;
  Image image_;
  Journal journal_;
};

}  // namespace catenary::memory
