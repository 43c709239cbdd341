#include "protocols/ftp/address.h"

#include <array>

#include "base/ascii.h"
#include "base/ip_text.h"

namespace catenary::ftp {

namespace {

// A number of 1 to 5 digits taken off the front; unset when there is none or it is above `most`.
std::optional<unsigned> take_number(std::string_view& s, unsigned most) noexcept {
  unsigned n = 0;
  std::size_t digits = 0;
  while (digits < s.size() && digits < 6 && ascii::is_digit(s[digits])) {
    n = n * 10 + static_cast<unsigned>(s[digits] - '0');
    digits++;
  }
  if (digits == 0 || digits == 6 || n > most) return std::nullopt;
  s.remove_prefix(digits);
  return n;
}

// One of the four parts between delimiters; `s` begins with the delimiter.
std::optional<std::string_view> take_part(std::string_view& s, char delimiter) noexcept {
  if (s.empty() || s[0] != delimiter) return std::nullopt;
  const std::size_t end = s.find(delimiter, 1);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view part = s.substr(1, end - 1);
  s.remove_prefix(end);
  return part;
}

std::optional<Address> parse_extended(std::string_view s) noexcept {
  if (s.empty() || ascii::is_digit(s[0])) return std::nullopt;
  const char delimiter = s[0];
  const auto family = take_part(s, delimiter), host = take_part(s, delimiter), port = take_part(s, delimiter);
  if (!family || !host || !port) return std::nullopt;
  std::string_view digits = *port;
  const auto n = take_number(digits, 65535);
  if (!n || !digits.empty()) return std::nullopt;
  Address a;
  a.port = static_cast<std::uint16_t>(*n);
  if (host->empty()) return a;
  a.host = parse_ip(*host);
  if (!a.host) return std::nullopt;
  return a;
}

}  // namespace

std::optional<Address> parse_port(std::string_view s) noexcept {
  std::array<std::uint8_t, 6> b{};
  for (std::size_t i = 0; i < b.size(); i++) {
    if (i > 0) {
      if (s.empty() || s[0] != ',') return std::nullopt;
      s.remove_prefix(1);
    }
    s = ascii::trim_front(s);
    const auto n = take_number(s, 255);
    if (!n) return std::nullopt;
    b[i] = static_cast<std::uint8_t>(*n);
  }
  return Address{Ip::v4(Bytes(b).first(4)), static_cast<std::uint16_t>(b[4] << 8 | b[5])};
}

std::optional<Address> parse_pasv(std::string_view text) noexcept {
  std::size_t at = text.find('(');
  if (at == std::string_view::npos) {
    at = 0;
    while (at < text.size() && !ascii::is_digit(text[at])) at++;
  } else {
    at++;
  }
  return parse_port(text.substr(std::min(at, text.size())));
}

std::optional<Address> parse_eprt(std::string_view arg) noexcept {
  const auto a = parse_extended(arg);
  return a && a->host ? a : std::nullopt;
}

std::optional<Address> parse_epsv(std::string_view text) noexcept {
  const std::size_t at = text.find('(');
  return at == std::string_view::npos ? std::nullopt : parse_extended(text.substr(at + 1));
}

}  // namespace catenary::ftp
