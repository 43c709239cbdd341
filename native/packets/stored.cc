#include "packets/stored.h"

#include <fcntl.h>
#include <pcap/dlt.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/cursor.h"
#include "packets/blocks.h"

namespace catenary::packets {
namespace {

constexpr std::size_t kWindowBytes = 64 << 10;
constexpr std::size_t kPacketHeader = 28;     // of an enhanced packet block, draft-ietf-opsawg-pcapng, section 4.3
constexpr std::uint32_t kPacketId = 0x80005;  // epb_packetid, 8 bytes
constexpr std::uint32_t kLinktypeRaw = 101;

}  // namespace

int dlt_of(std::uint32_t linktype) noexcept { return linktype == kLinktypeRaw ? DLT_RAW : static_cast<int>(linktype); }

StoredFile::StoredFile(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) {
  if (fd_ < 0) error_ = errno;
}

StoredFile::~StoredFile() {
  if (fd_ >= 0) ::close(fd_);
}

Bytes StoredFile::at(std::uint64_t offset, std::size_t n) {
  if (offset < start_ || offset + n > start_ + held_) fill(offset, std::max(n, kWindowBytes));
  const std::size_t skip = static_cast<std::size_t>(offset - start_);
  return Bytes(buffer_).subspan(skip, std::min(n, held_ - skip));
}

void StoredFile::fill(std::uint64_t offset, std::size_t n) {
  buffer_.resize(std::max(buffer_.size(), n));
  start_ = offset;
  held_ = 0;
  while (fd_ >= 0 && held_ < n) {
    const ssize_t got = ::pread(fd_, &buffer_[held_], n - held_, static_cast<off_t>(offset + held_));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) error_ = errno;
    if (got <= 0) break;
    held_ += static_cast<std::size_t>(got);
  }
  bytes_read_ += held_;
}

bool packet_at(StoredFile& file, std::uint64_t offset, std::span<const std::uint32_t> linktypes, StoredPacket& out) {
  Cursor head(file.at(offset, kPacketHeader));
  const std::uint32_t type = head.le32(), size = head.le32(), interface = head.le32();
  const std::uint64_t high = head.le32(), low = head.le32();
  const std::uint32_t caplen = head.le32();
  out.raw.wire_len = head.le32();
  if (!head.ok() || type != kPacketBlock || interface >= linktypes.size()) return false;
  if (caplen > capture::kPacketBytesMax || packet_block_bytes(caplen) != size) return false;
  out.raw.ts = static_cast<Nanos>((high << 32 | low) & INT64_MAX);
  out.raw.linktype = dlt_of(linktypes[interface]);
  const Bytes block = file.at(offset, size);
  if (block.size() != size) return false;
  out.raw.data = block.subspan(kPacketHeader, caplen);
  Cursor options(block.subspan(kPacketHeader + padded(caplen)));
  out.flow = options.le32() == kPacketId ? options.le64() : 0;
  return options.ok();
}

StoredBlock block_at(StoredFile& file, std::uint64_t offset) {
  Cursor head(file.at(offset, 12));
  StoredBlock out;
  out.type = head.le32();
  out.bytes = head.le32();
  out.linktype = out.type == kInterfaceBlock ? head.le32() & 0xffff : 0;
  if (!head.ok() || out.bytes < 12 || out.bytes % 4 != 0 || out.bytes > kBlockBytesMax) out.bytes = 0;
  return out;
}

}  // namespace catenary::packets
