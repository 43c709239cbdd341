// Commands have tags, and their replies repeat them (RFC 9051 2.2.1), so replies find their commands in any order. A
// line that ends with {n} goes on behind n bytes as they are (4.3); of the server's those that are a message go to
// mime.
#include "protocols/imap/imap.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/ascii.h"
#include "files/mime/message.h"
#include "files/mime/parameters.h"
#include "flow/flow.h"
#include "flow/lines.h"
#include "protocols/imap/imap.gen.h"

namespace catenary::imap {

namespace {

using flow::Context;
using flow::Dir;
using flow::Probe;
using flow::Step;

constexpr std::uint32_t kUnreadMax = 131072;
constexpr std::uint16_t kPort = 143;
constexpr std::size_t kFilesMax = 64;
constexpr std::size_t kTagMax = 32, kUserMax = 256, kReplyMax = 512, kMethodMax = 32, kMailboxMax = 256;

enum class Command : std::uint8_t { kLogin, kAuthenticate, kStartTls, kOpen, kAppend, kSearch, kOther };

struct CommandName {
  std::string_view name;
  Command command;
};
constexpr CommandName kCommandNames[] = {{"LOGIN", Command::kLogin},       {"AUTHENTICATE", Command::kAuthenticate},
                                         {"STARTTLS", Command::kStartTls}, {"SELECT", Command::kOpen},
                                         {"EXAMINE", Command::kOpen},      {"APPEND", Command::kAppend},
                                         {"SEARCH", Command::kSearch}};

Command command_of(std::string_view word) noexcept {
  for (const CommandName& c : kCommandNames) {
    if (ascii::equals_any_case(c.name, word)) return c.command;
  }
  return Command::kOther;
}

// RFC 9051 4.3: how many bytes follow a line that ends so.
std::optional<std::uint64_t> literal(std::string_view line) noexcept {
  if (line.empty() || line.back() != '}') return std::nullopt;
  const std::size_t at = line.rfind('{');
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view digits = line.substr(at + 1, line.size() - at - 2);
  if (!digits.empty() && digits.back() == '+') digits.remove_suffix(1);
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return n;
}

// RFC 9051 4.3: an atom, or a quoted text; taken off the front.
std::string take_string(std::string_view& s, std::size_t max) {
  s = ascii::trim_front(s);
  if (s.empty() || s[0] != '"') return std::string(ascii::take_word(s).substr(0, max));
  std::string out;
  std::size_t i = 1;
  for (; i < s.size() && s[i] != '"'; i++) {
    if (s[i] == '\\' && i + 1 < s.size()) i++;
    if (out.size() < max) out.push_back(s[i]);
  }
  s.remove_prefix(std::min(i + 1, s.size()));
  return out;
}

// A message with its header: what ends so in a FETCH. Not a part, which has no header of its own.
bool is_message(std::string_view line) noexcept {
  constexpr std::string_view kEnds[] = {"BODY[] ", "RFC822 ", "BINARY[] "};
  const std::size_t at = line.rfind('{');
  const std::string_view before = line.substr(0, at == std::string_view::npos ? 0 : at);
  return std::any_of(std::begin(kEnds), std::end(kEnds), [&](std::string_view e) {
    return before.size() >= e.size() && ascii::equals_any_case(before.substr(before.size() - e.size()), e);
  });
}

class Parser final : public flow::Parser, mime::MessageSink {
 public:
  Step on_stream(Context& cx, Dir dir, Cursor& in) override;
  Step on_gap(Context& cx, Dir dir, std::uint64_t bytes) override;
  void on_close(Context& cx) override;

 private:
  struct Pending {
    std::string tag;
    Command command = Command::kOther;
  };
  struct Side {
    flow::LineReader lines;
    std::uint64_t literal = 0;  // bytes of one that are still to come
    bool is_continued = false;  // the next line goes on behind a literal
    bool is_user = false;       // the literal is the name of LOGIN
    mime::Message message;
  };

  void on_client_line(Context& cx, std::string_view line);
  void on_login_text(std::string_view text);
  Step on_server_line(Context& cx, std::string_view line);
  void on_reply(Command command, bool is_ok);
  void begin_literal(Side& s, Dir dir, std::string_view line);

  void on_header(std::string_view, std::string_view) override {}
  void on_message_url(std::string_view) override {}
  void on_file(std::string_view fuid) override {
    if (fuids_.size() == kFilesMax)
      is_cut_ = true;
    else
      fuids_.emplace_back(fuid);
  }

