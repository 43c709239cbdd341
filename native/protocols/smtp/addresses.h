// Mail addresses and hosts out of commands and headers. Views into what is given.
#pragma once

#include <optional>
#include <string_view>

#include "base/net.h"

namespace catenary::smtp {

// The first address in the argument of MAIL and RCPT, "FROM:<alice@example.com> SIZE=3" (RFC 5321 4.1.2), without what
// stands around it; empty when there is none. Senders that leave the brackets out are understood.
std::string_view find_address(std::string_view arg) noexcept;

// The next item of a list of addresses (RFC 5322 3.4), taken off `rest`, with its name; empty at the end. A comma
// within quotes parts nothing.
std::string_view take_address(std::string_view& rest) noexcept;

// The host that a Received header came from: the address in brackets or between blanks, of several the second, as Zeek
// has it (the first is what the host calls itself).
std::optional<Ip> find_received_from(std::string_view value) noexcept;

// The first address in a text.
std::optional<Ip> find_ip(std::string_view text) noexcept;

}  // namespace catenary::smtp
