// Commands wait in order for their replies (RFC 2449 6.6 lets a client send several). A reply of several lines ends
// with a period; those of RETR and TOP are messages.
#include "protocols/pop3/pop3.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/ascii.h"
#include "files/mime/message.h"
#include "files/mime/parameters.h"
#include "flow/flow.h"
#include "flow/lines.h"
#include "protocols/pop3/pop3.gen.h"

namespace catenary::pop3 {

namespace {

using flow::Context;
using flow::Dir;
using flow::Probe;
using flow::Step;

constexpr std::size_t kLineBytesMax = 8192;
constexpr std::uint32_t kUnreadMax = 131072;
constexpr std::size_t kPendingMax = 100;
constexpr std::size_t kFilesMax = 64;
constexpr std::size_t kUserMax = 256, kReplyMax = 512, kMethodMax = 32;
constexpr std::string_view kOk = "+OK", kError = "-ERR";

enum class Command : std::uint8_t { kGreeting, kUser, kLogin, kAuth, kMessage, kList, kDelete, kStartTls, kOther };

struct CommandName {
  std::string_view name;
  Command command;
};
constexpr CommandName kCommandNames[] = {
    {"USER", Command::kUser},    {"PASS", Command::kLogin},  {"APOP", Command::kLogin},   {"AUTH", Command::kAuth},
    {"RETR", Command::kMessage}, {"TOP", Command::kMessage}, {"CAPA", Command::kList},    {"LIST", Command::kList},
    {"UIDL", Command::kList},    {"DELE", Command::kDelete}, {"STLS", Command::kStartTls}};

Command command_of(std::string_view word) noexcept {
  for (const CommandName& c : kCommandNames) {
    if (ascii::equals_any_case(c.name, word)) return c.command;
  }
  return Command::kOther;
}

class Parser final : public flow::Parser, mime::MessageSink {
 public:
  Step on_stream(Context& cx, Dir dir, Cursor& in) override;
  Step on_gap(Context& cx, Dir dir, std::uint64_t bytes) override;
  void on_close(Context& cx) override;

 private:
  struct Pending {
    Command command = Command::kOther;
    bool has_lines = false;  // a reply of several, if it is a good one
  };
  void on_command(Context& cx, std::string_view line);
  void on_login_text(std::string_view text);
  Step on_server_line(Context& cx, const flow::Line& line);
  void on_reply(Context& cx, Pending p, bool is_ok);

  void on_header(std::string_view, std::string_view) override {}
  void on_message_url(std::string_view) override {}
  void on_file(std::string_view fuid) override {
    if (fuids_.size() == kFilesMax)
      is_cut_ = true;
    else
      fuids_.emplace_back(fuid);
  }

