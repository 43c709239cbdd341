// Commands, replies and message bytes of one connection.
//
// A reply is matched with the oldest command that waits for one, so pipelined commands (RFC 2920) have theirs. DATA is
// believed when it is sent: what follows it is the message unless the server says otherwise.
#include "protocols/smtp/smtp.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/ascii.h"
#include "files/mime/message.h"
#include "files/mime/parameters.h"
#include "flow/flow.h"
#include "flow/lines.h"
#include "protocols/smtp/addresses.h"
#include "protocols/smtp/mail.h"

namespace catenary::smtp {

namespace {

using flow::Context;
using flow::Dir;
using flow::Probe;
using flow::Step;

// Longer than RFC 5321 4.5.3.1 allows a line to be; a longer line of a message is read in pieces.
constexpr std::size_t kLineBytesMax = 8192;
constexpr std::uint32_t kUnreadMax = 131072;
constexpr std::size_t kPendingMax = 100;
constexpr std::uint16_t kPort = 25, kSubmissionPort = 587;

enum class Command : std::uint8_t {
  kGreeting,  // what the server says unasked
  kEhlo,
  kMail,
  kRcpt,
  kData,
  kEndOfData,
  kChunk,
  kLastChunk,
  kAuth,
  kStartTls,
  kOther,
  kUnknown,
};

struct CommandName {
  std::string_view name;
  Command command;
};
constexpr CommandName kCommandNames[] = {
    {"EHLO", Command::kEhlo},
    {"HELO", Command::kEhlo},
    {"MAIL", Command::kMail},
    {"RCPT", Command::kRcpt},
    {"DATA", Command::kData},
    {"BDAT", Command::kChunk},
    {"AUTH", Command::kAuth},
    {"RSET", Command::kOther},
    {"NOOP", Command::kOther},
    {"QUIT", Command::kOther},
    {"VRFY", Command::kOther},
    {"EXPN", Command::kOther},
    {"HELP", Command::kOther},
    {"ETRN", Command::kOther},
    {"TURN", Command::kOther},
    {"SEND", Command::kOther},
    {"SOML", Command::kOther},
    {"SAML", Command::kOther},
    {"STARTTLS", Command::kStartTls},  // RFC 3207 4
    {"X-ANONYMOUSTLS", Command::kStartTls},
};

Command command_of(std::string_view word) noexcept {
  for (const CommandName& c : kCommandNames) {
    if (ascii::equals_any_case(c.name, word)) return c.command;
  }
  return Command::kUnknown;
}

// Within a flow, what the client's bytes are.
enum class Mode : std::uint8_t { kCommands, kData, kChunk, kAuth };

struct Worker : flow::Shared {
  TextBudget texts;
};

class Parser final : public flow::Parser, mime::MessageSink {
 public:
  Step on_stream(Context& cx, Dir dir, Cursor& in) override;
  Step on_gap(Context& cx, Dir dir, std::uint64_t bytes) override;
  void on_close(Context& cx) override;

 private:
  Mail& mail(Context& cx);
  void on_client_line(Context& cx, const flow::Line& line);
  void on_command(Context& cx, std::string_view line);
  void on_mail(Context& cx, std::string_view arg);
  void on_recipient(Context& cx, std::string_view arg);
  void on_chunk(Context& cx, std::string_view arg);
  void on_auth(Context& cx, std::string_view arg);
  void on_auth_answer(Context& cx, std::string_view answer);
  void take_chunk(Context& cx, Cursor& in);
  Step on_server_line(Context& cx, const flow::Line& line);
  void on_reply(Context& cx, Command to, unsigned code);

  void expect_reply(Context& cx, Command c);
  void open_message();
  void end_data(Context& cx);
  void write(Context& cx);
  void renew(Context& cx);

  void on_header(std::string_view name, std::string_view value) override { mail_.on_header(name, value); }
  void on_file(std::string_view fuid) override { mail_.add_file(fuid); }
  void on_message_url(std::string_view url) override { mail_.add(mail_.urls, url, 512, kUrlsMax); }

