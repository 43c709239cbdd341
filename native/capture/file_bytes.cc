#include "capture/file_bytes.h"

#include "base/check.h"

namespace catenary::capture {

// Little enough to be in the second-level cache still when it is decoded.
constexpr std::size_t kReadBytes = 256 << 10;

FileBytes::FileBytes(std::FILE* file, Bytes seen) : file_(file), buffer_(kTakeMax + kReadBytes), end_(seen.size()) {
  std::setvbuf(file_, nullptr, _IONBF, 0);  // this is the buffer
  std::copy(seen.begin(), seen.end(), buffer_.begin());
}

void FileBytes::fill(std::size_t n) {
  CATENARY_CHECK(n <= kTakeMax);
  std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(at_), buffer_.begin() + static_cast<std::ptrdiff_t>(end_),
            buffer_.begin());
  before_ += at_;
  end_ -= at_;
  at_ = 0;
  end_ += std::fread(buffer_.data() + end_, 1, std::max(kReadBytes, n - end_), file_);
}

bool FileBytes::skip(std::uint64_t n) {
  while (n > 0) {
    const std::size_t taken = take(std::min<std::uint64_t>(n, kTakeMax)).size();
    if (taken == 0) return false;
    n -= taken;
  }
  return true;
}

}  // namespace catenary::capture
