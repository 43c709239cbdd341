// A text that is written once, into room of a fixed size. What does not fit is left out, and is_cut() says so.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace catenary::x509 {

template <std::size_t N>
class Text {
 public:
  void put(char c) noexcept {
    if (size_ < N)
      chars_[size_++] = c;
    else
      is_cut_ = true;
  }
  void put(std::string_view s) noexcept {
    for (const char c : s) put(c);
  }
  void hex(std::uint8_t b) noexcept {
    static constexpr char kDigits[] = "0123456789ABCDEF";
    put(kDigits[b >> 4]);
    put(kDigits[b & 15]);
  }
  void number(std::uint64_t v) noexcept {
    char digits[20];
    std::size_t n = 0;
    do {
      digits[n++] = static_cast<char>('0' + v % 10);
      v /= 10;
    } while (v > 0);
    while (n > 0) put(digits[--n]);
  }
  void clear() noexcept {
    size_ = 0;
    is_cut_ = false;
  }
  std::string_view view() const noexcept { return {chars_.data(), size_}; }
  bool empty() const noexcept { return size_ == 0; }
  bool is_cut() const noexcept { return is_cut_; }

 private:
  std::array<char, N> chars_;  // only what was written is read
  std::size_t size_ = 0;
  bool is_cut_ = false;
};

}  // namespace catenary::x509