  std::array<flow::LineReader, 2> lines_;
  Mode mode_ = Mode::kCommands;
  std::vector<Command> pending_ = {Command::kGreeting};
  unsigned open_reply_ = 0;  // the code of a reply of several lines that has not ended
  Command replied_ = Command::kGreeting;
  std::uint64_t chunk_left_ = 0;
  bool is_last_chunk_ = false;
  bool has_mail_from_ = false, has_recipient_ = false;
  bool is_confirmed_ = false, is_handing_over_ = false, has_gap_in_data_ = false;
  bool said_bare_lf_ = false, said_transaction_ = false;
  bool is_login_told_ = false;
  bool is_within_ = false;           // behind a STARTTLS whose TLS somebody took off
  bool awaits_answer_ = false;       // the message in the making is all there
  std::uint32_t written_early_ = 0;  // messages that were written ahead of their answers

  Text helo_, auth_mechanism_, username_;
  std::optional<bool> auth_success_;
  std::uint32_t messages_ = 0;
  Mail mail_;
  mime::MessageCounts counts_;
  mime::Message message_;
};

// ---- bytes -----------------------------------------------------------------------------------------------------

Step Parser::on_stream(Context& cx, Dir dir, Cursor& in) {
  flow::LineReader& lines = lines_[index(dir)];
  while (!in.done()) {
    if (dir == Dir::kOrig && mode_ == Mode::kChunk) {
      take_chunk(cx, in);
      continue;
    }
    flow::Line line;
    if (!lines.next(in, kLineBytesMax, line)) return Step::kContinue;
    if (dir == Dir::kOrig)
      on_client_line(cx, line);
    else if (on_server_line(cx, line) == Step::kDetach)
      return Step::kDetach;
    if (is_handing_over_) {
      cx.hand_over();
      return Step::kContinue;
    }
  }
  return Step::kContinue;
}

Step Parser::on_gap(Context& cx, Dir dir, std::uint64_t bytes) {
  lines_[index(dir)].gap();
  // Which reply is whose, nobody knows from here on.
  pending_.clear();
  open_reply_ = 0;
  if (dir == Dir::kResp || !message_.is_open()) return Step::kContinue;
  message_.gap(cx, bytes);
  if (mode_ == Mode::kChunk) {
    if (bytes < chunk_left_) {
      chunk_left_ -= bytes;
    } else {
      end_data(cx);
    }
  }
  has_gap_in_data_ = mode_ == Mode::kData;
  return Step::kContinue;
}

void Parser::on_close(Context& cx) {
  message_.end(cx, files::End::kAborted);
  if (mail_.has_message || (auth_mechanism_ && !is_login_told_)) write(cx);
}

// ---- the client ------------------------------------------------------------------------------------------------

// What was said before the message belongs to it too: every message of a connection has the client's name and login.
Mail& Parser::mail(Context& cx) {
  if (mail_.first != 0) return mail_;
  mail_.begin(cx.now, static_cast<Worker*>(shared)->texts);
  mail_.is_within = is_within_;
  if (helo_) mail_.set(mail_.helo, *helo_, 256);
  return mail_;
}

void Parser::on_client_line(Context& cx, const flow::Line& line) {
  const bool is_bare = line.is_end && (line.raw.size() < 2 || line.raw[line.raw.size() - 2] != '\r');
  if (is_bare && is_confirmed_ && !said_bare_lf_) {
    said_bare_lf_ = true;
    cx.weird(Weird::smtp_bare_lf);
  }
  if (mode_ == Mode::kData) {
    if (line.is_start && line.is_end && line.text == ".") {
      expect_reply(cx, Command::kEndOfData);
      return end_data(cx);
    }
    // RFC 5321 4.5.2: a period was put before a line that begins with one.
    const bool is_stuffed = line.is_start && line.raw[0] == '.';
    return message_.bytes(cx, line.raw.subspan(is_stuffed ? 1 : 0));
  }
  if (!line.is_start) return;
  if (!line.is_end) cx.weird(Weird::smtp_line_too_long);
  if (mode_ == Mode::kAuth) {
    mode_ = Mode::kCommands;
    on_auth_answer(cx, line.text);
    return expect_reply(cx, Command::kAuth);
  }
  if (!line.text.empty()) on_command(cx, line.text);
}

void Parser::on_command(Context& cx, std::string_view line) {
  std::string_view arg = ascii::trim_front(line);
  const std::string_view word = ascii::take_word(arg);
  Command command = command_of(word);
  if (command == Command::kUnknown) {
    if (!is_confirmed_) return;
    cx.weird(Weird::smtp_command_unknown, word.substr(0, 32));
    return expect_reply(cx, command);
  }
  if (!is_confirmed_) {
    is_within_ = cx.flow.service_count > 0 && std::string_view(cx.flow.services[cx.flow.service_count - 1]) == "smtp";
    cx.confirm("smtp");
    is_confirmed_ = true;
  }
  mail(cx).is_within = is_within_;
  if (message_.is_open() && command != Command::kChunk) {
    cx.weird(Weird::smtp_chunk_last_missing);
    message_.end(cx, files::End::kAborted);
  }
  switch (command) {
    case Command::kEhlo:
      helo_ = arg.substr(0, 256);
      mail_.set(mail_.helo, arg, 256);
      break;
    case Command::kMail: on_mail(cx, arg); break;
    case Command::kRcpt: on_recipient(cx, arg); break;
    case Command::kAuth: on_auth(cx, arg); break;
    case Command::kData:
      open_message();
      mode_ = Mode::kData;
      break;
    case Command::kChunk:
      on_chunk(cx, arg);
      if (is_last_chunk_) command = Command::kLastChunk;
      break;
    default: break;
  }
  const bool is_message = command == Command::kData || command == Command::kChunk || command == Command::kLastChunk;
  if (((command == Command::kRcpt && !has_mail_from_) || (is_message && !has_recipient_)) && !said_transaction_) {
    said_transaction_ = true;
    cx.weird(Weird::smtp_transaction_invalid, word);
  }
  expect_reply(cx, command);
  if (mode_ == Mode::kChunk && chunk_left_ == 0) end_data(cx);
}

void Parser::on_mail(Context& cx, std::string_view arg) {
  if (!ascii::starts_any_case(arg, "from")) return;
  // The message before has no answer yet, or never will.
  if (mail_.has_message) {
    if (awaits_answer_) written_early_++;
    awaits_answer_ = false;
    write(cx);
  }
  Mail& m = mail(cx);
  if (const std::string_view sender = find_address(arg.substr(4)); !sender.empty()) m.set(m.mailfrom, sender, 320);
  m.has_message = has_mail_from_ = true;
  has_recipient_ = false;
}

void Parser::on_recipient(Context&, std::string_view arg) {
  if (!ascii::starts_any_case(arg, "to")) return;
  mail_.add(mail_.rcptto, find_address(arg.substr(2)), 256, kRecipientsMax);
  mail_.has_message = has_recipient_ = true;
}

// RFC 3030 2: the size, and LAST.
void Parser::on_chunk(Context& cx, std::string_view arg) {
  constexpr std::size_t kDigitsMax = 19;
  std::string_view rest = arg;
  const std::string_view size = ascii::take_word(rest);
  std::uint64_t n = 0;
  const bool is_number =
      !size.empty() && size.size() <= kDigitsMax && std::all_of(size.begin(), size.end(), ascii::is_digit);
  is_last_chunk_ = false;
  if (!is_number) return cx.weird(Weird::smtp_chunk_malformed, arg.substr(0, 32));
  for (const char c : size) n = n * 10 + static_cast<std::uint64_t>(c - '0');
  if (!message_.is_open()) open_message();
  is_last_chunk_ = ascii::equals_any_case(ascii::trim(rest), "last");
  chunk_left_ = n;
  mode_ = Mode::kChunk;
}

void Parser::take_chunk(Context& cx, Cursor& in) {
  const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_left_, in.left()));
  message_.bytes(cx, in.take(n));
  chunk_left_ -= n;
  if (chunk_left_ == 0) end_data(cx);
}

