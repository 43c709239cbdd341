// Segments as they lie on the disk, read at places: for whoever looks for packets in them. What is read is checked as a
// stranger's, since a disk may rot.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "capture/source.h"

namespace catenary::packets {

// A file of which one window is held: the next place asked for is often near the last one.
class StoredFile {
 public:
  explicit StoredFile(const std::string& path);
  ~StoredFile();
  StoredFile(const StoredFile&) = delete;
  StoredFile& operator=(const StoredFile&) = delete;

  // `n` bytes at `offset`; fewer at the end, none when the file cannot be read. They live until the next call.
  Bytes at(std::uint64_t offset, std::size_t n);
  std::uint64_t bytes_read() const noexcept { return bytes_read_; }
  // Of errno; 0: none so far.
  int error() const noexcept { return error_; }

 private:
  void fill(std::uint64_t offset, std::size_t n);

  int fd_;
  int error_ = 0;
  std::vector<std::uint8_t> buffer_;
  std::uint64_t start_ = 0, bytes_read_ = 0;
  std::size_t held_ = 0;
};

struct StoredPacket {
  capture::RawPacket raw;  // `ts` is the packet's; `data` lives until the file is asked again
  std::uint64_t flow = 0;  // the number in its flow's uid; 0: it belongs to none
};

// The DLT_ value of libpcap for a LINKTYPE_ value of a file: the other way round than linktype_of().
int dlt_of(std::uint32_t linktype) noexcept;

// The packet whose block begins at `offset`; false when none does. `linktypes`: LINKTYPE_ values of the interfaces.
bool packet_at(StoredFile& file, std::uint64_t offset, std::span<const std::uint32_t> linktypes, StoredPacket& out);

// What stands at `offset`: its type and length, and of an interface its LINKTYPE_ value. A length of 0: no block.
struct StoredBlock {
  std::uint32_t type = 0, bytes = 0, linktype = 0;
};
StoredBlock block_at(StoredFile& file, std::uint64_t offset);

}  // namespace catenary::packets
