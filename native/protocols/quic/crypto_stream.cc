#include "protocols/quic/crypto_stream.h"

#include <algorithm>

namespace catenary::quic {

namespace {
constexpr std::size_t kHeaderBytes = 4;  // type, length (3): RFC 8446 4
}

bool CryptoStream::add(std::uint64_t offset, Bytes piece) {
  if (offset > kMessageBytesMax || piece.size() > kMessageBytesMax - offset) return false;
  const std::size_t end = offset + piece.size();
  if (!ranges_.add(static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(end))) return false;
  if (bytes_.size() < end) bytes_.resize(end);
  std::copy(piece.begin(), piece.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(offset));
  return true;
}

Bytes CryptoStream::message() const noexcept {
  Cursor in(Bytes(bytes_).first(ranges_.whole_until()));
  const Bytes whole = in.peek_rest();
  in.skip(1);
  const std::uint32_t length = in.be24();
  return in.has(length) && in.ok() ? whole.first(kHeaderBytes + length) : Bytes{};
}

void CryptoStream::clear() noexcept {
  bytes_.clear();
  ranges_.clear();
}

}  // namespace catenary::quic
