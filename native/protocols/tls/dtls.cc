// DTLS records, RFC 6347: TLS records that carry their number, and handshake messages that may come in pieces.
#include <algorithm>

#include "protocols/tls/names.h"
#include "protocols/tls/tls.h"

namespace catenary::tls {
namespace {

constexpr std::uint8_t kChangeCipherSpec = 20;
constexpr std::uint8_t kHandshake = 22;
constexpr std::uint8_t kApplicationData = 23;

// RFC 8489 5: STUN, which shares the port of a WebRTC call (RFC 7983).
bool is_stun(Cursor in) noexcept {
  constexpr std::uint32_t kCookie = 0x2112a442;
  in.skip(4);
  return in.left() >= 16 && in.be32() == kCookie;
}

}  // namespace

bool Fragments::add(std::uint16_t sequence, std::uint32_t length, std::uint32_t offset, Bytes piece) {
  if (length > kFragmentedBytesMax || offset > length || piece.size() > length - offset) return false;
  if (!is_open_ || sequence != sequence_ || length != message_.size()) {
    // Another message: a sender does not begin one before it has sent all of the last.
    is_open_ = true;
    is_whole_ = false;
    sequence_ = sequence;
    message_.assign(length, 0);
    ranges_.clear();
  }
  if (is_whole_ || !ranges_.add(offset, offset + static_cast<std::uint32_t>(piece.size()))) return false;
  std::copy(piece.begin(), piece.end(), message_.begin() + offset);
  is_whole_ = ranges_.whole_until() == length;
  return is_whole_;
}

flow::Step Parser::on_datagram(flow::Context& cx, flow::Dir dir, Cursor in) {
  handshake_.set_dtls();
  if (is_stun(in)) return flow::Step::kContinue;
  while (!in.done()) {
    // RFC 9147 4: what DTLS 1.3 encrypts has a short header, 001 and five flags. It fills the datagram, or is followed
    // by more of its kind.
    if (handshake_.is_dtls13() && (in.peek(1)[0] & 0xe0) == 0x20) {
      handshake_.set_encrypted(dir);
      return handshake_.on_encrypted() ? flow::Step::kDetach : flow::Step::kContinue;
    }
    const std::uint8_t type = in.u8();
    const std::uint16_t version = in.be16(), epoch = in.be16();
    in.skip(6);
    const Cursor body = in.sub(in.be16());
    // A record ends with its datagram, RFC 6347 4.1.1.
    if (!in.ok() || (version != kDtls10 && version != kDtls12)) break;
    if (epoch != 0) {
      if (!body.done() && handshake_.on_encrypted()) return flow::Step::kDetach;
      continue;
    }
    if (!on_datagram_record(cx, dir, type, body)) return flow::Step::kDetach;
  }
  return flow::Step::kContinue;
}

bool Parser::on_datagram_record(flow::Context& cx, flow::Dir dir, std::uint8_t type, Cursor body) {
  handshake_.begin(cx);
  if (type == kApplicationData) {
    handshake_.on_early_data(cx);
    return true;
  }
  if (type == kChangeCipherSpec) {
    // The epoch of the next record says what is encrypted.
    handshake_.on_change_cipher_spec(cx, dir);
    return true;
  }
  if (type != kHandshake) return on_record(cx, dir, type, body.rest());
  while (!body.done()) {
    if (!on_fragment(cx, dir, body)) return false;
  }
  return true;
}

// RFC 6347 4.2.2: type (1) | length (3) | message number (2) | offset (3) | length of this fragment (3) | fragment
bool Parser::on_fragment(flow::Context& cx, flow::Dir dir, Cursor& in) {
  const std::uint8_t type = in.u8();
  const std::uint32_t length = in.be24();
  const std::uint16_t sequence = in.be16();
  const std::uint32_t offset = in.be24();
  const Bytes piece = in.take(in.be24());
  if (!in.ok() || offset > length || piece.size() > length - offset) {
    cx.weird(Weird::tls_fragment_malformed);
    in.fail();
    return true;
  }
  if (piece.size() == length) return handshake_.on_message(cx, dir, type, piece, worker());
  if (length > kFragmentedBytesMax) {
    if (offset == 0) handshake_.on_skipped_message(cx, dir, type);
    return true;
  }
  Fragments& fragments = sides_[flow::index(dir)].fragments;
  if (!fragments.add(sequence, length, offset, piece)) return true;
  return handshake_.on_message(cx, dir, type, fragments.message(), worker());
}

}  // namespace catenary::tls
