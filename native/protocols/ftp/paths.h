// Where files lie: the working directory and paths in it, as Zeek's utils/paths write them.
#pragma once

#include <string>
#include <string_view>

#include "base/net.h"

namespace catenary::ftp {

inline constexpr std::size_t kPathBytesMax = 1024;  // of the working directory

// `/a`, `C:\a`, `C:/a`.
bool is_absolute(std::string_view path) noexcept;
// `path` seen from `dir`, with `.` and `..` taken out; the first component of a relative path may stay `.`.
void join(std::string_view dir, std::string_view path, std::string& out);
// The absolute path in a text, in quotes or not: the answer to PWD (RFC 959, appendix II). Empty when there is none.
std::string_view find_path(std::string_view text) noexcept;
// ftp://HOST/PATH
void build_url(const Ip& host, std::string_view dir, std::string_view path, std::string& out);
// The last run of digits in a text, up to 18 of them; 0 when there is none: "(1164 bytes)".
std::uint64_t last_number(std::string_view text) noexcept;

}  // namespace catenary::ftp
