// ICMP (RFC 792) and ICMPv6 (RFC 4443, RFC 4861): messages, and the packets that errors quote.
#pragma once

#include "base/cursor.h"
#include "base/net.h"

namespace catenary {
struct IcmpEvent;
}
namespace catenary::icmp {

struct Header {
  std::uint8_t type = 0, code = 0;
  // What stands for the responder's port: the type of the answer, or the code where none is expected.
  std::uint16_t counterpart = 0;
  bool is_one_way = false;
};

// in: the message. False when its 8-byte header is cut.
bool parse_header(Cursor in, bool v6, Header& out) noexcept;

// Fills the event's own fields from a message of at least 8 bytes; what is cut or odd stays empty.
void describe(Cursor in, bool v6, IcmpEvent& out) noexcept;

}  // namespace catenary::icmp
