#include "protocols/smtp/addresses.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/ip_text.h"

namespace catenary::smtp {

namespace {

constexpr std::string_view kBeforeLocal = "<,: \t@";  // what a local part does not hold
constexpr std::string_view kBehindDomain = ">,; \t";

constexpr bool is_address_char(char c) noexcept { return ascii::hex_digit(c) >= 0 || c == ':' || c == '.'; }

// An address; one of four decimal numbers also with zeros before them, as some gateways write it.
std::optional<Ip> read_ip(std::string_view text) noexcept {
  if (const auto ip = parse_ip(text)) return ip;
  std::array<char, 16> short_text;
  std::size_t size = 0;
  bool is_number_start = true;
  for (std::size_t i = 0; i < text.size(); i++) {
    const char c = text[i];
    const bool is_padding = is_number_start && c == '0' && i + 1 < text.size() && ascii::is_digit(text[i + 1]);
    if (is_padding) continue;
    if (size == short_text.size() || (c != '.' && !ascii::is_digit(c))) return std::nullopt;
    short_text[size++] = c;
    is_number_start = c == '.';
  }
  return parse_ip({short_text.data(), size});
}

// Runs of the characters of an address that are one; at most as many as the text is long.
struct IpScanner {
  std::string_view text;
  std::size_t at = 0;
  std::size_t begin = 0, end = 0;  // of the last one found

  std::optional<Ip> next() noexcept {
    while (at < text.size()) {
      begin = at;
      while (begin < text.size() && !is_address_char(text[begin])) begin++;
      end = begin;
      while (end < text.size() && is_address_char(text[end])) end++;
      at = end;
      if (begin == end) break;
      if (const auto ip = read_ip(text.substr(begin, end - begin))) return ip;
    }
    return std::nullopt;
  }
  bool is_wrapped() const noexcept {
    if (begin == 0 || end == text.size()) return false;
    const char before = text[begin - 1], behind = text[end];
    return (before == '[' && behind == ']') || (before == '(' && behind == ')') || (before == '{' && behind == '}') ||
           (before == ' ' && behind == ' ');
  }
};

}  // namespace

std::string_view find_address(std::string_view arg) noexcept {
  std::size_t from = 0;
  for (std::size_t at = arg.find('@'); at != std::string_view::npos; at = arg.find('@', at + 1)) {
    std::size_t begin = at;
    while (begin > from && kBeforeLocal.find(arg[begin - 1]) == std::string_view::npos) begin--;
    const std::size_t end = std::min(arg.find_first_of(kBehindDomain, at), arg.size());
    if (begin < at && at + 1 < end) return arg.substr(begin, end - begin);
    from = at + 1;
  }
  return {};
}

std::string_view take_address(std::string_view& rest) noexcept {
  while (!rest.empty()) {
    bool is_quoted = false;
    std::size_t end = 0;
    for (; end < rest.size() && (is_quoted || rest[end] != ','); end++) {
      if (rest[end] == '"') is_quoted = !is_quoted;
    }
    const std::string_view item = ascii::trim(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!item.empty()) return item;
  }
  return {};
}

std::optional<Ip> find_received_from(std::string_view value) noexcept {
  IpScanner scanner{value};
  std::optional<Ip> first;
  while (const auto ip = scanner.next()) {
    if (!scanner.is_wrapped()) continue;
    if (first) return ip;
    first = ip;
  }
  return first;
}

std::optional<Ip> find_ip(std::string_view text) noexcept { return IpScanner{text}.next(); }

}  // namespace catenary::smtp