  std::array<Side, 2> sides_;
  std::vector<Pending> pending_;
  bool awaits_answer_ = false;  // the client's next line is one to AUTHENTICATE
  bool is_append_ = false;      // the client's literal is a message
  bool is_confirmed_ = false, is_handing_over_ = false, is_tls_ = false, is_cut_ = false;
  Nanos first_ = 0;
  std::string user_, method_, mailbox_, last_reply_;
  std::optional<bool> auth_success_;
  std::uint32_t failures_ = 0, fetched_ = 0, appended_ = 0, searches_ = 0;
  std::vector<std::string> fuids_;
  mime::MessageCounts counts_;
};

Step Parser::on_stream(Context& cx, Dir dir, Cursor& in) {
  if (first_ == 0) first_ = cx.now;
  Side& s = sides_[index(dir)];
  while (!in.done()) {
    if (s.literal > 0) {
      const Bytes some = in.take(static_cast<std::size_t>(std::min<std::uint64_t>(s.literal, in.left())));
      if (s.is_user && user_.size() < kUserMax) user_ += as_text(some).substr(0, kUserMax - user_.size());
      if (s.message.is_open()) s.message.bytes(cx, some);
      s.literal -= some.size();
      if (s.literal > 0) return Step::kContinue;
      s.message.end(cx, files::End::kComplete);
      s.is_user = false;
      s.lines.restart();
      continue;
    }
    flow::Line line;
    if (!s.lines.next(in, kLineBytesMax, line)) return Step::kContinue;
    if (!line.is_start) continue;
    if (!line.is_end) cx.weird(Weird::imap_line_too_long);
    const bool is_continued = std::exchange(s.is_continued, false);
    if (!is_continued && dir == Dir::kOrig) on_client_line(cx, line.text);
    if (!is_continued && dir == Dir::kResp && on_server_line(cx, line.text) == Step::kDetach) return Step::kDetach;
    if (line.is_end) begin_literal(s, dir, line.text);
    if (is_handing_over_) {
      cx.hand_over();
      return Step::kContinue;
    }
  }
  return Step::kContinue;
}

void Parser::begin_literal(Side& s, Dir dir, std::string_view line) {
  const auto size = literal(line);
  if (!size) return;
  s.literal = *size;
  s.is_continued = true;
  const bool is_mail = dir == Dir::kOrig ? is_append_ : is_message(line);
  if (dir == Dir::kOrig) is_append_ = false;
  if (!is_mail || *size == 0) return;
  s.message.start("imap", dir, *this, counts_);
  if (dir == Dir::kResp) fetched_++;
}

Step Parser::on_gap(Context& cx, Dir dir, std::uint64_t bytes) {
  Side& s = sides_[index(dir)];
  const std::uint64_t inside = std::min(s.literal, bytes);
  if (inside > 0) {
    if (s.message.is_open()) s.message.gap(cx, inside);
    s.literal -= inside;
    if (s.literal == 0) s.message.end(cx, files::End::kComplete);
  }
  if (bytes > inside) s.lines.gap();
  return Step::kContinue;
}

void Parser::on_client_line(Context& cx, std::string_view line) {
  if (awaits_answer_) {
    awaits_answer_ = false;
    if (method_ == "PLAIN") on_login_text(line);
    return;
  }
  std::string_view arg = line;
  const std::string_view tag = ascii::take_word(arg);
  std::string_view word = ascii::take_word(arg);
  if (tag.empty() || word.empty()) return;
  if (ascii::equals_any_case(word, "UID")) word = ascii::take_word(arg);  // RFC 9051 6.4.9
  const Command command = command_of(word);
  if (pending_.size() == kPendingMax) {
    cx.weird(Weird::imap_pending_limit);
    pending_.clear();
  }
  pending_.push_back({std::string(tag.substr(0, kTagMax)), command});
  is_append_ = command == Command::kAppend;
  switch (command) {
    case Command::kLogin:
      method_ = "LOGIN";
      user_.clear();
      if (literal(arg) && arg.front() == '{')
        sides_[0].is_user = true;
      else
        user_ = take_string(arg, kUserMax);
      return;
    case Command::kAuthenticate:
      method_ = ascii::take_word(arg).substr(0, kMethodMax);
      std::transform(method_.begin(), method_.end(), method_.begin(), ascii::upper);
      if (method_ == "PLAIN" && !arg.empty()) on_login_text(arg);
      return;
    case Command::kOpen: mailbox_ = take_string(arg, kMailboxMax); return;
    case Command::kSearch: searches_++; return;
    default: return;
  }
}

// PLAIN: who acts, who logs in, the password, parted by zeros (RFC 4616 2). The password is not kept.
void Parser::on_login_text(std::string_view text) {
  constexpr std::size_t kTextMax = 1024;
  std::string plain;
  if (text.size() > kTextMax || !mime::decode_base64(ascii::trim(text), plain)) return;
  const std::size_t zero = plain.find('\0');
  if (zero == std::string::npos) return;
  user_ = plain.substr(zero + 1, std::min(plain.find('\0', zero + 1) - zero - 1, kUserMax));
  std::fill(plain.begin(), plain.end(), '\0');
}

Step Parser::on_server_line(Context& cx, std::string_view line) {
  if (line.starts_with("* ")) return Step::kContinue;
  if (line.starts_with("+")) {
    const bool is_login = !pending_.empty() && pending_.back().command == Command::kAuthenticate;
    awaits_answer_ = is_login;
    return Step::kContinue;
  }
  std::string_view rest = line;
  const std::string_view tag = ascii::take_word(rest).substr(0, kTagMax), status = ascii::take_word(rest);
  const bool is_ok = ascii::equals_any_case(status, "OK");
  if (!is_ok && !ascii::equals_any_case(status, "NO") && !ascii::equals_any_case(status, "BAD")) {
    if (!is_confirmed_) return Step::kDetach;
    cx.weird(Weird::imap_reply_malformed, line.substr(0, 32));
    return Step::kContinue;
  }
  last_reply_ = line.substr(0, kReplyMax);
  if (!is_confirmed_) cx.confirm("imap");
  is_confirmed_ = true;
  const auto found = std::find_if(pending_.begin(), pending_.end(), [&](const Pending& p) { return p.tag == tag; });
  if (found == pending_.end()) return Step::kContinue;
  const Command command = found->command;
  pending_.erase(found);
  on_reply(command, is_ok);
  return Step::kContinue;
}

void Parser::on_reply(Command command, bool is_ok) {
  switch (command) {
    case Command::kLogin:
    case Command::kAuthenticate:
      auth_success_ = is_ok;
      awaits_answer_ = false;
      if (!is_ok) failures_++;
      return;
    case Command::kStartTls: is_tls_ = is_handing_over_ = is_ok; return;
    case Command::kAppend: appended_ += is_ok ? 1 : 0; return;
    default: return;
  }
}

void Parser::on_close(Context& cx) {
  for (Side& s : sides_) s.message.end(cx, files::End::kAborted);
  if (!is_confirmed_) return;
  std::array<std::string_view, kFilesMax> fuids;
  std::copy(fuids_.begin(), fuids_.end(), fuids.begin());
  ImapEvent e;
  e.ts = micros(first_);
  if (!user_.empty()) e.user = user_;
  if (!method_.empty()) e.auth_method = method_;
  e.auth_success = auth_success_;
  e.auth_failures = failures_;
  if (!mailbox_.empty()) e.mailbox = mailbox_;
  e.fetched = fetched_;
  e.appended = appended_;
  e.searches = searches_;
  e.tls = is_tls_;
  if (!last_reply_.empty()) e.last_reply = last_reply_;
  e.fuids = {fuids.data(), fuids_.size()};
  e.mid_stream = cx.flow.is_partial;
  e.cut = is_cut_;
  cx.emit(e);
}

}  // namespace

Probe probe(const flow::ProbeInput& in) noexcept {
  constexpr std::size_t kGreetingMax = 512;
  const std::string_view text = as_text(in.data);
  if (in.dir != Dir::kResp) return Probe::kNo;
  for (const std::string_view greeting : {"* OK ", "* PREAUTH "}) {
    const std::size_t n = std::min(text.size(), greeting.size());
    if (!ascii::equals_any_case(text.substr(0, n), greeting.substr(0, n))) continue;
    if (n < greeting.size()) return Probe::kMore;
    if (in.resp_port == kPort) return Probe::kYes;
    const std::string_view line = text.substr(0, std::min(text.find('\n'), kGreetingMax));
    if (mime::find_any_case(line, "imap") != std::string_view::npos) return Probe::kYes;
    return line.size() == text.size() && text.size() < kGreetingMax ? Probe::kMore : Probe::kNo;
  }
  return Probe::kNo;
}

extern constexpr flow::ProtocolInfo kProtocol = flow::make_protocol<Parser>("imap", true, false, probe, kUnreadMax);

}  // namespace catenary::imap
