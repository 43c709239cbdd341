#include "protocols/http/text.h"

#include <algorithm>

namespace catenary::http {

namespace {

constexpr int hex_digit(char c) noexcept {
  if (is_digit(c)) return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

// The byte that two hexadecimal digits at `at` say; -1 when they are not there.
int hex_byte(std::string_view s, std::size_t at) noexcept {
  if (at + 2 > s.size()) return -1;
  const int high = hex_digit(s[at]), low = hex_digit(s[at + 1]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

constexpr std::string_view kSeparators = "()<>@,;:\\\"/[]?={}";

constexpr bool is_token_char(char c) noexcept {
  return c > ' ' && c < 127 && kSeparators.find(c) == std::string_view::npos;
}

}  // namespace

bool equals_any_case(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == y; });
}

std::size_t find_any_case(std::string_view a, std::string_view b, std::size_t from) noexcept {
  for (std::size_t i = from; i + b.size() <= a.size(); i++) {
    if (lower(a[i]) == b[0] && equals_any_case(a.substr(i, b.size()), b)) return i;
  }
  return std::string_view::npos;
}

std::string_view trim_start(std::string_view s) noexcept {
  std::size_t n = 0;
  while (n < s.size() && is_space(s[n])) n++;
  return s.substr(n);
}

std::string_view trim(std::string_view s) noexcept {
  s = trim_start(s);
  while (!s.empty() && is_space(s.back())) s.remove_suffix(1);
  return s;
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
    const int digit = hex_digit(c);
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

void unescape(std::string_view s, std::string& out) {
  for (std::size_t i = 0; i < s.size(); i++) {
    if (s[i] != '%') {
      out.push_back(s[i]);
      continue;
    }
    if (const int byte = hex_byte(s, i + 1); byte >= 0) {
      out.push_back(static_cast<char>(byte));
      i += 2;
      continue;
    }
    if (i + 1 < s.size() && s[i + 1] == '%') continue;  // of two, the second counts
    if (i + 1 < s.size() && s[i + 1] == 'u') {
      const int high = hex_byte(s, i + 2), low = hex_byte(s, i + 4);
      if (high >= 0 && low >= 0) {
        if (high != 0) out.push_back(static_cast<char>(high));
        out.push_back(static_cast<char>(low));
        i += 5;
        continue;
      }
    }
    out.push_back('%');
  }
}

bool decode_base64(std::string_view s, std::string& out) {
  std::uint32_t word = 0;
  unsigned bits = 0;
  std::size_t end = s.size();
  while (end > 0 && s[end - 1] == '=') end--;
  for (const char c : s.substr(0, end)) {
    unsigned v = 0;
    if (c >= 'A' && c <= 'Z')
      v = static_cast<unsigned>(c - 'A');
    else if (c >= 'a' && c <= 'z')
      v = static_cast<unsigned>(c - 'a') + 26;
    else if (is_digit(c))
      v = static_cast<unsigned>(c - '0') + 52;
    else if (c == '+')
      v = 62;
    else if (c == '/')
      v = 63;
    else
      return false;
    word = (word << 6) | v;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out.push_back(static_cast<char>((word >> bits) & 0xff));
    }
  }
  return true;
}

std::string_view find_file_name(std::string_view value, std::string_view key) noexcept {
  // The last one counts: "filename*" follows "filename" and says it in more letters.
  std::string_view found;
  for (std::size_t at = find_any_case(value, key); at != std::string_view::npos;
       at = find_any_case(value, key, at + key.size())) {
    std::string_view rest = trim_start(value.substr(at + key.size()));
    const bool is_extended = !rest.empty() && rest[0] == '*';
    if (is_extended) rest.remove_prefix(1);
    if (rest.empty() || rest[0] != '=') continue;
    rest = trim_start(rest.substr(1));
    if (!rest.empty() && rest[0] == '"')
      rest = rest.substr(1, rest.find('"', 1) - 1);
    else
      rest = trim(rest.substr(0, rest.find(';')));
    // UTF-8'en'name
    const std::size_t first = rest.find('\'');
    const std::size_t second = first == std::string_view::npos ? first : rest.find('\'', first + 1);
    if (is_extended && second != std::string_view::npos) rest.remove_prefix(second + 1);
    found = rest;
  }
  return found;
}

std::string_view find_parameter(std::string_view value, std::string_view key) noexcept {
  for (std::size_t at = value.find(';'); at != std::string_view::npos; at = value.find(';', at + 1)) {
    std::string_view rest = trim_start(value.substr(at + 1));
    if (rest.size() <= key.size() || !equals_any_case(rest.substr(0, key.size()), key)) continue;
    rest = trim_start(rest.substr(key.size()));
    if (rest.empty() || rest[0] != '=') continue;
    rest = trim_start(rest.substr(1));
    if (!rest.empty() && rest[0] == '"') return rest.substr(1, rest.find('"', 1) - 1);
    return trim(rest.substr(0, rest.find(';')));
  }
  return {};
}

}  // namespace catenary::http
