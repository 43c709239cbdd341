// QUIC's packets as far as they are in the clear: RFC 9000 17, RFC 9369 3.
//
//   long   1 1 type (2) reserved (2) number length (2) | version (4) | dcid (1+n) | scid (1+n), then
//          Initial: token (varint+n), length (varint), payload; 0-RTT, Handshake: length, payload; Retry: the rest
//   short  0 1 ... | dcid | the rest
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/cursor.h"

namespace catenary::quic {

inline constexpr std::uint32_t kVersion1 = 1;
inline constexpr std::uint32_t kVersion2 = 0x6b3343cf;   // RFC 9369
inline constexpr std::size_t kConnectionIdMax = 20;      // RFC 9000 17.2
inline constexpr std::size_t kClientDatagramMin = 1200;  // RFC 9000 14.1: a datagram with a client's Initial packet
inline constexpr std::size_t kInitialIdMin = 8;          // RFC 9000 7.2: of the client's first destination

enum class Type : std::uint8_t { kInitial, kZeroRtt, kHandshake, kRetry };

struct LongHeader {
  std::uint32_t version = 0;
  Type type{};
  Bytes dcid, scid;
  Bytes packet;               // from its first byte to its last
  std::size_t number_at = 0;  // where the packet number begins in it; not for Retry
};

// RFC 9000 16.
std::uint64_t take_varint(Cursor& in) noexcept;

// Whether its packets can be told apart: 1, 2, the drafts 22 to 34, and Facebook's of that time.
bool is_known(std::uint32_t version) noexcept;
// "1", "quicv2", "draft-29", "unknown-1a2a3a4a".
std::string_view version_text(std::uint32_t version, std::array<char, 24>& out) noexcept;

// The part of a long header that no version changes (RFC 8999 5.1): up to the source connection ID.
bool take_invariants(Cursor& in, LongHeader& out) noexcept;
// One packet of a known version, taken off the datagram; false when it contradicts itself.
bool take_long(Cursor& in, LongHeader& out) noexcept;

}  // namespace catenary::quic
