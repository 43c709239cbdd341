// Request lines and status lines (RFC 9112 3 and 4), and the probe that knows a flow by them.
#pragma once

#include <cstdint>
#include <string_view>

#include "flow/protocol.h"

namespace catenary::http {

struct Version {
  std::uint8_t major = 0, minor = 0;
  bool operator==(const Version&) const noexcept = default;
};

struct RequestLine {
  std::string_view method;
  std::string_view target;
  Version version;  // 0.9 when the line has none
};

struct StatusLine {
  Version version;
  std::uint16_t code = 0;
  std::string_view reason;
  bool has_reason = false;
};

// Forgiving as servers are: blanks may repeat, and stand within the target. A line without a version is a request of
// HTTP/0.9 when it has a method of three letters and a target.
bool parse_request_line(std::string_view line, RequestLine& out) noexcept;
// A code that is no number is 0.
bool parse_status_line(std::string_view line, StatusLine& out) noexcept;

// Of a method that RFC 9110, WebDAV (RFC 4918, 3253, 3648, 3744, 5323) or common software defines.
bool is_known_method(std::string_view method) noexcept;

// Begins as one of the two does, and says its version: what a stream is taken up by again behind a hole.
bool is_certain_request_line(std::string_view line) noexcept;

// Ports on which a request line without a version is believed.
bool is_http_port(std::uint16_t port) noexcept;

flow::Probe probe(const flow::ProbeInput& in) noexcept;

}  // namespace catenary::http
