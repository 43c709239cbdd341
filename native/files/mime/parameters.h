// What header fields of mail and HTTP have in common: values with parameters, file names, escapes. Views in, views out;
// what has to be decoded goes into a buffer of the caller's.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace catenary::mime {

// Where `b`, lower case, begins in `a`; npos when it does not. Cost: size of a times size of b, both capped by callers.
std::size_t find_any_case(std::string_view a, std::string_view b, std::size_t from = 0) noexcept;

// Without white space around it, RFC 9110 5.6.3. A bare CR counts as white space (RFC 9112 2.2), VT and FF do because
// some recipients skip them and an evasion counts on that.
constexpr bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }
std::string_view trim(std::string_view s) noexcept;
std::string_view trim_start(std::string_view s) noexcept;

// Percent-decoding, appended to `out`, which never becomes longer than it was by more than s.size(). Also "%u00e9",
// which no RFC has but servers understand; a '%' that begins nothing stays.
void unescape(std::string_view s, std::string& out);

// RFC 4648 4; false when it is not base64. Appended to `out`.
bool decode_base64(std::string_view s, std::string& out);

// The file name in a Content-Disposition or Content-Type value (RFC 6266 4.3, RFC 8187 3.2), still escaped; empty
// when there is none. `key` is "filename" or "name".
std::string_view find_file_name(std::string_view value, std::string_view key) noexcept;

// The same for mail, decoded: also names in pieces (RFC 2231 3). At most `max` bytes; `out` stays when there is none.
void read_file_name(std::string_view value, std::string_view key, std::size_t max, std::string& out);

// The value of a parameter (";key=value", quoted or not); empty when there is none.
std::string_view find_parameter(std::string_view value, std::string_view key) noexcept;

}  // namespace catenary::mime
