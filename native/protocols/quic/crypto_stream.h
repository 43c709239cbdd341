// The handshake message at the front of one side's CRYPTO frames, whichever order they come in: RFC 9000 19.6.
#pragma once

#include <array>
#include <vector>

#include "base/cursor.h"
#include "base/ranges.h"

namespace catenary::quic {

class CryptoStream {
 public:
  static constexpr std::size_t kMessageBytesMax = (1 << 14) + 256;  // a hello; RFC 8446 5.1 allows a record less
  static constexpr std::size_t kPiecesMax = 64;  // apart from each other; browsers scatter a hello over about twenty

  // False when it cannot be kept: the message is given up.
  bool add(std::uint64_t offset, Bytes piece);
  // The message with its header once all of it is there; empty before.
  Bytes message() const noexcept;
  void clear() noexcept;

 private:
  std::vector<std::uint8_t> bytes_;
  RangeSet<kPiecesMax> ranges_;
};

}  // namespace catenary::quic
