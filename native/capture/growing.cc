#include "capture/growing.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/cursor.h"

namespace catenary::capture {
namespace {

constexpr int kPatienceMs = 100;
constexpr std::size_t kReadBytes = 1 << 20;

// A stream of a descriptor that ends, for whoever reads it, behind the last whole record that is there.
class Growing {
 public:
  // `is_final`: when there is nothing to read nothing will ever come.
  Growing(int fd, bool is_final) : fd_(fd), is_final_(is_final) {
    buffer_.reserve(2 * kReadBytes);
    file_ = fopencookie(this, "r", {&Growing::on_read, nullptr, nullptr, nullptr});
  }
  // The reader's to close.
  std::FILE* file() const noexcept { return file_; }

  // Whether there is something new to read. Waits a moment for it.
  bool fill() {
    if (given_ == whole_ && !is_over_) read_more();
    if (given_ == whole_) return false;
    if (file_) std::clearerr(file_);
    return true;
  }
  bool is_over() const noexcept { return is_over_ && given_ == whole_; }
  const std::string& error() const noexcept { return error_; }
  void end() noexcept { is_final_ = true; }

 private:
  static ssize_t on_read(void* self, char* to, std::size_t n) { return static_cast<Growing*>(self)->give(to, n); }

  ssize_t give(char* to, std::size_t n) {
    n = std::min(n, whole_ - given_);
    if (n > 0) std::memcpy(to, buffer_.data() + given_, n);
    given_ += n;
    return static_cast<ssize_t>(n);
  }

  void read_more() {
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(given_));
    given_ = whole_ = 0;
    const std::size_t kept = buffer_.size();
    // A regular file is always ready: where it ends for now is seen by reading.
    pollfd ready{fd_, POLLIN, 0};
    if (::poll(&ready, 1, kPatienceMs) == 0) return;
    buffer_.resize(kept + kReadBytes);
    const ssize_t n = ::read(fd_, buffer_.data() + kept, kReadBytes);
    buffer_.resize(kept + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (n < 0) error_ = std::generic_category().message(errno);
    if (n < 0 || (n == 0 && is_final_)) {
      // What is left is half a record, and its reader says so.
      is_over_ = true;
      whole_ = buffer_.size();
      return;
    }
    if (n == 0) ::poll(nullptr, 0, kPatienceMs);
    whole_ = bounds_.whole({buffer_.data(), buffer_.size()});
  }

  int fd_;
  bool is_final_;
  std::FILE* file_ = nullptr;
  std::vector<std::uint8_t> buffer_;
  std::size_t given_ = 0, whole_ = 0;  // of the buffer
  RecordBounds bounds_;
  bool is_over_ = false;
  std::string error_;
};

// A capture that may not be whole yet.
class GrowingSource final : public Source {
 public:
  GrowingSource(int fd, bool is_final, FileOptions options) : growing_(fd, is_final), options_(std::move(options)) {}

  Next next(RawPacket& out) override {
    for (;;) {
      if (!reader_) {
        if (!growing_.fill() && !growing_.is_over()) return Next::kTimeout;
        reader_ = open_stream(growing_.file(), options_, error_);
        if (!reader_) return Next::kError;
      }
      const Next n = reader_->next(out);
      if (n == Next::kError) error_ = reader_->error();
      if (n != Next::kEnd) return n;
      if (growing_.fill()) continue;
      if (!growing_.is_over()) return Next::kTimeout;
      error_ = growing_.error();
      return error_.empty() ? Next::kEnd : Next::kError;
    }
  }
  std::uint64_t position() const override { return reader_ ? reader_->position() : 0; }
  void end() noexcept { growing_.end(); }

 private:
  Growing growing_;
  FileOptions options_;
  std::unique_ptr<Source> reader_;
};

class Folder final : public Source {
 public:
  Folder(DIR* dir, FileOptions options) : dir_(dir), options_(std::move(options)) {}
  ~Folder() override {
    close_file();
    ::closedir(dir_);
  }

