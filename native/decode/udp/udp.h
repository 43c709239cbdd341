// The UDP header. RFC 768.
#pragma once

#include "base/cursor.h"

namespace catenary::udp {

struct Datagram {
  std::uint16_t src_port = 0, dst_port = 0;
  std::uint16_t checksum = 0;   // as sent, not verified; 0: none
  std::uint32_t len = 0;        // payload bytes by the UDP header
  Bytes data;                   // as captured
  bool length_differs = false;  // the UDP length is not the IP payload's
};

// in: the captured datagram; claimed: its length by the IP header. False when the header is cut.
bool parse(Cursor in, std::uint32_t claimed, Datagram& out) noexcept;

}  // namespace catenary::udp
