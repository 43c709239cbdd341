#include "protocols/http/text.h"

#include <algorithm>

#include "base/ascii.h"

namespace catenary::http {

namespace {

constexpr std::string_view kSeparators = "()<>@,;:\\\"/[]?={}";

constexpr bool is_token_char(char c) noexcept {
  return c > ' ' && c < 127 && kSeparators.find(c) == std::string_view::npos;
}

}  // namespace

bool equals_any_case(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == y; });
}

bool is_token(std::string_view s) noexcept { return !s.empty() && std::all_of(s.begin(), s.end(), is_token_char); }

bool is_field_name(std::string_view s) noexcept {
  if (s.empty()) return false;
  return std::all_of(s.begin(), s.end(), [](char c) { return c > ' ' && c < 127 && c != ':'; });
}

std::string_view first_token(std::string_view s) noexcept {
  const auto begin = std::find_if(s.begin(), s.end(), is_token_char);
  const auto end = std::find_if_not(begin, s.end(), is_token_char);
  return s.substr(static_cast<std::size_t>(begin - s.begin()), static_cast<std::size_t>(end - begin));
}

std::string_view last_token(std::string_view s) noexcept {
  const std::size_t comma = s.rfind(',');
  return first_token(comma == std::string_view::npos ? s : s.substr(comma + 1));
}

bool parse_decimal(std::string_view s, std::uint64_t& out) noexcept {
  std::uint64_t v = 0;
  if (s.empty()) return false;
  for (const char c : s) {
    if (!is_digit(c)) return false;
    v = v * 10 + static_cast<std::uint64_t>(c - '0');
    if (v > INT64_MAX / 16) return false;  // the next digit may not fit
  }
  out = v;
  return true;
}

bool parse_chunk_size(std::string_view line, std::uint64_t& out) noexcept {
  line = trim(line.substr(0, line.find(';')));
  if (line.empty() || line.size() > 15) return false;
  std::uint64_t v = 0;
  for (const char c : line) {
    const int digit = ascii::hex_digit(c);
    if (digit < 0) return false;
    v = v * 16 + static_cast<std::uint64_t>(digit);
  }
  out = v;
  return true;
}

bool parse_content_range(std::string_view value, Range& out) noexcept {
  value = trim(value);
  if (value.size() < 6 || !equals_any_case(value.substr(0, 5), "bytes") || !is_blank(value[5])) return false;
  value = trim(value.substr(5));
  const std::size_t dash = value.find('-'), slash = value.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || slash < dash) return false;
  if (!parse_decimal(trim(value.substr(0, dash)), out.first)) return false;
  if (!parse_decimal(trim(value.substr(dash + 1, slash - dash - 1)), out.last)) return false;
  const std::string_view length = trim(value.substr(slash + 1));
  if (length == "*")
    out.length = 0;
  else if (!parse_decimal(length, out.length))
    return false;
  return out.first <= out.last;
}

}  // namespace catenary::http
