// ICMP (RFC 792) and ICMPv6 (RFC 4443, RFC 4861): messages, and the packets that errors quote.
#pragma once

#include "base/cursor.h"
#include "base/net.h"
#include "decode/found.h"

namespace catenary {
struct IcmpEvent;
}
namespace catenary::icmp {

struct Header {
  std::uint8_t type = 0, code = 0;
  // What stands for the responder's port: the type of the answer, or the code where none is expected.
  std::uint16_t counterpart = 0;
  bool is_one_way = false;
  bool is_echo = false, is_reply = false;  // of an echo: one that answers
};

// in: the message. False when its 8-byte header is cut.
bool parse_header(Cursor in, bool v6, Header& out) noexcept;

// What stands around a message: its pseudo-header (RFC 4443, 2.3) and hop limit.
struct Around {
  bool v6 = false;
  Ip src, dst;
  std::uint8_t hops = 0;
  std::uint32_t len = 0;  // of the message on the wire
};
using Oddities = decode::Found<4>;

// Fills the event's own fields from a message of at least 8 bytes; what is cut or odd stays empty, and what is odd in
// itself is returned.
Oddities describe(Cursor in, const Around& around, IcmpEvent& out) noexcept;

// Of the bytes behind an echo's header: what a reply has to send back (RFC 792, RFC 4443, 4.2). Never 0.
std::uint32_t echo_print(Cursor in) noexcept;

}  // namespace catenary::icmp
