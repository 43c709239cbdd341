// The UDP-Lite header. RFC 3828, section 3.1.
#pragma once

#include "base/cursor.h"

namespace catenary::udp_lite {

struct Datagram {
  std::uint16_t src_port = 0, dst_port = 0;
  std::uint16_t checksum = 0;      // as sent, not verified
  std::uint32_t len = 0;           // payload bytes by the IP header: there is no other length
  bool is_coverage_wrong = false;  // neither 0, for all, nor between 8 and the datagram's length
};

// in: the captured datagram; claimed: its length by the IP header. False when the header is cut.
bool parse(Cursor in, std::uint32_t claimed, Datagram& out) noexcept;

}  // namespace catenary::udp_lite