// RFC 4954 4: the mechanism, and perhaps the first answer at once.
void Parser::on_auth(Context& cx, std::string_view arg) {
  const std::string_view mechanism = ascii::take_word(arg);
  auth_mechanism_ = mechanism.substr(0, 32);
  std::transform(auth_mechanism_->begin(), auth_mechanism_->end(), auth_mechanism_->begin(), ascii::upper);
  auth_success_.reset();
  username_.reset();
  is_login_told_ = false;
  if (!arg.empty()) on_auth_answer(cx, arg);
}

// PLAIN says who and with what in one (RFC 4616 2); LOGIN says the name first. The password is not kept.
void Parser::on_auth_answer(Context&, std::string_view answer) {
  constexpr std::size_t kAnswerMax = 1024;
  if (username_ || !auth_mechanism_ || answer.size() > kAnswerMax) return;
  std::string text;
  if (!mime::decode_base64(ascii::trim(answer), text)) return;
  std::string_view name = text;
  if (*auth_mechanism_ == "PLAIN") {
    const std::size_t zero = name.find('\0');
    if (zero == std::string_view::npos) return;
    name.remove_prefix(zero + 1);
    name = name.substr(0, name.find('\0'));
  } else if (*auth_mechanism_ != "LOGIN") {
    return;
  }
  username_ = name.substr(0, 256);
  std::fill(text.begin(), text.end(), '\0');
}

