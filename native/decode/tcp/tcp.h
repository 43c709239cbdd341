// The TCP header. RFC 9293, section 3.1; options: section 3.2, RFC 7323.
#pragma once

#include <array>
#include <optional>

#include "base/cursor.h"
#include "base/net.h"

namespace catenary::tcp {

inline constexpr std::uint8_t kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16, kUrg = 32;

struct Segment {
  std::uint16_t src_port = 0, dst_port = 0;
  std::uint32_t seq = 0, ack = 0;
  std::uint8_t flags = 0;
  std::uint16_t window = 0;
  std::uint16_t checksum = 0;  // as sent, not verified
  std::uint16_t urgent = 0;    // pointer, counted from seq; of meaning with kUrg
  Bytes options;
  Bytes data;             // as captured
  std::uint32_t len = 0;  // payload bytes there were; more than data holds when the capture was cut

  bool has(std::uint8_t flag) const noexcept { return (flags & flag) != 0; }
};

enum class Header { kOk, kTooShort, kMalformed };

// in: the captured TCP segment; claimed: its length by the IP header.
Header parse(Cursor in, std::uint32_t claimed, Segment& out) noexcept;

// What a SYN offers. Unknown or broken options are passed over: they end the walk at worst.
struct SynOptions {
  static constexpr std::size_t kKindsMax = 16;  // told; 40 bytes can hold more
  std::array<std::uint8_t, kKindsMax> kinds{};  // in order: what a stack is known by; 30 is MPTCP (RFC 8684)
  std::uint8_t kind_count = 0;
  std::optional<std::uint16_t> mss;
  std::optional<std::uint8_t> window_scale;
  bool sack_permitted = false;
  std::optional<std::uint32_t> ts_value;
  std::optional<std::uint8_t> mptcp;  // its subtype (RFC 8684, 3): kMptcpCapable, kMptcpJoin
};
inline constexpr std::uint8_t kMptcpCapable = 0, kMptcpJoin = 1;
SynOptions parse_syn_options(Bytes options) noexcept;

// The sender's timestamp (RFC 7323, 3.2), nothing where there is none.
std::optional<std::uint32_t> timestamp_of(Bytes options) noexcept;

// What is left where somebody else is to add the sum of the segment: that of the pseudo-header (RFC 9293, 3.1).
bool is_checksum_partial(const Ip& src, const Ip& dst, const Segment& s, std::uint32_t segment_len) noexcept;
// segment: header and data, whole.
bool is_checksum_right(const Ip& src, const Ip& dst, Bytes segment) noexcept;

}  // namespace catenary::tcp
