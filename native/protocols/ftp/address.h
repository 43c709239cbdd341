// Addresses of data connections, as commands and replies spell them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/net.h"

namespace catenary::ftp {

struct Address {
  std::optional<Ip> host;  // unset: that of the control connection (EPSV)
  std::uint16_t port = 0;
};

// h1,h2,h3,h4,p1,p2: RFC 959 4.1.2.
std::optional<Address> parse_port(std::string_view arg) noexcept;
// The same somewhere in the text of a 227: in brackets, or from the first digit on (RFC 1123 4.1.2.6).
std::optional<Address> parse_pasv(std::string_view text) noexcept;
// |1|132.235.1.2|6275| and |2|2001:db8::1|6275|: RFC 2428 2.
std::optional<Address> parse_eprt(std::string_view arg) noexcept;
// (|||6446|) in the text of a 229: RFC 2428 3.
std::optional<Address> parse_epsv(std::string_view text) noexcept;

}  // namespace catenary::ftp
