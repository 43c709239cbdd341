// Where memory stands on disk: one snapshot and the log of what changed after it.
//
//   <dir>/lock              held while a process has the folder open
//   <dir>/<n>.snapshot      the hash key with a checksum, then one commit with every slot
//   <dir>/<n>.log           one commit after the other, each with the slots it changed
//
// A commit is one frame, and counts when it is there to its last byte:
//   magic u32, flags u32, length u64, xxh3-64 u64 of flags, length and payload, payload
// and its payload is 'H' position, start, then of keys and of pairs: buckets, evicted, floor; after that 'K' for keys,
// 'P' for pairs, u32 count and that many slots.
//
// Why not a plain mmap of the tables? After kill -9 the kernel writes whatever was touched: the table would stand
// somewhere between two commits, half a slot perhaps on power loss, and no position would describe it. Detection
// resumes from a position, and touching the events after it twice, or looking at them before they happen, changes
// answers. So the tables live in memory, and disk holds whole commits only.
//
// Memory commits first, then the state that holds the input cursor; a crash between the two leaves memory one commit
// ahead. It therefore opens *at* a position, and what the last commit needs to be undone is deleted only when the
// next commit begins, which says that both had been done.
#pragma once

#include <string>

#include "base/siphash.h"
#include "memory/table.h"

namespace catenary::memory {

using Keys = Table<KeySlot>;
using Pairs = Table<PairSlot>;

// Everything that a commit is about.
struct Image {
  std::uint64_t position = 0;
  // Memory answers from here on; at the end of time before the first event.
  Micros start = UINT64_MAX;
  Keys keys;
  Pairs pairs;
};

struct HashKeys {
  std::array<std::uint64_t, 4> words{};
  SipKey first() const noexcept { return {words[0], words[1]}; }
  SipKey second() const noexcept { return {words[2], words[3]}; }
};

class Journal {
 public:
  Journal() = default;
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Restores the last commit at or before `wanted` into `image`, and cuts off what comes after it. A folder without
  // one leaves `image` and `keys` alone. Returns what went wrong, empty when nothing did.
  std::string open(const std::string& dir, std::uint64_t wanted, Image& image, HashKeys& keys);

  // Durable when it returns, or not there at all and to be tried again. `image.position` is the new position.
  std::string commit(const Image& image, const HashKeys& keys);

  std::uint64_t bytes() const noexcept { return snapshot_bytes_ + log_bytes_; }

 private:
  std::string lock();
  std::string load(std::uint64_t generation, std::uint64_t wanted, Image& image, HashKeys& keys, bool& is_loaded);
  std::string write_snapshot(const Image& image, const HashKeys& keys);
  std::string append(const Image& image);
  std::string path(std::uint64_t generation, const char* kind) const;
  void drop_others() noexcept;

  std::string dir_;
  int lock_fd_ = -1, log_fd_ = -1;
  // 0: no snapshot yet.
  std::uint64_t generation_ = 0;
  std::uint64_t snapshot_bytes_ = 0, log_bytes_ = 0;
  // The generation before this one is still there.
  bool is_superseded_ = false;
  std::vector<std::uint8_t> buffer_;
};

}  // namespace catenary::memory
