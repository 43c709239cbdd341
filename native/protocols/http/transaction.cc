#include "protocols/http/transaction.h"

#include <algorithm>

#include "flow/flow.h"
#include "protocols/http/http.gen.h"
#include "protocols/http/text.h"

namespace catenary::http {

void Transaction::reset(Nanos now, std::uint32_t depth) {
  std::string memory = std::move(text_);
  memory.clear();
  *this = Transaction();
  text_ = std::move(memory);
  ts = now;
  trans_depth = depth;
}

Slice Transaction::keep(std::string_view s, std::size_t cap) {
  const std::size_t room = kTextBytesMax - text_.size();
  if (s.size() > std::min(cap, room)) {
    is_cut = true;
    s = s.substr(0, std::min(cap, room));
  }
  const Slice slice{static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(s.size()), true};
  text_.append(s);
  return slice;
}

void Transaction::keep_uri(std::string_view target) {
  constexpr std::size_t kCap = 8192;
  const std::size_t room = kTextBytesMax - text_.size();
  const std::size_t at = text_.size();
  if (target.size() > std::min(kCap, room)) {
    is_cut = true;
    target = target.substr(0, std::min(kCap, room));
  }
  unescape(target, text_);
  uri = {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(text_.size() - at), true};
}

void Transaction::keep_host(std::string_view value) {
  const std::size_t colon = value.rfind(':');
  host_port_.reset();
  if (colon != std::string_view::npos && colon > 0 && value.size() - colon <= 6 && value[colon - 1] != ':') {
    const std::string_view digits = value.substr(colon + 1);
    // An IPv6 address has colons of its own and stands in brackets (RFC 3986 3.2.2).
    const bool is_one = value.find(':') == colon || value[colon - 1] == ']';
    std::uint64_t port = 0;
    if (is_one && parse_decimal(digits, port) && port <= 65535 && digits[0] != '0') {
      host_port_ = static_cast<std::uint16_t>(port);
      value = value.substr(0, colon);
    }
  }
  host_ = keep(value, 512);
}

void Transaction::keep_user(std::string_view credentials) {
  constexpr std::size_t kCredentialsMax = 1024;
  if (credentials.size() < 6 || !equals_any_case(credentials.substr(0, 5), "basic") || !is_blank(credentials[5]))
    return;
  const std::string_view coded = trim(credentials.substr(6));
  if (coded.size() > std::min(kCredentialsMax, kTextBytesMax - text_.size())) return;
  const std::size_t at = text_.size();
  const bool is_valid = decode_base64(coded, text_);
  const std::size_t colon = text_.find(':', at);
  if (!is_valid || colon == std::string::npos) {
    text_.resize(at);
    return;
  }
  text_.resize(colon);  // the password does not stay in memory
  username = {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(colon - at), true};
}

void Transaction::keep_proxied(std::string_view name, std::string_view value) {
  if (proxied_count_ == kProxiedMax) {
    is_cut = true;
    return;
  }
  const Slice head = keep(name, 64);
  for (std::uint32_t i = head.at; i < head.at + head.size; i++) text_[i] = upper(text_[i]);
  keep(" -> ", 4);
  const Slice tail = keep(value, 256);
  proxied_[proxied_count_++] = {head.at, tail.at + tail.size - head.at, true};
}

void Transaction::keep_name(flow::Dir dir, std::string_view name) {
  HeaderNames& n = names_[flow::index(dir)];
  if (n.count == kHeaderNamesMax) {
    is_cut = true;
    return;
  }
  const Slice s = keep(name, 64);
  for (std::uint32_t i = s.at; i < s.at + s.size; i++) text_[i] = upper(text_[i]);
  n.names[n.count++] = s;
}

void Transaction::add_file(flow::Dir dir, std::string_view fuid, std::string_view name) {
  MessageFiles& f = files_[flow::index(dir)];
  if (f.fuid_count == kFilesMax) {
    is_cut = true;
    return;
  }
  std::copy_n(fuid.begin(), std::min(fuid.size(), files::kFuidBytes), f.fuids[f.fuid_count++].begin());
  if (name.empty()) return;
  if (f.name_count == kFileNamesMax) {
    is_cut = true;
    return;
  }
  f.names[f.name_count++] = keep(name, 512);
}

void Transaction::add_mime_type(flow::Dir dir, std::string_view mime) {
  MessageFiles& f = files_[flow::index(dir)];
  if (!mime.empty() && f.mime_count < kFilesMax) f.mime_types[f.mime_count++] = mime;
}

void Transaction::emit(flow::Context& cx) {
  const auto set = [&](Slice s) { return s.is_set ? std::optional(text(s)) : std::nullopt; };
  std::array<std::string_view, kHeaderNamesMax> header_names[2];
  std::array<std::string_view, kFilesMax> fuids[2];
  std::array<std::string_view, kFileNamesMax> file_names[2];
  std::array<std::string_view, kProxiedMax> proxied;
  for (std::size_t i = 0; i < proxied_count_; i++) proxied[i] = text(proxied_[i]);
  for (const unsigned d : {0u, 1u}) {
    for (std::size_t i = 0; i < names_[d].count; i++) header_names[d][i] = text(names_[d].names[i]);
    for (std::size_t i = 0; i < files_[d].fuid_count; i++) fuids[d][i] = {files_[d].fuids[i].data(), files::kFuidBytes};
    for (std::size_t i = 0; i < files_[d].name_count; i++) file_names[d][i] = text(files_[d].names[i]);
  }

  HttpEvent e;
  e.ts = micros(ts);
  e.trans_depth = trans_depth;
  e.method = set(method);
  e.host = set(host_);
  e.host_port = host_port_;
  e.uri = set(uri);
  e.referrer = set(referrer);
  e.version = set(version);
  e.user_agent = set(user_agent);
  e.origin = set(origin);
  e.request_body_len = request_body_len;
  e.response_body_len = response_body_len;
  e.status_code = status_code;
  e.status_msg = set(status_msg);
  e.info_code = info_code;
  e.info_msg = set(info_msg);
  e.username = set(username);
  e.proxied = {proxied.data(), proxied_count_};
  e.orig_fuids = {fuids[0].data(), files_[0].fuid_count};
  e.orig_filenames = {file_names[0].data(), files_[0].name_count};
  e.orig_mime_types = {files_[0].mime_types.data(), files_[0].mime_count};
  e.resp_fuids = {fuids[1].data(), files_[1].fuid_count};
  e.resp_filenames = {file_names[1].data(), files_[1].name_count};
  e.resp_mime_types = {files_[1].mime_types.data(), files_[1].mime_count};
  e.client_header_names = {header_names[0].data(), names_[0].count};
  e.server_header_names = {header_names[1].data(), names_[1].count};
  e.request_content_type = set(request_content_type);
  e.response_content_type = set(response_content_type);
  e.response_content_encoding = set(response_content_encoding);
  e.location = set(location);
  e.server = set(server);
  e.mid_stream = cx.flow.is_partial;
  e.cut = is_cut;
  cx.emit(e);
}

}  // namespace catenary::http
