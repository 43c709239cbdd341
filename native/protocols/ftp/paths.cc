#include "protocols/ftp/paths.h"

#include <arpa/inet.h>

#include "base/ascii.h"

namespace catenary::ftp {

bool is_absolute(std::string_view p) noexcept {
  if (!p.empty() && p[0] == '/') return true;
  return p.size() >= 3 && ascii::is_letter(p[0]) && p[1] == ':' && (p[2] == '\\' || p[2] == '/');
}

namespace {

// Takes the last component off `out`, which has one.
void pop(std::string& out) {
  const std::size_t slash = out.rfind('/');
  out.resize(slash == std::string::npos ? 0 : std::max<std::size_t>(slash, out[0] == '/' && slash == 0 ? 1 : slash));
}

std::string_view last_of(const std::string& out) noexcept {
  const std::size_t slash = out.rfind('/');
  return slash == std::string::npos ? std::string_view(out) : std::string_view(out).substr(slash + 1);
}

// Each component is looked at once.
void add(std::string& out, std::string_view path) {
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
    const bool is_first = out.empty();
    if (part.empty() || (part == "." && !is_first)) continue;
    const std::string_view last = last_of(out);
    if (part == ".." && !is_first && last != "..") {
      if (last.empty()) continue;  // above the root is the root
      const bool was_dot = last == ".";
      pop(out);
      if (!was_dot) continue;
    }
    if (!out.empty() && out.back() != '/') out.push_back('/');
    out.append(part);
  }
}

}  // namespace

void join(std::string_view dir, std::string_view path, std::string& out) {
  out.clear();
  const bool is_alone = is_absolute(path) || dir.empty();
  const std::string_view first = is_alone ? path : dir;
  if (!first.empty() && first[0] == '/') out.push_back('/');
  add(out, first);
  if (!is_alone) add(out, path);
}

std::string_view find_path(std::string_view text) noexcept {
  for (std::size_t at = text.find('"'); at != std::string_view::npos; at = text.find('"', at + 1)) {
    const std::string_view inside = text.substr(at + 1);
    if (!is_absolute(inside)) continue;
    const std::size_t end = inside.find('"');
    if (end == std::string_view::npos) break;
    return inside.substr(0, end);
  }
  for (std::size_t at = 0; at < text.size(); at++) {
    if (!is_absolute(text.substr(at, 3))) continue;
    std::size_t end = at;
    while (end < text.size() && text[end] != '"' && (text[end] != ' ' || (end > at && text[end - 1] == '\\'))) end++;
    return text.substr(at, end - at);
  }
  return {};
}

void build_url(const Ip& host, std::string_view dir, std::string_view path, std::string& out) {
  join(dir, path, out);
  char text[INET6_ADDRSTRLEN] = "";
  const bool is_v4 = host.is_v4();
  inet_ntop(is_v4 ? AF_INET : AF_INET6, host.bytes.data() + (is_v4 ? 12 : 0), text, sizeof text);
  std::string before = is_v4 ? "ftp://" : "ftp://[";
  before.append(text);
  if (!is_v4) before.push_back(']');
  if (out.empty() || out[0] != '/') before.push_back('/');
  out.insert(0, before);
}

std::uint64_t last_number(std::string_view text) noexcept {
  std::size_t end = text.size();
  while (end > 0 && !ascii::is_digit(text[end - 1])) end--;
  std::size_t begin = end;
  while (begin > 0 && ascii::is_digit(text[begin - 1]) && end - begin < 18) begin--;
  std::uint64_t n = 0;
  for (const char c : text.substr(begin, end - begin)) n = n * 10 + static_cast<unsigned>(c - '0');
  return n;
}

}  // namespace catenary::ftp
