// The only place in native/ where a pointer walks over hostile bytes.
//
// Sticky: the first read past the end clears ok(); every later read yields zero, an empty span or a
// failed child, so a header is read straight and tested once. sub(n) fences a length field: nothing
// read through the child can leave it. Loads are byte-wise, so alignment and byte order cannot go
// wrong. No allocation, no exception.
#pragma once

#include "base/bytes.h"

namespace catenary {

class Cursor {
 public:
  constexpr Cursor() noexcept = default;
  constexpr explicit Cursor(Bytes b) noexcept : at_(b.data()), end_(b.data() + b.size()) {}

  constexpr bool ok() const noexcept { return ok_; }
  constexpr std::size_t left() const noexcept { return ok_ ? static_cast<std::size_t>(end_ - at_) : 0; }
  constexpr bool done() const noexcept { return left() == 0; }
  constexpr bool has(std::size_t n) const noexcept { return left() >= n; }

  constexpr std::uint8_t u8() noexcept { return need(1) ? *at_++ : 0; }
  constexpr std::uint16_t be16() noexcept { return static_cast<std::uint16_t>(big<2>()); }
  constexpr std::uint32_t be24() noexcept { return static_cast<std::uint32_t>(big<3>()); }
  constexpr std::uint32_t be32() noexcept { return static_cast<std::uint32_t>(big<4>()); }
  constexpr std::uint64_t be64() noexcept { return big<8>(); }
  constexpr std::uint16_t le16() noexcept { return static_cast<std::uint16_t>(little<2>()); }
  constexpr std::uint32_t le32() noexcept { return static_cast<std::uint32_t>(little<4>()); }
  constexpr std::uint64_t le64() noexcept { return little<8>(); }

  constexpr void skip(std::size_t n) noexcept {
    if (need(n)) at_ += n;
  }
  // The next n bytes, not copied; empty when fewer are left.
  constexpr Bytes take(std::size_t n) noexcept {
    if (!need(n)) return {};
    const Bytes b{at_, n};
    at_ += n;
    return b;
  }
  constexpr Bytes rest() noexcept { return take(left()); }
  // A child over the next n bytes; a child longer than what is left starts failed, and so does this.
  constexpr Cursor sub(std::size_t n) noexcept {
    Cursor child;
    child.ok_ = need(n);
    if (child.ok_) {
      child.at_ = at_;
      child.end_ = at_ + n;
      at_ += n;
    }
    return child;
  }
  // Bytes ahead without moving; a look past the end is empty and does not fail the cursor.
  constexpr Bytes peek(std::size_t n) const noexcept { return has(n) ? Bytes{at_, n} : Bytes{}; }
  constexpr Bytes peek_rest() const noexcept { return {at_, left()}; }
  constexpr void fail() noexcept { ok_ = false; }

 private:
  constexpr bool need(std::size_t n) noexcept {
    if (!ok_ || static_cast<std::size_t>(end_ - at_) < n) ok_ = false;
    return ok_;
  }
  template <std::size_t N>
  constexpr std::uint64_t big() noexcept {
    if (!need(N)) return 0;
    at_ += N;
    return big_at<N>(at_ - N);
  }
  template <std::size_t N>
  constexpr std::uint64_t little() noexcept {
    if (!need(N)) return 0;
    at_ += N;
    return little_at<N>(at_ - N);
  }
  // One expression and no loop: of that compilers make one load.
  template <std::size_t N>
  static constexpr std::uint64_t big_at(const std::uint8_t* p) noexcept {
    if constexpr (N == 0)
      return 0;
    else
      return big_at<N - 1>(p) << 8 | p[N - 1];
  }
  template <std::size_t N>
  static constexpr std::uint64_t little_at(const std::uint8_t* p) noexcept {
    if constexpr (N == 0)
      return 0;
    else
      return little_at<N - 1>(p + 1) << 8 | p[0];
  }

  const std::uint8_t* at_ = nullptr;
  const std::uint8_t* end_ = nullptr;
  bool ok_ = true;
};

}  // namespace catenary
