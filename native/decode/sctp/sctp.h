// The Stream Control Transmission Protocol: the packet's header and its chunks. RFC 9260, section 3.
#pragma once

#include "base/cursor.h"
#include "decode/found.h"

namespace catenary::sctp {

// Chunk types, RFC 9260, 3.2; those up to 63 have a bit in Packet::chunks.
enum : std::uint8_t {
  kData = 0,
  kInit = 1,
  kInitAck = 2,
  kSack = 3,
  kHeartbeat = 4,
  kAbort = 6,
  kShutdown = 7,
  kShutdownAck = 8,
  kError = 9,
  kCookieEcho = 10,
  kCookieAck = 11,
  kShutdownComplete = 14
};
inline constexpr std::uint8_t kIData = 64;  // RFC 8260

struct Packet {
  std::uint16_t src_port = 0, dst_port = 0;
  std::uint32_t tag = 0, checksum = 0;
  std::uint64_t chunks = 0;      // a bit a type that is there
  std::uint32_t data_bytes = 0;  // of user data, by the chunks' lengths
  decode::Found<4> weirds;

  bool has(std::uint8_t type) const noexcept { return type < 64 && (chunks >> type & 1) != 0; }
};

// in: the captured packet; claimed: its length by the IP header. False when its header is cut.
bool parse(Cursor in, std::uint32_t claimed, Packet& out) noexcept;

}  // namespace catenary::sctp
