#include "protocols/http/headers.h"

#include <algorithm>

namespace catenary::http {

namespace {

constexpr std::size_t kFileNameMax = 512;

constexpr std::string_view kProxyFields[] = {"forwarded", "x-forwarded-for",  "x-forwarded-from", "client-ip",
                                             "via",       "xroxy-connection", "proxy-connection"};

bool is_proxy_field(std::string_view name) noexcept {
  return std::any_of(std::begin(kProxyFields), std::end(kProxyFields),
                     [&](std::string_view f) { return equals_any_case(name, f); });
}

}  // namespace

void Headers::start(flow::Dir dir, bool is_http_1_1) {
  dir_ = dir;
  is_http_1_1_ = is_http_1_1;
  has_length_ = has_transfer_ = is_chunked_ = has_upgrade_ = has_host_ = said_limit_ = has_range_ = false;
  is_websocket_ = false;
  lines_ = 0;
  length_ = 0;
  coding_ = Coding::kIdentity;
  range_ = {};
  boundary_.clear();
  file_name_.clear();
  websocket_fields_.clear();
}

void Headers::line(flow::Context& cx, Transaction& tx, std::string_view line) {
  const std::size_t colon = line.find(':');
  std::string_view name = line.substr(0, std::min(colon, line.size()));
  while (!name.empty() && is_blank(name.back())) name.remove_suffix(1);
  if (colon == std::string_view::npos || !is_field_name(name)) {
    cx.weird(Weird::http_header_malformed, line.substr(0, 64));
    return;
  }
  const std::string_view value = trim_start(line.substr(colon + 1));
  framing_field(cx, tx, name, value);
  if (lines_ == kLinesMax) {
    if (!said_limit_) cx.weird(Weird::http_header_limit);
    said_limit_ = tx.is_cut = true;
    return;
  }
  lines_++;
  tx.keep_name(dir_, name);
  if (name.size() > 14 && equals_any_case(name.substr(0, 14), "sec-websocket-") &&
      websocket_fields_.size() + line.size() < kWebsocketBytesMax) {
    websocket_fields_.append(name).push_back(':');
    websocket_fields_.append(value).push_back('\n');
  }
  if (dir_ == flow::Dir::kOrig)
    request_field(tx, name, value);
  else
    response_field(tx, name, value);
}

void Headers::framing_field(flow::Context& cx, Transaction& tx, std::string_view name, std::string_view value) {
  switch (name.size()) {
    case 4:
      if (!equals_any_case(name, "host") || dir_ != flow::Dir::kOrig) return;
      if (has_host_) cx.weird(Weird::http_host_repeated, value.substr(0, 64));
      has_host_ = true;
      return;
    case 7:
      if (!equals_any_case(name, "upgrade")) return;
      has_upgrade_ = true;
      is_websocket_ = equals_any_case(first_token(value), "websocket");
      return;
    case 12:
      if (!equals_any_case(name, "content-type")) return;
      if (value.size() > 10 && equals_any_case(value.substr(0, 10), "multipart/"))
        boundary_ = find_parameter(value, "boundary").substr(0, Multipart::kBoundaryMax);
      if (const std::string_view found = find_file_name(value, "name"); !found.empty())
        file_name_ = found.substr(0, kFileNameMax);
      return;
    case 13:
      // Only of an answer that says it is a part (RFC 9110 14.4).
      if (equals_any_case(name, "content-range") && tx.status_code == 206 && dir_ == flow::Dir::kResp)
        has_range_ = parse_content_range(value, range_);
      return;
    case 14: {
      if (!equals_any_case(name, "content-length")) return;
      // RFC 9112 6.3: a list of equal values is one value.
      std::uint64_t n = 0;
      std::string_view rest = value;
      while (true) {
        const std::size_t comma = rest.find(',');
        if (!parse_decimal(trim(rest.substr(0, comma)), n)) {
          cx.weird(Weird::http_content_length_malformed, value.substr(0, 64));
          return;
        }
        if (has_length_ && n != length_) cx.weird(Weird::http_content_length_repeated, value.substr(0, 64));
        has_length_ = true;
        length_ = n;
        if (comma == std::string_view::npos) return;
        rest.remove_prefix(comma + 1);
      }
    }
    case 16:
      if (equals_any_case(name, "content-encoding")) coding_ = coding_of(first_token(value));
      return;
    case 17:
      if (!equals_any_case(name, "transfer-encoding")) return;
      has_transfer_ = true;
      is_chunked_ = equals_any_case(last_token(value), "chunked");
      if (!is_chunked_ || !equals_any_case(first_token(value), "chunked"))
        cx.weird(Weird::http_transfer_encoding_unknown, value.substr(0, 64));
      return;
    case 19:
      if (!equals_any_case(name, "content-disposition")) return;
      if (const std::string_view found = find_file_name(value, "filename"); !found.empty())
        file_name_ = found.substr(0, kFileNameMax);
      return;
    default: return;
  }
}

void Headers::request_field(Transaction& tx, std::string_view name, std::string_view value) {
  const auto is = [&](std::string_view field) { return equals_any_case(name, field); };
  if (is("host"))
    tx.keep_host(value);
  else if (is("user-agent"))
    tx.user_agent = tx.keep(value, 4096);
  else if (is("referer"))
    tx.referrer = tx.keep(value, 4096);
  else if (is("origin"))
    tx.origin = tx.keep(value, 512);
  else if (is("content-type"))
    tx.request_content_type = tx.keep(value, 256);
  else if (is("authorization") || is("proxy-authorization"))
    tx.keep_user(value);
  else if (is_proxy_field(name))
    tx.keep_proxied(name, value);
}

void Headers::response_field(Transaction& tx, std::string_view name, std::string_view value) {
  const auto is = [&](std::string_view field) { return equals_any_case(name, field); };
  if (is("content-type"))
    tx.response_content_type = tx.keep(value, 256);
  else if (is("content-encoding"))
    tx.response_content_encoding = tx.keep(value, 64);
  else if (is("location"))
    tx.location = tx.keep(value, 4096);
  else if (is("server"))
    tx.server = tx.keep(value, 256);
}

Framing Headers::finish(flow::Context& cx, Transaction& tx) {
  const bool is_request = dir_ == flow::Dir::kOrig;
  if (is_request && is_http_1_1_ && !has_host_) cx.weird(Weird::http_host_missing);
  if (!is_request) {
    const std::uint16_t code = tx.status_code.value_or(0);
    if (tx.is_head || tx.is_interim() || code == 204 || code == 304) return Framing::kNone;
    if (tx.is_connect && code >= 200 && code < 300) return Framing::kNone;
  }
  if (has_transfer_ && has_length_) cx.weird(Weird::http_content_length_with_chunked);
  // A transfer coding is HTTP/1.1's; in a message of 1.0 it is no framing (RFC 9112 6.1).
  if (is_chunked_ && is_http_1_1_) return Framing::kChunked;
  if (has_length_) return length_ > 0 ? Framing::kLength : Framing::kNone;
  return is_request ? Framing::kNone : Framing::kUntilClose;
}

BodyPlan Headers::plan() const {
  BodyPlan plan;
  plan.coding = coding_;
  plan.boundary = boundary_;
  plan.file_name = file_name_;
  if (has_range_) {
    plan.range = range_;
  } else if (has_length_ && !is_chunked_) {
    plan.total = length_;
  }
  return plan;
}

}  // namespace catenary::http
