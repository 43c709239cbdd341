#include "protocols/smtp/mail.h"

#include <algorithm>

#include "base/ascii.h"
#include "flow/flow.h"
#include "protocols/smtp/addresses.h"
#include "protocols/smtp/smtp.gen.h"

namespace catenary::smtp {

namespace {

constexpr std::size_t kAddressBytesMax = 256;

}  // namespace

void Mail::begin(Nanos now, TextBudget& budget) {
  if (first != 0) return;
  first = now;
  budget_ = &budget;
}

void Mail::reset() {
  if (budget_) budget_->used -= accounted_;
  budget_ = nullptr;
  accounted_ = 0;
  static_cast<MailFacts&>(*this) = {};
  for (Text* t : {&helo, &mailfrom, &last_reply, &auth_mechanism, &username, &date_, &from_, &reply_to_, &msg_id_,
                  &in_reply_to_, &subject_, &user_agent_, &first_received_, &second_received_})
    t->reset();
  for (std::vector<std::string>* list : {&rcptto, &urls, &to_, &cc_}) list->clear();
  path_.clear();
  fuids_.clear();
}

void Mail::account(std::size_t bytes) noexcept {
  accounted_ += bytes;
  budget_->used += bytes;
}

// The part of `s` that there is room for.
std::string_view Mail::fit(std::string_view s, std::size_t cap) noexcept {
  if (budget_->used > TextBudget::kBytesMax) cap = std::min(cap, TextBudget::kShortMax);
  if (s.size() <= cap) return s;
  is_cut = true;
  return s.substr(0, cap);
}

void Mail::set(Text& to, std::string_view value, std::size_t cap) {
  value = fit(value, cap);
  account(value.size());
  to = value;
}

void Mail::add(std::vector<std::string>& to, std::string_view value, std::size_t cap, std::size_t cap_items) {
  value = fit(value, cap);
  if (value.empty() || std::find(to.begin(), to.end(), value) != to.end()) return;
  if (to.size() == cap_items) {
    is_cut = true;
    return;
  }
  account(value.size() + sizeof(std::string));
  to.emplace_back(value);
}

void Mail::add_all(std::vector<std::string>& to, std::string_view addresses) {
  for (std::string_view a = take_address(addresses); !a.empty(); a = take_address(addresses)) {
    add(to, a, kAddressBytesMax, kAddresseesMax);
    if (to.size() == kAddresseesMax && is_cut) return;
  }
}

void Mail::on_header(std::string_view name, std::string_view value) {
  has_message = true;
  const auto is = [&](std::string_view field) { return ascii::equals_any_case(name, field); };
  if (is("message-id"))
    set(msg_id_, value, 512);
  else if (is("received"))
    on_received(value);
  else if (is("in-reply-to"))
    set(in_reply_to_, value, 512);
  else if (is("subject"))
    set(subject_, value, 4096);
  else if (is("from"))
    set(from_, value, 512);
  else if (is("reply-to"))
    set(reply_to_, value, 512);
  else if (is("date"))
    set(date_, value, 128);
  else if (is("to"))
    add_all(to_, value);
  else if (is("cc"))
    add_all(cc_, value);
  else if (is("x-originating-ip"))
    x_originating_ip = find_ip(value);
  else if (is("x-mailer") || is("user-agent") || is("x-user-agent"))
    set(user_agent_, value, 512);
}

// The newest stands first, so the last two that come are the first two hops.
void Mail::on_received(std::string_view value) {
  if (first_received_) second_received_ = std::move(first_received_);
  set(first_received_, value, 1024);
  const auto ip = find_received_from(value);
  if (!ip || (!path_.empty() && path_.back() == *ip)) return;
  if (path_.size() + 2 < kPathMax)
    path_.push_back(*ip);
  else
    is_cut = true;
}

void Mail::add_file(std::string_view fuid) {
  if (fuids_.size() == kFilesMax) {
    is_cut = true;
    return;
  }
  std::copy_n(fuid.begin(), std::min(fuid.size(), files::kFuidBytes), fuids_.emplace_back().begin());
}

void Mail::emit(flow::Context& cx, std::uint32_t trans_depth) {
  const auto view = [](const Text& t) { return t ? std::optional<std::string_view>(*t) : std::nullopt; };
  std::array<std::string_view, kRecipientsMax> recipients;
  std::array<std::string_view, kAddresseesMax> to, cc;
  std::array<std::string_view, kUrlsMax> url_views;
  std::array<std::string_view, kFilesMax> fuids;
  std::copy(rcptto.begin(), rcptto.end(), recipients.begin());
  std::copy(to_.begin(), to_.end(), to.begin());
  std::copy(cc_.begin(), cc_.end(), cc.begin());
  std::copy(urls.begin(), urls.end(), url_views.begin());
  for (std::size_t i = 0; i < fuids_.size(); i++) fuids[i] = {fuids_[i].data(), fuids_[i].size()};
  std::array<Ip, kPathMax> path;
  path[0] = cx.flow.resp_h;
  path[1] = cx.flow.orig_h;
  // The nearest hop is often the client itself.
  const bool skips_first = !path_.empty() && path_[0] == path[1];
  std::copy(path_.begin() + (skips_first ? 1 : 0), path_.end(), path.begin() + 2);

  SmtpEvent e;
  e.ts = micros(first);
  e.trans_depth = trans_depth;
  e.helo = view(helo);
  e.mailfrom = view(mailfrom);
  e.rcptto = {recipients.data(), rcptto.size()};
  e.date = view(date_);
  e.from = view(from_);
  e.to = {to.data(), to_.size()};
  e.cc = {cc.data(), cc_.size()};
  e.reply_to = view(reply_to_);
  e.msg_id = view(msg_id_);
  e.in_reply_to = view(in_reply_to_);
  e.subject = view(subject_);
  e.x_originating_ip = x_originating_ip;
  e.first_received = view(first_received_);
  e.second_received = view(second_received_);
  e.last_reply = view(last_reply);
  e.path = {path.data(), path_.size() + (skips_first ? 1 : 2)};
  e.user_agent = view(user_agent_);
  e.tls = is_tls;
  e.fuids = {fuids.data(), fuids_.size()};
  e.auth_mechanism = view(auth_mechanism);
  e.username = view(username);
  e.auth_success = auth_success;
  e.urls = {url_views.data(), urls.size()};
  e.has_message = has_message;
  e.mid_stream = cx.flow.is_partial;
  e.decrypted = is_within;
  e.cut = is_cut;
  cx.emit(e);
}

}  // namespace catenary::smtp
