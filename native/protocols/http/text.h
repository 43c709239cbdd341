// Small grammars of HTTP: tokens, lists, request targets, credentials, file names. Views in, views out; what has to be
// decoded goes into a buffer of the caller's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace catenary::http {

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr char upper(char c) noexcept { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// `b` is lower case.
bool equals_any_case(std::string_view a, std::string_view b) noexcept;
// Where `b`, lower case, begins in `a`; npos when it does not. Cost: size of a times size of b, both capped by callers.
std::size_t find_any_case(std::string_view a, std::string_view b, std::size_t from = 0) noexcept;

// Without white space around it, RFC 9110 5.6.3. A bare CR counts as white space (RFC 9112 2.2), VT and FF do because
// some recipients skip them and an evasion counts on that.
constexpr bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }
std::string_view trim(std::string_view s) noexcept;
std::string_view trim_start(std::string_view s) noexcept;

// RFC 9110 5.6.2, except that a quote of either kind ends it.
bool is_token(std::string_view s) noexcept;
// A field name: visible characters without the colon. More than RFC 9110 5.1 allows, as much as servers accept.
bool is_field_name(std::string_view s) noexcept;

// The first token of a comma-separated value: "gzip" of "gzip;q=1, br". What is before it and no part of a token is
// skipped.
std::string_view first_token(std::string_view s) noexcept;
// The first token of the last element: "chunked" of "gzip, chunked".
std::string_view last_token(std::string_view s) noexcept;

// Decimal digits alone; false when there is another character, none, or more than 2^63 - 1.
bool parse_decimal(std::string_view s, std::uint64_t& out) noexcept;
// A chunk's size, RFC 9112 7.1: hexadecimal digits up to an extension or the end.
bool parse_chunk_size(std::string_view line, std::uint64_t& out) noexcept;

// Content-Range, RFC 9110 14.4: "bytes 0-499/1234", the length 0 when it is "*".
struct Range {
  std::uint64_t first = 0, last = 0, length = 0;
};
bool parse_content_range(std::string_view value, Range& out) noexcept;

// Percent-decoding, appended to `out`, which never becomes longer than it was by more than s.size(). Also "%u00e9",
// which no RFC has but servers understand; a '%' that begins nothing stays.
void unescape(std::string_view s, std::string& out);

// RFC 4648 4; false when it is not base64. Appended to `out`.
bool decode_base64(std::string_view s, std::string& out);

// The file name in a Content-Disposition or Content-Type value (RFC 6266 4.3, RFC 8187 3.2), still escaped; empty
// when there is none. `key` is "filename" or "name".
std::string_view find_file_name(std::string_view value, std::string_view key) noexcept;

// The value of a parameter (";key=value", quoted or not); empty when there is none.
std::string_view find_parameter(std::string_view value, std::string_view key) noexcept;

}  // namespace catenary::http
