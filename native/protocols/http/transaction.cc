#include "protocols/http/transaction.h"

#include <algorithm>

#include "base/cursor.h"
#include "flow/flow.h"
#include "protocols/http/http.gen.h"
#include "protocols/http/text.h"

namespace catenary::http {

void Transaction::reset(Nanos now, std::uint32_t depth, TextBudget& budget) {
  release();
  static_cast<TransactionFacts&>(*this) = {};
  budget_ = &budget;
  ts = now;
  trans_depth = depth;
}

void Transaction::release() noexcept {
  if (budget_) budget_->used -= accounted_;
  budget_ = nullptr;
  accounted_ = 0;
  text_.clear();
  for (const unsigned d : {0u, 1u}) {
    names_[d].clear();
    name_count_[d] = 0;
    files_[d].clear();
    types_[d].clear();
  }
  proxied_.clear();
}

void Transaction::account() noexcept {
  const std::size_t now = text_.size() + names_[0].size() + names_[1].size();
  budget_->used += now - accounted_;
  accounted_ = now;
}

// The part of `s` that there is room for.
std::string_view Transaction::fit(std::string_view s, std::size_t cap) noexcept {
  if (budget_->used > TextBudget::kBytesMax) cap = std::min(cap, TextBudget::kShortMax);
  cap = std::min(cap, kTextBytesMax - std::min(kTextBytesMax, text_.size()));
  if (s.size() <= cap) return s;
  is_cut = true;
  return s.substr(0, cap);
}

Slice Transaction::keep(std::string_view s, std::size_t cap) {
  s = fit(s, cap);
  const Slice slice{static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(s.size()), true};
  text_.append(s);
  account();
  return slice;
}

void Transaction::keep_uri(std::string_view target) {
  const std::size_t at = text_.size();
  unescape(fit(target, 8192), text_);
  uri = {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(text_.size() - at), true};
  account();
}

void Transaction::keep_host(std::string_view value) {
  const std::size_t colon = value.rfind(':');
  host_port.reset();
  if (colon != std::string_view::npos && colon > 0 && value.size() - colon <= 6 && value[colon - 1] != ':') {
    const std::string_view digits = value.substr(colon + 1);
    // An IPv6 address has colons of its own and stands in brackets (RFC 3986 3.2.2).
    const bool is_one = value.find(':') == colon || value[colon - 1] == ']';
    std::uint64_t port = 0;
    if (is_one && parse_decimal(digits, port) && port <= 65535 && digits[0] != '0') {
      host_port = static_cast<std::uint16_t>(port);
      value = value.substr(0, colon);
    }
  }
  host = keep(value, 512);
}

void Transaction::keep_user(std::string_view credentials) {
  constexpr std::size_t kCredentialsMax = 1024;
  if (credentials.size() < 6 || !equals_any_case(credentials.substr(0, 5), "basic") || !is_blank(credentials[5]))
    return;
  const std::string_view coded = trim(credentials.substr(6));
  if (fit(coded, kCredentialsMax).size() < coded.size()) return;
  const std::size_t at = text_.size();
  const bool is_valid = decode_base64(coded, text_);
  const std::size_t colon = text_.find(':', at);
  if (!is_valid || colon == std::string::npos) {
    text_.resize(at);
    return;
  }
  // The password does not stay in memory.
  std::fill(text_.begin() + static_cast<std::ptrdiff_t>(colon), text_.end(), '\0');
  text_.resize(colon);
  username = {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(colon - at), true};
  account();
}

void Transaction::keep_proxied(std::string_view name, std::string_view value) {
  if (proxied_.size() == kProxiedMax) {
    is_cut = true;
    return;
  }
  const Slice head = keep(name, 64);
  for (std::uint32_t i = head.at; i < head.at + head.size; i++) text_[i] = upper(text_[i]);
  keep(" -> ", 4);
  const Slice tail = keep(value, 256);
  proxied_.push_back({head.at, tail.at + tail.size - head.at, true});
}

void Transaction::keep_name(flow::Dir dir, std::string_view name) {
  const unsigned d = flow::index(dir);
  if (name_count_[d] == kHeaderNamesMax) {
    is_cut = true;
    return;
  }
  name = fit(name, kHeaderNameMax);
  name_count_[d]++;
  names_[d].push_back(static_cast<char>(name.size()));
  for (const char c : name) names_[d].push_back(upper(c));
  account();
}

void Transaction::add_file(flow::Dir dir, std::string_view fuid, std::string_view name) {
  std::vector<NamedFile>& f = files_[flow::index(dir)];
  if (f.size() == kFilesMax) {
    is_cut = true;
    return;
  }
  f.emplace_back();
  std::copy_n(fuid.begin(), std::min(fuid.size(), files::kFuidBytes), f.back().fuid.begin());
  if (!name.empty()) f.back().name = keep(name, 512);
}

void Transaction::add_mime_type(flow::Dir dir, std::string_view mime) {
  std::vector<std::string_view>& types = types_[flow::index(dir)];
  if (!mime.empty() && types.size() < kFilesMax) types.push_back(mime);
}

void Transaction::emit(flow::Context& cx) {
  const auto set = [&](Slice s) { return s.is_set ? std::optional(text(s)) : std::nullopt; };
  std::array<std::string_view, kHeaderNamesMax> header_names[2];
  std::array<std::string_view, kFilesMax> fuids[2];
  std::array<std::string_view, kFileNamesMax> file_names[2];
  std::array<std::string_view, kProxiedMax> proxied;
  std::size_t file_name_count[2] = {};
  for (std::size_t i = 0; i < proxied_.size(); i++) proxied[i] = text(proxied_[i]);
  for (const unsigned d : {0u, 1u}) {
    Cursor names(as_bytes(names_[d]));
    for (std::size_t i = 0; i < name_count_[d]; i++) {
      const std::uint8_t size = names.u8();
      header_names[d][i] = as_text(names.take(size));
    }
    for (std::size_t i = 0; i < files_[d].size(); i++) {
      const NamedFile& f = files_[d][i];
      fuids[d][i] = {f.fuid.data(), f.fuid.size()};
      if (!f.name.is_set) continue;
      if (file_name_count[d] < kFileNamesMax)
        file_names[d][file_name_count[d]++] = text(f.name);
      else
        is_cut = true;
    }
  }

  HttpEvent e;
  e.ts = micros(ts);
  e.trans_depth = trans_depth;
  e.method = set(method);
  e.host = set(host);
  e.host_port = host_port;
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
  e.proxied = {proxied.data(), proxied_.size()};
  e.orig_fuids = {fuids[0].data(), files_[0].size()};
  e.orig_filenames = {file_names[0].data(), file_name_count[0]};
  e.orig_mime_types = types_[0];
  e.resp_fuids = {fuids[1].data(), files_[1].size()};
  e.resp_filenames = {file_names[1].data(), file_name_count[1]};
  e.resp_mime_types = types_[1];
  e.client_header_names = {header_names[0].data(), name_count_[0]};
  e.server_header_names = {header_names[1].data(), name_count_[1]};
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
