#include "protocols/ftp/session.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "flow/expected.h"
#include "flow/flow.h"
#include "protocols/ftp/ftp.gen.h"
#include "protocols/ftp/paths.h"

namespace catenary::ftp {

namespace {

constexpr std::string_view kGreeting = "<init>";

// Which replies a command may have: RFC 959 5.4; RFC 2389, RFC 2428, RFC 3659 for the later ones. 500 suits all.
struct Replies {
  std::string_view name;
  std::array<std::uint16_t, 20> codes;  // ends with 0
};
constexpr std::uint16_t kNoCode = 1;  // a reply without a code of its own
constexpr Replies kReplies[] = {
    {kGreeting, {120, 220, 421, kNoCode}},
    {"USER", {230, 331, 332, 421, 501, 530}},
    {"PASS", {202, 230, 332, 421, 501, 503, 530}},
    {"ACCT", {202, 230, 421, 501, 503, 530}},
    {"CWD", {250, 421, 501, 502, 530, 550}},
    {"CDUP", {200, 250, 421, 501, 502, 530, 550}},
    {"SMNT", {202, 250, 421, 501, 502, 530, 550}},
    {"REIN", {120, 220, 421, 502}},
    {"QUIT", {221, kNoCode}},
    {"PORT", {200, 421, 501, 530}},
    {"PASV", {227, 421, 501, 502, 530}},
    {"MODE", {200, 421, 501, 502, 504, 530}},
    {"TYPE", {200, 421, 501, 504, 530}},
    {"STRU", {200, 421, 501, 504, 530}},
    {"ALLO", {200, 202, 421, 501, 504, 530}},
    {"REST", {200, 350, 421, 501, 502, 530}},
    {"STOR", {110, 125, 150, 226, 250, 421, 425, 426, 450, 451, 452, 501, 530, 532, 550, 551, 552, 553}},
    {"STOU", {110, 125, 150, 226, 250, 421, 425, 426, 450, 451, 452, 501, 530, 532, 550, 551, 552, 553}},
    {"RETR", {110, 125, 150, 226, 250, 421, 425, 426, 450, 451, 501, 530, 550}},
    {"LIST", {125, 150, 226, 250, 421, 425, 426, 450, 451, 501, 502, 530, 550}},
    {"NLST", {125, 150, 226, 250, 421, 425, 426, 450, 451, 501, 502, 530, 550}},
    {"APPE", {125, 150, 226, 250, 421, 425, 426, 450, 451, 452, 501, 502, 530, 532, 550, 551, 552, 553}},
    {"RNFR", {350, 421, 450, 501, 502, 530, 550}},
    {"RNTO", {250, 421, 501, 502, 503, 530, 532, 553}},
    {"DELE", {250, 421, 450, 501, 502, 530, 550}},
    {"RMD", {250, 421, 501, 502, 530, 550}},
    {"MKD", {257, 421, 501, 502, 530, 550}},
    {"PWD", {257, 421, 501, 502, 550}},
    {"ABOR", {225, 226, 421, 501, 502}},
    {"SYST", {215, 421, 501, 502, 530}},
    {"STAT", {211, 212, 213, 421, 450, 501, 502, 530}},
    {"HELP", {200, 211, 214, 421, 501, 502}},
    {"SITE", {200, 202, 214, 501, 502, 530}},
    {"NOOP", {200, 421}},
    {"LPRT", {501, 521}},
    {"FEAT", {211, 502}},
    {"OPTS", {200, 451, 501}},
    {"EPSV", {229, 501}},
    {"EPRT", {200, 501, 522}},
    {"SIZE", {213, 501, 550}},
    {"MDTM", {213, 501, 550}},
    {"MLST", {150, 226, 250, 501, 550}},
    {"MLSD", {150, 226, 250, 501, 550}},
    {"CLNT", {200}},
    {"MACB", {200, 550}},
};

bool suits(std::string_view name, unsigned code) noexcept {
  if (code == 500) return true;
  for (const Replies& r : kReplies) {
    if (r.name != name) continue;
    const auto end = std::find(r.codes.begin(), r.codes.end(), 0);
    return std::find(r.codes.begin(), end, code == 0 ? kNoCode : code) != end;
  }
  return false;
}

// Their argument is a path.
constexpr std::array<std::string_view, 13> kPathCommands = {"APPE", "CWD",  "DELE", "MDTM", "MKD",  "REST", "RETR",
                                                            "RMD",  "RNFR", "RNTO", "SIZE", "STOR", "STOU"};
constexpr std::array<std::string_view, 4> kGuests = {"anonymous", "ftp", "ftpuser", "guest"};

bool has(std::string_view text, std::string_view part) noexcept { return text.find(part) != std::string_view::npos; }

// A line inside a reply of several lines that looks like the end of one all the same: a code, a space, and ten
// printable characters. Servers exist that never end the first reply; Zeek reads on in the same way.
bool is_like_a_reply(std::string_view s) noexcept {
  if (s.size() < 14 || s[0] < '1' || ascii::reply_code(s) == 0 || s[3] != ' ') return false;
  return std::all_of(s.begin() + 4, s.begin() + 14, [](char c) { return c == ' ' || ascii::is_graph(c); });
}

bool is_guest(const std::optional<std::string>& user) noexcept {
  return user && std::any_of(kGuests.begin(), kGuests.end(),
                             [&](std::string_view g) { return ascii::equals_any_case(g, *user); });
}

}  // namespace

void Session::start(flow::Context& cx, Transfers& transfers) {
  if (serial_ != 0) return;
  serial_ = transfers.add();
  add(cx, kGreeting, {});  // what the server says unasked is a reply too
}

void Session::add(flow::Context& cx, std::string_view name, std::string_view arg) {
  if (pending_.size() >= kPendingMax) return cx.weird(Weird::ftp_pending_limit);
  const std::size_t max = pending_bytes_ < kPendingBytesMax ? kArgBytesMax : kArgBytesShort;
  pending_.push_back({++numbered_, cx.now, std::string(name), std::string(arg.substr(0, max)), false});
  pending_bytes_ += pending_.back().arg.size();
}

Session::Command* Session::current() noexcept {
  const auto at =
      std::find_if(pending_.begin(), pending_.end(), [&](const Command& c) { return c.number == current_; });
  return at == pending_.end() ? nullptr : &*at;
}

void Session::remove_current() {
  const auto at =
      std::find_if(pending_.begin(), pending_.end(), [&](const Command& c) { return c.number == current_; });
  if (at == pending_.end()) return;
  pending_bytes_ -= at->arg.size();
  pending_.erase(at);
}

Session::Command* Session::best_match(unsigned code, std::string_view text) noexcept {
  Command* best = nullptr;
  int best_score = -1;
  for (Command& c : pending_) {
    const int score = (suits(c.name, code) ? 100 : 0) + (has(text, c.name) ? 20 : 0) + (has(text, c.arg) ? 10 : 0);
    if (score <= best_score) continue;
    best_score = score;
    best = &c;
  }
  return best;
}

void Session::announce(flow::Context& cx, Transfers& transfers, bool is_passive, const Ip& orig_h, const Address& to) {
  const Ip& own = is_passive ? cx.flow.resp_h : cx.flow.orig_h;
  const Ip resp_h = to.host.value_or(own);
  if (resp_h != own) cx.weird(Weird::ftp_third_party);
  channel_ = DataChannel{is_passive, orig_h, resp_h, to.port};
  cx.expect({orig_h, resp_h, to.port, &kDataProtocol, &transfers, serial_});
}

void Session::on_command(flow::Context& cx, Transfers& transfers, std::string_view name, std::string_view arg) {
  if (reply_code_) {
    if (const Command* const answered = current()) {
      emit(cx, transfers, *answered);
      remove_current();
    }
  }
  start(cx, transfers);
  add(cx, name, arg);
  if (name == "USER") {
    user_ = arg.substr(0, kUserBytesMax);
  } else if (name == "PASS") {
    password_ = arg.substr(0, kUserBytesMax);
  } else if (name == "PORT" || name == "EPRT") {
    const auto address = name == "PORT" ? parse_port(arg) : parse_eprt(arg);
    if (address)
      announce(cx, transfers, false, cx.flow.resp_h, *address);
    else
      cx.weird(Weird::ftp_address_malformed, arg.substr(0, 64));
  }
}

void Session::change_directory(Command& c, std::string_view text) {
  if (c.is_path_used) return;
  c.is_path_used = true;
  std::string to;
  if (c.name == "CWD")
    join(dir_, c.arg, to);
  else if (c.name == "CDUP")
    join(dir_, "..", to);
  else
    to = find_path(text);
  if (to.size() > kPathBytesMax) to.resize(kPathBytesMax);
  dir_ = std::move(to);
}

void Session::on_reply(flow::Context& cx, Transfers& transfers, unsigned code, std::string_view text, bool more) {
  start(cx, transfers);
  if (more && code == 0 && reply_code_ && !is_like_a_reply(text)) return;
  Command* const c = best_match(code, text);
  current_ = c ? c->number : 0;
  reply_code_ = static_cast<std::uint16_t>(code);
  reply_text_ = text.substr(0, kReplyBytesMax);
  if (more || !c) return;
  const std::string_view name = c->name;
  if ((code == 150 && name == "RETR") || (code == 213 && name == "SIZE")) {
    file_size_ = last_number(text);
  } else if ((code == 227 || code == 229) && (name == "PASV" || name == "EPSV")) {
    const auto address = code == 227 ? parse_pasv(text) : parse_epsv(text);
    if (address)
      announce(cx, transfers, true, cx.flow.orig_h, *address);
    else
      cx.weird(Weird::ftp_address_malformed, text.substr(0, 64));
  }
  const bool moves = (name == "CWD" && code == 250) || (name == "CDUP" && (code == 200 || code == 250)) ||
                     ((name == "PWD" || name == "XPWD") && code == 257);
  if (moves) change_directory(*c, text);
  if (pending_.size() > 1) {
    emit(cx, transfers, *c);
    remove_current();
  }
}

void Session::finish(flow::Context& cx, Transfers& transfers) {
  for (const Command& c : pending_) emit(cx, transfers, c);
  pending_.clear();
  pending_bytes_ = 0;
}

void Session::emit(flow::Context& cx, Transfers& transfers, const Command& c) {
  FtpEvent e;
  e.ts = micros(c.at);
  const bool shows_password = is_guest(user_);
  if (user_) e.user = *user_;
  if (password_) e.password = shows_password ? std::string_view(*password_) : "<hidden>";
  e.command = c.name;
  std::string url;
  if (std::find(kPathCommands.begin(), kPathCommands.end(), c.name) != kPathCommands.end()) {
    // A directory that was gone to is the working directory by now.
    build_url(cx.flow.resp_h, dir_, c.is_path_used ? std::string_view{} : c.arg, url);
    e.arg = url;
  } else if (c.name == "PASS" && !shows_password) {
    e.arg = "<hidden>";
  } else if (!c.arg.empty()) {
    e.arg = c.arg;
  }
  e.file_size = file_size_;
  e.reply_code = reply_code_;
  if (reply_code_) e.reply_msg = reply_text_;
  if (channel_) {
    e.passive = channel_->is_passive;
    e.data_orig_h = channel_->orig_h;
    e.data_resp_h = channel_->resp_h;
    e.data_resp_p = channel_->resp_p;
  }
  e.is_typed = false;
  if (Transfer* const t = transfers.find(serial_)) {
    if (t->has_file) e.fuid = std::string_view(t->fuid.data(), t->fuid.size());
    e.is_typed = t->is_typed;
    if (!t->mime_type.empty()) e.mime_type = t->mime_type;
  }
  e.mid_stream = cx.flow.is_partial;
  cx.emit(e);
  file_size_.reset();
  channel_.reset();
  if (Transfer* const t = transfers.find(serial_)) {
    t->has_file = t->is_typed = false;
    t->mime_type = {};
  }
}

}  // namespace catenary::ftp
