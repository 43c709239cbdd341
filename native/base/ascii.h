// ASCII text of line protocols, whatever the locale: commands and header names compare without case.
#pragma once

#include <algorithm>
#include <string_view>

namespace catenary::ascii {

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr char upper(char c) noexcept { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_letter(char c) noexcept { return lower(c) >= 'a' && lower(c) <= 'z'; }
// 0 to 15; -1 for what is no hexadecimal digit.
constexpr int hex_digit(char c) noexcept {
  if (is_digit(c)) return c - '0';
  return lower(c) >= 'a' && lower(c) <= 'f' ? lower(c) - 'a' + 10 : -1;
}
constexpr bool is_space(char c) noexcept { return c == ' ' || c == '\t'; }
// Printable and no space: what a word is made of.
constexpr bool is_graph(char c) noexcept { return c > 0x20 && c < 0x7f; }

constexpr bool equals_any_case(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}
constexpr bool starts_any_case(std::string_view text, std::string_view prefix) noexcept {
  return text.size() >= prefix.size() && equals_any_case(text.substr(0, prefix.size()), prefix);
}
constexpr std::string_view trim_front(std::string_view s) noexcept {
  while (!s.empty() && is_space(s.front())) s.remove_prefix(1);
  return s;
}
constexpr std::string_view trim(std::string_view s) noexcept {
  s = trim_front(s);
  while (!s.empty() && is_space(s.back())) s.remove_suffix(1);
  return s;
}
// The front of `s` up to a space, taken off it with the spaces behind.
constexpr std::string_view take_word(std::string_view& s) noexcept {
  std::size_t n = 0;
  while (n < s.size() && !is_space(s[n])) n++;
  const std::string_view word = s.substr(0, n);
  s = trim_front(s.substr(n));
  return word;
}
// Three digits at the front: the code of a reply (FTP, SMTP). 0 when they are none.
constexpr unsigned reply_code(std::string_view s) noexcept {
  if (s.size() < 3 || !is_digit(s[0]) || !is_digit(s[1]) || !is_digit(s[2])) return 0;
  return static_cast<unsigned>((s[0] - '0') * 100 + (s[1] - '0') * 10 + (s[2] - '0'));
}

}  // namespace catenary::ascii
