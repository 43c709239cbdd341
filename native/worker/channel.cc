#include "worker/channel.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace catenary::worker {
namespace {

constexpr std::size_t kHeadBytes = 8;

struct Head {
  std::uint32_t length = 0;
  std::uint32_t type = 0;
};
static_assert(sizeof(Head) == kHeadBytes);

constexpr std::uint64_t padded(std::uint64_t n) { return (n + 7) & ~std::uint64_t{7}; }

}  // namespace

int make_channel() {
  const int fd = ::memfd_create("catenary-channel", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return -1;
  // A writer that could cut the memory short would end the reader by SIGBUS.
  if (::ftruncate(fd, static_cast<off_t>(kPageBytes + kChannelBytes)) == 0 &&
      ::fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
    return fd;
  ::close(fd);
  return -1;
}

Mapping::Mapping(int fd) {
  void* at = ::mmap(nullptr, kPageBytes + kChannelBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at != MAP_FAILED) at_ = at;
}

Mapping::~Mapping() {
  if (at_) ::munmap(at_, kPageBytes + kChannelBytes);
}

void ChannelWriter::put(Bytes bytes) noexcept {
  while (!bytes.empty()) {
    const std::size_t at = tail_ % kChannelBytes;
    const std::size_t n = std::min(bytes.size(), kChannelBytes - at);
    std::memcpy(mapping_.ring() + at, bytes.data(), n);
    tail_ += n;
    bytes = bytes.subspan(n);
  }
}

void ChannelWriter::write(Type type, std::span<const Bytes> parts) {
  std::size_t length = 0;
  for (const Bytes& p : parts) length += p.size();
  CATENARY_CHECK(length <= kMessageMax);
  const std::uint64_t need = kHeadBytes + padded(length);
  while (tail_ + need - mapping_.page().head.load(std::memory_order_acquire) > kChannelBytes) {
    const timespec moment{0, 1'000'000};
    ::nanosleep(&moment, nullptr);
  }
  const Head head{static_cast<std::uint32_t>(length), static_cast<std::uint32_t>(type)};
  std::uint8_t bytes[kHeadBytes];
  std::memcpy(bytes, &head, kHeadBytes);
  put(bytes);
  for (const Bytes& p : parts) put(p);
  tail_ = padded(tail_);
  mapping_.page().tail.store(tail_, std::memory_order_release);
  // A full pipe wakes as well.
  [[maybe_unused]] const ssize_t woken = ::write(wake_, "", 1);
}

void ChannelReader::get(std::uint64_t from, std::span<std::uint8_t> to) const noexcept {
  while (!to.empty()) {
    const std::size_t at = from % kChannelBytes;
    const std::size_t n = std::min(to.size(), kChannelBytes - at);
    std::memcpy(to.data(), mapping_.ring() + at, n);
    from += n;
    to = to.subspan(n);
  }
}

ChannelReader::Taken ChannelReader::take(std::uint32_t& type, std::vector<std::uint8_t>& payload) {
  const std::uint64_t there = mapping_.page().tail.load(std::memory_order_acquire) - head_;
  if (there == 0) return Taken::kNothing;
  if (there > kChannelBytes || there < kHeadBytes) return Taken::kBroken;
  std::uint8_t bytes[kHeadBytes];
  get(head_, bytes);
  Head head;
  std::memcpy(&head, bytes, kHeadBytes);
  if (head.length > kMessageMax || kHeadBytes + padded(head.length) > there) return Taken::kBroken;
  type = head.type;
  payload.resize(head.length);
  get(head_ + kHeadBytes, payload);
  head_ += kHeadBytes + padded(head.length);
  mapping_.page().head.store(head_, std::memory_order_release);
  return Taken::kMessage;
}

Counted ChannelReader::counted() const noexcept {
  Counted copy;
  std::memcpy(&copy, &mapping_.page().counted, sizeof copy);
  return copy;
}

sensor::Crumb ChannelReader::crumb() const noexcept {
  sensor::Crumb copy;
  std::memcpy(&copy, &mapping_.page().crumb, sizeof copy);
  return copy;
}

}  // namespace catenary::worker