  std::array<flow::LineReader, 2> lines_;
  std::vector<Pending> pending_ = {{Command::kGreeting, false}};
  bool is_in_lines_ = false;    // of a reply
  bool awaits_answer_ = false;  // the client's next line is one to AUTH
  bool is_confirmed_ = false, is_handing_over_ = false, is_tls_ = false, is_cut_ = false;
  Nanos first_ = 0;
  std::string user_, method_, last_reply_;
  std::optional<bool> auth_success_;
  std::uint32_t failures_ = 0, retrieved_ = 0, deleted_ = 0;
  std::vector<std::string> fuids_;
  mime::MessageCounts counts_;
  mime::Message message_;
};

Step Parser::on_stream(Context& cx, Dir dir, Cursor& in) {
  if (first_ == 0) first_ = cx.now;
  flow::Line line;
  while (lines_[index(dir)].next(in, kLineBytesMax, line)) {
    if (dir == Dir::kResp) {
      if (on_server_line(cx, line) == Step::kDetach) return Step::kDetach;
    } else if (line.is_start) {
      if (!line.is_end) cx.weird(Weird::pop3_line_too_long);
      on_command(cx, line.text);
    }
    if (is_handing_over_) {
      cx.hand_over();
      return Step::kContinue;
    }
  }
  return Step::kContinue;
}

Step Parser::on_gap(Context& cx, Dir dir, std::uint64_t bytes) {
  lines_[index(dir)].gap();
  if (dir == Dir::kResp && message_.is_open()) {
    message_.gap(cx, bytes);
  } else {
    // Which reply is whose, nobody knows from here on.
    pending_.clear();
  }
  return Step::kContinue;
}

void Parser::on_command(Context& cx, std::string_view line) {
  if (awaits_answer_) {
    awaits_answer_ = false;
    if (method_ == "PLAIN") on_login_text(line);
    pending_.push_back({Command::kAuth, false});
    return;
  }
  std::string_view arg = ascii::trim_front(line);
  const std::string_view word = ascii::take_word(arg);
  if (word.empty()) return;
  if (pending_.size() == kPendingMax) {
    cx.weird(Weird::pop3_pending_limit);
    pending_.clear();
  }
  const Command command = command_of(word);
  // RFC 1939 5: LIST and UIDL with a number have one line.
  bool has_lines = command == Command::kMessage || (command == Command::kList && arg.empty());
  switch (command) {
    case Command::kUser: user_ = arg.substr(0, kUserMax); break;
    case Command::kLogin:
      method_ = word.substr(0, kMethodMax);
      if (ascii::equals_any_case(word, "APOP")) user_ = ascii::take_word(arg).substr(0, kUserMax);
      break;
    case Command::kAuth: {
      const std::string_view mechanism = ascii::take_word(arg);
      has_lines = mechanism.empty();  // RFC 5034 4: which there are
      method_ = mechanism.substr(0, kMethodMax);
      break;
    }
    default: break;
  }
  std::transform(method_.begin(), method_.end(), method_.begin(), ascii::upper);
  if (command == Command::kAuth && method_ == "PLAIN" && !arg.empty()) on_login_text(arg);
  pending_.push_back({command, has_lines});
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

Step Parser::on_server_line(Context& cx, const flow::Line& line) {
  if (is_in_lines_) {
    if (line.is_start && line.is_end && line.text == ".") {
      is_in_lines_ = false;
      message_.end(cx, files::End::kComplete);
    } else if (message_.is_open()) {
      // RFC 1939 3: a period was put before a line that begins with one.
      const bool is_stuffed = line.is_start && line.raw[0] == '.';
      message_.bytes(cx, line.raw.subspan(is_stuffed ? 1 : 0));
    }
    return Step::kContinue;
  }
  if (!line.is_start) return Step::kContinue;
  if (!line.is_end) cx.weird(Weird::pop3_line_too_long);
  const bool is_ok = ascii::starts_any_case(line.text, kOk);
  const bool is_challenge = line.text.starts_with("+ ") || line.text == "+";  // RFC 5034 4
  if (!is_ok && !is_challenge && !ascii::starts_any_case(line.text, kError)) {
    if (!is_confirmed_) return Step::kDetach;
    cx.weird(Weird::pop3_reply_malformed, line.text.substr(0, 32));
    return Step::kContinue;
  }
  last_reply_ = line.text.substr(0, kReplyMax);
  if (pending_.empty()) return Step::kContinue;
  const Pending p = pending_.front();
  pending_.erase(pending_.begin());
  if (is_challenge)
    awaits_answer_ = p.command == Command::kAuth;
  else
    on_reply(cx, p, is_ok);
  return Step::kContinue;
}

void Parser::on_reply(Context& cx, Pending p, bool is_ok) {
  if (p.command != Command::kGreeting && !is_confirmed_) {
    is_confirmed_ = true;
    cx.confirm("pop3");
  }
  is_in_lines_ = is_ok && p.has_lines;
  switch (p.command) {
    case Command::kLogin:
    case Command::kAuth:
      if (p.has_lines) return;
      auth_success_ = is_ok;
      if (!is_ok) failures_++;
      return;
    case Command::kMessage:
      if (!is_ok) return;
      retrieved_++;
      message_.start("pop3", Dir::kResp, *this, counts_);
      return;
    case Command::kDelete: deleted_ += is_ok ? 1 : 0; return;
    case Command::kStartTls: is_tls_ = is_handing_over_ = is_ok; return;
    default: return;
  }
}

void Parser::on_close(Context& cx) {
  message_.end(cx, files::End::kAborted);
  if (!is_confirmed_) return;
  std::array<std::string_view, kFilesMax> fuids;
  std::copy(fuids_.begin(), fuids_.end(), fuids.begin());
  Pop3Event e;
  e.ts = micros(first_);
  if (!user_.empty()) e.user = user_;
  if (!method_.empty()) e.auth_method = method_;
  e.auth_success = auth_success_;
  e.auth_failures = failures_;
  e.retrieved = retrieved_;
  e.deleted = deleted_;
  e.tls = is_tls_;
  if (!last_reply_.empty()) e.last_reply = last_reply_;
  e.fuids = {fuids.data(), fuids_.size()};
  e.mid_stream = cx.flow.is_partial;
  e.cut = is_cut_;
  cx.emit(e);
}

}  // namespace

// IMAP greets with "* OK"; "+OK" is POP3's alone. It is confirmed by the answer to a first command.
Probe probe(const flow::ProbeInput& in) noexcept {
  const std::string_view text = as_text(in.data);
  if (in.dir != Dir::kResp) return Probe::kNo;
  if (text.size() < 4) return (std::string_view("+OK ").starts_with(text)) ? Probe::kMore : Probe::kNo;
  return text.starts_with(kOk) && (text[3] == ' ' || text[3] == '\r' || text[3] == '\n') ? Probe::kYes : Probe::kNo;
}

extern constexpr flow::ProtocolInfo kProtocol = flow::make_protocol<Parser>("pop3", true, false, probe, kUnreadMax);

}  // namespace catenary::pop3