// ---- messages --------------------------------------------------------------------------------------------------

void Parser::open_message() { message_.start("smtp", Dir::kOrig, *this, counts_); }

// All of the message, or of a chunk, is there.
void Parser::end_data(Context& cx) {
  const bool is_over = mode_ == Mode::kData || is_last_chunk_;
  mode_ = Mode::kCommands;
  lines_[index(Dir::kOrig)].restart();
  if (!is_over) return;
  message_.end(cx, files::End::kComplete);
  has_mail_from_ = has_recipient_ = has_gap_in_data_ = false;
  awaits_answer_ = true;
}

void Parser::write(Context& cx) {
  if (auth_mechanism_) mail_.set(mail_.auth_mechanism, *auth_mechanism_, 32);
  if (username_) mail_.set(mail_.username, *username_, 256);
  mail_.auth_success = auth_success_;
  is_login_told_ = true;
  mail_.emit(cx, messages_ + 1);
  renew(cx);
}

// What comes next belongs to the next message, be it a header of one that is already under way.
void Parser::renew(Context& cx) {
  mail_.reset();
  mail(cx);
}

// ---- the server ------------------------------------------------------------------------------------------------

void Parser::expect_reply(Context& cx, Command c) {
  if (pending_.size() == kPendingMax) {
    cx.weird(Weird::smtp_pending_limit);
    pending_.clear();
  }
  pending_.push_back(c);
}

Step Parser::on_server_line(Context& cx, const flow::Line& line) {
  if (!line.is_start) return Step::kContinue;
  if (!line.is_end) cx.weird(Weird::smtp_line_too_long);
  const std::string_view text = line.text;
  const unsigned code = ascii::reply_code(text);
  if (code < 100 || code > 599) {
    if (!is_confirmed_) return Step::kDetach;
    cx.weird(Weird::smtp_reply_malformed, text.substr(0, 32));
    return Step::kContinue;
  }
  Mail& m = mail(cx);
  const bool is_first = open_reply_ == 0 || open_reply_ != code;
  const bool has_more = text.size() > 3 && text[3] == '-';
  open_reply_ = has_more ? code : 0;
  if (is_first) {
    replied_ = Command::kUnknown;
    if (!pending_.empty()) {
      replied_ = pending_.front();
      pending_.erase(pending_.begin());
    } else if (has_gap_in_data_ && mode_ == Mode::kData) {
      // The end of the message was lost; nobody answers in the middle of one.
      end_data(cx);
      replied_ = Command::kEndOfData;
    }
  }
  const std::string_view said = ascii::trim_front(text.substr(std::min<std::size_t>(has_more ? 4 : 3, text.size())));
  std::array<char, 512> reply;
  const std::size_t n = std::min(said.size(), reply.size() - 4);
  std::copy_n(text.begin(), 3, reply.begin());
  reply[3] = ' ';
  std::copy_n(said.begin(), n, reply.begin() + 4);
  m.set(m.last_reply, {reply.data(), n + 4}, reply.size());
  if (is_first) on_reply(cx, replied_, code);
  return Step::kContinue;
}

