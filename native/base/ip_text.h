// Addresses as commands, headers and forms spell them.
#pragma once

#include <optional>
#include <string_view>

#include "base/net.h"

namespace catenary {

// "192.0.2.1" or "2001:db8::1", all of the text; unset when it is neither.
std::optional<Ip> parse_ip(std::string_view text) noexcept;

}  // namespace catenary
