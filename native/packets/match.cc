#include "packets/match.h"

#include <fcntl.h>
#include <pcap/dlt.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/cursor.h"
#include "capture/filter.h"
#include "packets/blocks.h"

namespace catenary::packets {
namespace {

constexpr std::size_t kWindowBytes = 64 << 10;
constexpr std::size_t kPacketHeader = 28;  // of an enhanced packet block, draft-ietf-opsawg-pcapng, section 4.3
constexpr std::uint32_t kLinktypeRaw = 101;

// The other way round than linktype_of().
int dlt_of(std::uint32_t linktype) noexcept { return linktype == kLinktypeRaw ? DLT_RAW : static_cast<int>(linktype); }

// A file that is read at places, of which the last one is often near the next.
class Window {
 public:
  explicit Window(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) {
    if (fd_ < 0) error_ = errno;
  }
  ~Window() {
    if (fd_ >= 0) ::close(fd_);
  }
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  // `n` bytes at `offset`; fewer at the end, none when the file cannot be read.
  Bytes at(std::uint64_t offset, std::size_t n) {
    if (offset < start_ || offset + n > start_ + held_) fill(offset, std::max(n, kWindowBytes));
    const std::size_t skip = static_cast<std::size_t>(offset - start_);
    return Bytes(buffer_).subspan(skip, std::min(n, held_ - skip));
  }
  std::uint64_t bytes_read() const noexcept { return bytes_read_; }
  int error() const noexcept { return error_; }

 private:
  void fill(std::uint64_t offset, std::size_t n) {
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

  int fd_;
  int error_ = 0;
  std::vector<std::uint8_t> buffer_;
  std::uint64_t start_ = 0, bytes_read_ = 0;
  std::size_t held_ = 0;
};

// The packet whose block begins at `offset`; false when none does.
bool packet_at(Window& file, std::uint32_t offset, std::span<const std::uint32_t> linktypes, capture::RawPacket& out) {
  Cursor head(file.at(offset, kPacketHeader));
  const std::uint32_t type = head.le32(), size = head.le32(), interface = head.le32();
  head.skip(8);
  const std::uint32_t caplen = head.le32();
  out.wire_len = head.le32();
  if (!head.ok() || type != kPacketBlock || interface >= linktypes.size()) return false;
  if (caplen > capture::kPacketBytesMax || packet_block_bytes(caplen) != size) return false;
  out.linktype = dlt_of(linktypes[interface]);
  out.data = file.at(offset, kPacketHeader + caplen);
  if (out.data.size() != kPacketHeader + caplen) return false;
  out.data = out.data.subspan(kPacketHeader);
  return true;
}

}  // namespace

Matches match_packets(const std::string& path, const std::string& filter, std::span<const std::uint32_t> offsets,
                      std::span<const std::uint32_t> linktypes) {
  Matches out;
  capture::Filter program(filter);
  // A filter that means nothing is told even where there is no packet to look at.
  for (const std::uint32_t linktype : linktypes) {
    capture::RawPacket none;
    none.linktype = dlt_of(linktype);
    if (!program.empty()) program.match(none, out.error);
    if (!out.error.empty()) return out;
  }
  if (offsets.empty()) return out;
  Window file(path);
  for (const std::uint32_t offset : offsets) {
    capture::RawPacket raw;
    if (!packet_at(file, offset, linktypes, raw)) {
      out.error = path + ":" + std::to_string(offset) + ": ";
      out.error += file.error() == 0 ? "no packet where the index says" : std::generic_category().message(file.error());
      out.passed.clear();
      return out;
    }
    out.passed.push_back(program.empty() || program.match(raw, out.error) ? 1 : 0);
  }
  out.bytes_read = file.bytes_read();
  return out;
}

}  // namespace catenary::packets
