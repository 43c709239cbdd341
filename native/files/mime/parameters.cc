#include "files/mime/parameters.h"

#include <algorithm>

#include "base/ascii.h"

namespace catenary::mime {

namespace {

// The byte that two hexadecimal digits at `at` say; -1 when they are not there.
int hex_byte(std::string_view s, std::size_t at) noexcept {
  if (at + 2 > s.size()) return -1;
  const int high = ascii::hex_digit(s[at]), low = ascii::hex_digit(s[at + 1]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// The next parameter, taken off `rest`, which begins behind a semicolon. The value is as it stands, without quotes.
bool take_parameter(std::string_view& rest, std::string_view& name, std::string_view& value) noexcept {
  rest = trim_start(rest);
  if (rest.empty()) return false;
  const std::size_t end = std::min(rest.find_first_of("=;"), rest.size());
  name = trim(rest.substr(0, end));
  value = {};
  if (end == rest.size() || rest[end] == ';') {
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return true;
  }
  rest = trim_start(rest.substr(end + 1));
  if (!rest.empty() && rest[0] == '"') {
    std::size_t close = 1;
    while (close < rest.size() && rest[close] != '"') close += rest[close] == '\\' ? 2 : 1;
    close = std::min(close, rest.size());
    value = rest.substr(1, close - 1);
    rest.remove_prefix(close);
  }
  const std::size_t semicolon = std::min(rest.find(';'), rest.size());
  if (value.data() == nullptr) value = trim(rest.substr(0, semicolon));
  rest.remove_prefix(std::min(semicolon + 1, rest.size()));
  return true;
}

// RFC 2231 4: UTF-8'en'name, the name in percents.
void append_extended(std::string_view value, std::size_t max, std::string& out) {
  const std::size_t first = value.find('\'');
  const std::size_t second = first == std::string_view::npos ? first : value.find('\'', first + 1);
  if (second != std::string_view::npos) value.remove_prefix(second + 1);
  unescape(value.substr(0, max - std::min(max, out.size())), out);
}

}  // namespace

std::size_t find_any_case(std::string_view a, std::string_view b, std::size_t from) noexcept {
  for (std::size_t i = from; i + b.size() <= a.size(); i++) {
    if (ascii::lower(a[i]) == b[0] && ascii::equals_any_case(a.substr(i, b.size()), b)) return i;
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
    else if (ascii::is_digit(c))
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
    if (rest.size() <= key.size() || !ascii::equals_any_case(rest.substr(0, key.size()), key)) continue;
    rest = trim_start(rest.substr(key.size()));
    if (rest.empty() || rest[0] != '=') continue;
    rest = trim_start(rest.substr(1));
    if (!rest.empty() && rest[0] == '"') return rest.substr(1, rest.find('"', 1) - 1);
    return trim(rest.substr(0, rest.find(';')));
  }
  return {};
}

void read_file_name(std::string_view value, std::string_view key, std::size_t max, std::string& out) {
  const std::size_t begin = value.find(';');
  if (begin == std::string_view::npos) return;
  std::string_view rest = value.substr(begin + 1), name, text;
  std::string plain, extended, pieces;
  int next_piece = 0;
  while (take_parameter(rest, name, text)) {
    if (!ascii::starts_any_case(name, key)) continue;
    std::string_view suffix = name.substr(key.size());
    if (suffix.empty()) {
      if (plain.empty()) plain = text.substr(0, max);
    } else if (suffix == "*") {
      append_extended(text, max, extended);
    } else if (suffix[0] == '*' && suffix.size() >= 2 && suffix[1] - '0' == next_piece) {
      // RFC 2231 3: name*0, name*1, ...; those with an asterisk behind the number are in percents.
      if (suffix.back() == '*')
        append_extended(text, max, pieces);
      else
        pieces.append(text.substr(0, max - std::min(max, pieces.size())));
      next_piece++;
    }
  }
  const std::string& found = !extended.empty() ? extended : !pieces.empty() ? pieces : plain;
  if (!found.empty()) out = found;
}

}  // namespace catenary::mime
