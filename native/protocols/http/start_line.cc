#include "protocols/http/start_line.h"

#include <algorithm>

#include "protocols/http/text.h"

namespace catenary::http {

namespace {

using flow::Probe;

constexpr std::size_t kMethodMax = 64;

constexpr std::string_view kMethods[] = {
    "GET",        "POST",        "HEAD",        "PUT",          "DELETE",          "OPTIONS",
    "CONNECT",    "TRACE",       "PATCH",       "PROPFIND",     "PROPPATCH",       "MKCOL",
    "COPY",       "MOVE",        "LOCK",        "UNLOCK",       "REPORT",          "SEARCH",
    "SUBSCRIBE",  "UNSUBSCRIBE", "NOTIFY",      "POLL",         "BMOVE",           "BCOPY",
    "BDELETE",    "BPROPFIND",   "BPROPPATCH",  "CHECKOUT",     "CHECKIN",         "UNCHECKOUT",
    "MERGE",      "LABEL",       "ACL",         "MKACTIVITY",   "MKWORKSPACE",     "ORDERPATCH",
    "UPDATE",     "LINK",        "UNLINK",      "PURGE",        "VERSION-CONTROL", "BASELINE-CONTROL",
    "MKCALENDAR", "M-SEARCH",    "RPC_IN_DATA", "RPC_OUT_DATA", "X-MS-ENUMATTS",   "CCM_POST",
};

bool parse_version(std::string_view s, Version& out) noexcept {
  if (s.size() < 3 || !is_digit(s[0]) || s[1] != '.' || !is_digit(s[2])) return false;
  out.major = static_cast<std::uint8_t>(s[0] - '0');
  out.minor = static_cast<std::uint8_t>(s[2] - '0');
  return true;
}

constexpr std::string_view kVersionPrefix = "HTTP/";

// "RTSP/1.0", "SIP/2.0": the line is a request, of another protocol.
bool ends_in_other_version(std::string_view target) noexcept {
  const std::size_t blank = target.find_last_of(" \t");
  if (blank == std::string_view::npos) return false;
  const std::string_view word = target.substr(blank + 1);
  const std::size_t slash = word.find('/');
  Version version;
  return slash != std::string_view::npos && slash > 0 && parse_version(word.substr(slash + 1), version);
}

Probe probe_request(std::string_view text, std::uint16_t port) noexcept {
  // RFC 9112 2.2: an empty line or two before the request line.
  const std::size_t begin = text.find_first_not_of("\r\n");
  if (begin == std::string_view::npos) return text.size() < 16 ? Probe::kMore : Probe::kNo;
  text.remove_prefix(begin);
  const std::size_t end = text.find('\n');
  if (end != std::string_view::npos) {
    std::string_view line = text.substr(0, end);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (is_certain_request_line(line)) return Probe::kYes;
    RequestLine request;
    const bool is_old = is_http_port(port) && parse_request_line(line, request) && is_known_method(request.method) &&
                        !ends_in_other_version(request.target);
    return is_old ? Probe::kYes : Probe::kNo;
  }
  const std::size_t blank = text.find(' ');
  if (blank == std::string_view::npos) return text.size() <= kMethodMax && is_token(text) ? Probe::kMore : Probe::kNo;
  if (!is_token(text.substr(0, blank))) return Probe::kNo;
  // A long target: the method and how it begins have to do.
  constexpr std::size_t kLongLine = 1024;
  if (text.size() < kLongLine) return Probe::kMore;
  const std::string_view target = text.substr(blank + 1);
  const bool is_target = target[0] == '/' || equals_any_case(target.substr(0, 4), "http");
  return is_known_method(text.substr(0, blank)) && is_target ? Probe::kYes : Probe::kNo;
}

Probe probe_status(std::string_view text) noexcept {
  constexpr std::size_t kEnough = 12;  // "HTTP/1.1 200"
  const std::string_view head = text.substr(0, kEnough);
  const std::string_view prefix = head.substr(0, kVersionPrefix.size());
  if (prefix != kVersionPrefix.substr(0, prefix.size())) return Probe::kNo;
  if (head.size() < kEnough) return Probe::kMore;
  const bool is_code = is_blank(head[8]) && is_digit(head[9]) && is_digit(head[10]) && is_digit(head[11]);
  Version version;
  return is_code && parse_version(head.substr(kVersionPrefix.size()), version) ? Probe::kYes : Probe::kNo;
}

}  // namespace

bool is_known_method(std::string_view method) noexcept {
  return std::find(std::begin(kMethods), std::end(kMethods), method) != std::end(kMethods);
}

bool is_http_port(std::uint16_t port) noexcept {
  switch (port) {
    case 80:
    case 81:
    case 631:
    case 1080:
    case 3128:
    case 8000:
    case 8080:
    case 8888: return true;
    default: return false;
  }
}

bool parse_request_line(std::string_view line, RequestLine& out) noexcept {
  std::size_t end = 0;
  while (end < line.size() && is_token(line.substr(end, 1))) end++;
  if (end == 0 || end > kMethodMax || end == line.size() || !is_blank(line[end])) return false;
  out.method = line.substr(0, end);
  const std::string_view rest = trim_start(line.substr(end));
  // The first blank that a version follows ends the target.
  std::size_t at = rest.substr(0, kVersionPrefix.size()) == kVersionPrefix ? 0 : std::string_view::npos;
  for (std::size_t from = 0; at == std::string_view::npos;) {
    const std::size_t found = rest.find(kVersionPrefix, from);
    if (found == std::string_view::npos) break;
    if (found > 0 && is_blank(rest[found - 1])) at = found;
    from = found + 1;
  }
  if (at == std::string_view::npos) {
    out.target = trim(rest);
    out.version = {0, 9};
    return out.method.size() >= 3 && !out.target.empty();
  }
  out.target = trim(rest.substr(0, at));
  out.version = {};
  parse_version(rest.substr(at + kVersionPrefix.size()), out.version);
  return true;
}

bool is_certain_request_line(std::string_view line) noexcept {
  RequestLine request;
  if (!parse_request_line(line, request) || request.target.empty()) return false;
  // The preface of HTTP/2 (RFC 9113 3.4) reads like a request and is none.
  return request.version.major == 1;
}

bool parse_status_line(std::string_view line, StatusLine& out) noexcept {
  // Some servers write "http/"; some write more digits than the version has.
  if (!equals_any_case(line.substr(0, 5), "http/")) return false;
  line.remove_prefix(kVersionPrefix.size());
  if (!parse_version(line, out.version)) return false;
  std::string_view rest = line.substr(std::min(line.find_first_of(" \t"), line.size()));
  rest = trim_start(rest);
  if (rest.size() < 3) return false;
  const bool is_code = is_digit(rest[0]) && is_digit(rest[1]) && is_digit(rest[2]);
  out.code = 0;
  if (is_code) out.code = static_cast<std::uint16_t>((rest[0] - '0') * 100 + (rest[1] - '0') * 10 + (rest[2] - '0'));
  const std::size_t blank = rest.find_first_of(" \t");
  out.has_reason = blank != std::string_view::npos;
  out.reason = out.has_reason ? trim_start(rest.substr(blank)) : std::string_view();
  return true;
}

Probe probe(const flow::ProbeInput& in) noexcept {
  const std::string_view text = as_text(in.data);
  return in.dir == flow::Dir::kOrig ? probe_request(text, in.resp_port) : probe_status(text);
}

}  // namespace catenary::http
