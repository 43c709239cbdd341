// A fixed array of zeroes straight from the kernel, on huge pages where it gives them: a table of hundreds of megabytes
// that is read at random would spend its time on page tables, and one that is hardly filled costs hardly anything.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <type_traits>
#include <utility>

#include "base/check.h"

namespace catenary::memory {

template <class T>
class Pages {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Pages() = default;
  explicit Pages(std::size_t n) : size_(n) {
    if (n == 0) return;
    void* at = ::mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CATENARY_CHECK(at != MAP_FAILED);
    // Without huge pages it is slower, not wrong. A small array would round up to more than itself.
    if (bytes() >= kHuge) ::madvise(at, bytes(), MADV_HUGEPAGE);
    at_ = static_cast<T*>(at);
  }
  Pages(Pages&& other) noexcept : at_(std::exchange(other.at_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Pages& operator=(Pages&& other) noexcept {
    std::swap(at_, other.at_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Pages() {
    if (at_ != nullptr) ::munmap(at_, bytes());
  }

  std::size_t size() const noexcept { return size_; }
  T& operator[](std::size_t i) noexcept { return at_[check(i)]; }
  const T& operator[](std::size_t i) const noexcept { return at_[check(i)]; }

 private:
  static constexpr std::size_t kHuge = 4 << 20;

  std::size_t bytes() const noexcept { return size_ * sizeof(T); }
  std::size_t check(std::size_t i) const noexcept {
    CATENARY_CHECK(i < size_);
    return i;
  }

  T* at_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace catenary::memory