  Next next(RawPacket& out) override {
    for (;;) {
      if (!file_ && !open_next()) {
        ::poll(nullptr, 0, kPatienceMs);
        return Next::kTimeout;
      }
      const Next n = file_->next(out);
      if (n == Next::kPacket) return n;
      if (n == Next::kTimeout) {
        // Only the newest grows. What was appended to this one before the next was begun is read to its end first.
        if (find_next().empty()) return n;
        file_->end();
        continue;
      }
      // A file that breaks off does not end the folder; the first one is told when the reader has ended.
      if (n == Next::kError && error_.empty()) error_ = name_ + ": " + file_->error();
      close_file();
    }
  }
  std::uint64_t position() const override { return position_ + (file_ ? file_->position() : 0); }

 private:
  // The name that follows the current one as numbers follow each other: trace9 before trace10.
  std::string find_next() {
    std::string found;
    ::rewinddir(dir_);
    while (const dirent* e = ::readdir(dir_)) {
      if (e->d_name[0] == '.' || (!name_.empty() && ::strverscmp(e->d_name, name_.c_str()) <= 0)) continue;
      if (!found.empty() && ::strverscmp(e->d_name, found.c_str()) >= 0) continue;
      struct stat s {};
      if (::fstatat(::dirfd(dir_), e->d_name, &s, 0) == 0 && S_ISREG(s.st_mode)) found = e->d_name;
    }
    return found;
  }
  bool open_next() {
    const std::string name = find_next();
    if (name.empty()) return false;
    name_ = name;
    fd_ = ::openat(::dirfd(dir_), name.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd_ >= 0) {
      file_ = std::make_unique<GrowingSource>(fd_, false, options_);
    } else if (error_.empty()) {
      error_ = name + ": " + std::generic_category().message(errno);
    }
    return fd_ >= 0;
  }
  void close_file() {
    if (file_) position_ += file_->position();
    file_.reset();
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

  DIR* dir_;
  FileOptions options_;
  std::string name_;  // being read, or the last that was
  int fd_ = -1;
  std::unique_ptr<GrowingSource> file_;
  std::uint64_t position_ = 0;
};

}  // namespace

std::size_t RecordBounds::length(Bytes bytes) {
  constexpr std::size_t kPcapHeader = 24, kPcapRecord = 16;
  Cursor c(bytes);
  const std::uint32_t first = c.be32();
  if (!c.ok()) return 0;
  if (format_ == Format::kNone) {
    if (bytes.size() < kPcapHeader) return 0;
    switch (first) {
      case 0xd4c3b2a1:
      case 0x4d3cb2a1: format_ = Format::kPcapLittle; return kPcapHeader;
      case 0xa1b2c3d4:
      case 0xa1b23c4d: format_ = Format::kPcapBig; return kPcapHeader;
      case 0x0a0d0d0a: format_ = Format::kPcapng; break;
      default: format_ = Format::kUnknown; return 0;
    }
  }
  if (format_ != Format::kPcapng) {
    c.skip(4);
    const std::uint32_t caplen = format_ == Format::kPcapLittle ? c.le32() : c.be32();
    if (!c.ok()) return 0;
    return kPcapRecord + caplen;
  }
  const Bytes total = c.take(4);
  if (first == 0x0a0d0d0a) is_little_ = c.be32() == 0x4d3c2b1a;
  if (!c.ok()) return 0;
  Cursor t(total);
  return std::max<std::size_t>(is_little_ ? t.le32() : t.be32(), 12);
}

std::size_t RecordBounds::whole(Bytes bytes) {
  std::size_t at = 0;
  while (format_ != Format::kUnknown) {
    const std::size_t n = length(bytes.subspan(at));
    if (n > kRecordHeldMax) format_ = Format::kUnknown;
    if (n == 0 || n > bytes.size() - at) break;
    at += n;
  }
  return format_ == Format::kUnknown ? bytes.size() : at;
}

std::unique_ptr<Source> open_input(int fd, const FileOptions& options) {
  return std::make_unique<GrowingSource>(fd, true, options);
}

std::unique_ptr<Source> open_folder(const std::string& path, const FileOptions& options, std::string& error) {
  DIR* dir = ::opendir(path.c_str());
  if (dir) return std::make_unique<Folder>(dir, options);
  error = std::strerror(errno);
  return nullptr;
}

}  // namespace catenary::capture
