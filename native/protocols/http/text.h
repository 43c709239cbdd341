// Small grammars of HTTP: tokens, lists, request targets, credentials, file names. Views in, views out; what has to be
// decoded goes into a buffer of the caller's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "files/mime/parameters.h"

namespace catenary::http {

using mime::decode_base64;
using mime::find_file_name;
using mime::find_parameter;
using mime::is_space;
using mime::trim;
using mime::trim_start;
using mime::unescape;

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr char upper(char c) noexcept { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// `b` is lower case.
bool equals_any_case(std::string_view a, std::string_view b) noexcept;

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

}  // namespace catenary::http
