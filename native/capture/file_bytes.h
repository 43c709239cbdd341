// The bytes of a file in order, read in large pieces and handed out where they lie: stdio would make a system call for
// every third packet, and copy each record once more.
#pragma once

#include <algorithm>
#include <cstdio>
#include <vector>

#include "capture/source.h"

namespace catenary::capture {

class FileBytes {
 public:
  static constexpr std::size_t kTakeMax = 384 << 10;  // at once: the longest packet with all around it fits

  // Takes `file` over, which is read through nobody else from here on; `seen` was read from it before.
  FileBytes(std::FILE* file, Bytes seen);
  ~FileBytes() { std::fclose(file_); }
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;

  // The next n bytes, n <= kTakeMax; fewer where the file ends. They live until the next call. A file that has grown
  // since goes on.
  Bytes take(std::size_t n) {
    if (end_ - at_ < n) fill(n);
    const Bytes taken{buffer_.data() + at_, std::min(n, end_ - at_)};
    at_ += taken.size();
    return taken;
  }
  // False when it ends before.
  bool skip(std::uint64_t n);
  // Reading failed, which is another thing than an end.
  bool has_failed() const { return std::ferror(file_) != 0; }
  std::uint64_t position() const { return before_ + at_; }

 private:
  void fill(std::size_t n);

  std::FILE* file_;
  std::vector<std::uint8_t> buffer_;
  std::size_t at_ = 0, end_ = 0;  // of the buffer: handed out, filled
  std::uint64_t before_ = 0;      // of the file: what has left the buffer
};

}  // namespace catenary::capture