void Parser::on_reply(Context& cx, Command to, unsigned code) {
  switch (to) {
    case Command::kData:
      if (code == 354 || mode_ != Mode::kData) return;
      message_.end(cx, files::End::kAborted);
      mode_ = Mode::kCommands;
      return;
    case Command::kEndOfData:
    case Command::kLastChunk:
      if (written_early_ > 0) {
        written_early_--;
      } else {
        if (mail_.has_message) write(cx);
        renew(cx);
        awaits_answer_ = false;
      }
      messages_++;
      return;
    case Command::kAuth:
      if (code == 334) {
        mode_ = Mode::kAuth;
      } else {
        auth_success_ = code == 235;
      }
      return;
    case Command::kStartTls:
      if (code != 220) return;
      mail_.is_tls = mail_.has_message = true;
      is_handing_over_ = true;
      return;
    case Command::kUnknown:
      // Behind a hole: the server is about to take a message.
      if (code != 354 || mode_ != Mode::kCommands || message_.is_open()) return;
      open_message();
      mode_ = Mode::kData;
      return;
    default: return;
  }
}

// ---- the probe -------------------------------------------------------------------------------------------------

// The first word of a text that is a line so far; empty while there is no blank or line end behind it.
Probe probe_client(std::string_view text, bool is_usual_port) noexcept {
  constexpr std::size_t kWordMax = 14;
  text = mime::trim_start(text);
  const std::size_t end = std::min(text.find_first_of(" \t\r\n"), text.size());
  const std::string_view word = text.substr(0, end);
  if (end == text.size()) {
    const bool may_be = word.size() <= kWordMax &&
                        std::any_of(std::begin(kCommandNames), std::end(kCommandNames),
                                    [&](const CommandName& c) { return ascii::starts_any_case(c.name, word); });
    return may_be ? Probe::kMore : Probe::kNo;
  }
  const Command c = command_of(word);
  if (c == Command::kEhlo) return Probe::kYes;
  if (is_usual_port && c != Command::kUnknown) return Probe::kYes;
  return Probe::kNo;
}

// 220 alone begins FTP too; 250 is what EHLO is answered with.
Probe probe_server(std::string_view text, bool is_usual_port) noexcept {
  if (text.size() < 4) return std::string_view("220 ").starts_with(text) || text == "220-" ? Probe::kMore : Probe::kNo;
  const unsigned code = ascii::reply_code(text);
  const bool is_greeting = code == 220 || (is_usual_port && (code == 421 || code == 554));
  if (!is_greeting || (text[3] != ' ' && text[3] != '-')) return Probe::kNo;
  if (is_usual_port) return Probe::kYes;
  for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    const std::string_view next = text.substr(at + 1);
    if (next.size() < 4) break;
    const unsigned answer = ascii::reply_code(next);
    if (answer == 250) return Probe::kYes;
    if (answer != 220) return Probe::kNo;
  }
  return Probe::kMore;
}

}  // namespace

Probe probe(const flow::ProbeInput& in) noexcept {
  const bool is_usual_port = in.resp_port == kPort || in.resp_port == kSubmissionPort;
  const std::string_view text = as_text(in.data);
  return in.dir == Dir::kOrig ? probe_client(text, is_usual_port) : probe_server(text, is_usual_port);
}

extern constexpr flow::ProtocolInfo kProtocol =
    flow::make_protocol<Parser, Worker>("smtp", true, false, probe, kUnreadMax);

}  // namespace catenary::smtp
