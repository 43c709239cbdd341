// Batches from a capture process to the sensor: a ring in shared memory between one writer and one reader that does not
// trust it. What the reader takes it copies once, and looks at the copy only.
//
//   0        Page: magic, capacity, tail (the writer's), head (the reader's), the crumb, what was counted
//   4096     capacity bytes: messages, each a length and a type of four bytes, padded to eight
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "sensor/crumb.h"

namespace catenary::worker {

inline constexpr std::size_t kChannelBytes = 8 << 20;
inline constexpr std::size_t kMessageMax = 4 << 20;  // a drain is 512 KiB and what one packet makes

enum class Type : std::uint32_t { kReady = 1, kDrain, kSegment, kEnd };

// For whoever watches: none of it is relied on, and it may be half written when it is read.
struct Counted {
  std::uint64_t packets = 0, bytes = 0, flows = 0, flows_evicted = 0, weirds = 0;
  std::uint64_t last_us = 0;  // packet time of the newest
  std::uint64_t kernel_dropped = 0, interface_dropped = 0;
  std::uint64_t turns = 0;  // of the process's loop: while they go on it lives
};

struct Page {
  alignas(64) std::atomic<std::uint64_t> tail;  // bytes ever written
  alignas(64) std::atomic<std::uint64_t> head;  // bytes ever taken
  alignas(64) sensor::Crumb crumb;
  alignas(64) Counted counted;
};
inline constexpr std::size_t kPageBytes = 4096;
static_assert(sizeof(Page) <= kPageBytes && std::atomic<std::uint64_t>::is_always_lock_free);

class Mapping {
 public:
  // Maps the descriptor's kPageBytes + kChannelBytes. ok() is false when that cannot be.
  explicit Mapping(int fd);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  bool ok() const noexcept { return at_ != nullptr; }
  Page& page() const noexcept { return *static_cast<Page*>(at_); }
  std::uint8_t* ring() const noexcept { return static_cast<std::uint8_t*>(at_) + kPageBytes; }

 private:
  void* at_ = nullptr;
};

// Memory that two processes can map and neither can shrink under the other. -1 and errno.
int make_channel();

class ChannelWriter {
 public:
  // `wake`: a pipe that gets a byte for each message.
  ChannelWriter(int fd, int wake) : mapping_(fd), wake_(wake) {}
  bool ok() const noexcept { return mapping_.ok(); }
  sensor::Crumb& crumb() const noexcept { return mapping_.page().crumb; }
  Counted& counted() const noexcept { return mapping_.page().counted; }
  // Waits for room as long as it takes: what comes meanwhile waits in the kernel's ring, or is counted there as
  // dropped.
  void write(Type type, std::span<const Bytes> parts);

 private:
  void put(Bytes bytes) noexcept;

  Mapping mapping_;
  int wake_;
  std::uint64_t tail_ = 0;
};

class ChannelReader {
 public:
  enum class Taken { kNothing, kMessage, kBroken };
  explicit ChannelReader(int fd) : mapping_(fd) {}
  bool ok() const noexcept { return mapping_.ok(); }
  // The next message, copied. kBroken: the writer contradicts itself, and is to be ended.
  Taken take(std::uint32_t& type, std::vector<std::uint8_t>& payload);
  // What the writer was at when it was last heard of. Its word, copied.
  sensor::Crumb crumb() const noexcept;
  // The same of what it has counted.
  Counted counted() const noexcept;

 private:
  void get(std::uint64_t at, std::span<std::uint8_t> to) const noexcept;

  Mapping mapping_;
  std::uint64_t head_ = 0;  // our own: what stands in the page is the writer's to change
};

}  // namespace catenary::worker
