// Lines of both directions, and what they say of the session (session.h).
#include "protocols/ftp/ftp.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/ascii.h"
#include "flow/flow.h"
#include "flow/lines.h"
#include "protocols/ftp/session.h"

namespace catenary::ftp {

namespace {

using flow::Context;
using flow::Dir;
using flow::Probe;
using flow::Step;

// Longer than a path and a command; the rest of a longer line is left out.
constexpr std::size_t kLineBytesMax = 8192;
constexpr std::uint32_t kUnreadMax = 131072;
constexpr std::size_t kCommandBytesMax = 100;  // as Zeek
constexpr std::size_t kProbeLinesMax = 64;     // of a greeting
constexpr std::string_view kTlsNames[] = {"TLS", "TLS-C", "SSL", "TLS-P"};
constexpr std::uint16_t kPort = 21;
constexpr std::uint16_t kGridPort = 2811;

// First commands of clients; what a bare line on the usual port is taken for.
constexpr std::array<std::string_view, 36> kCommands = {
    "USER", "PASS", "ACCT", "AUTH", "FEAT", "SYST", "HOST", "CLNT", "OPTS", "QUIT", "NOOP", "HELP",
    "STAT", "PWD",  "XPWD", "CWD",  "CDUP", "TYPE", "MODE", "STRU", "PORT", "PASV", "EPRT", "EPSV",
    "LIST", "NLST", "MLSD", "MLST", "RETR", "STOR", "STOU", "APPE", "SIZE", "MDTM", "SITE", "ADAT"};

bool is_command(std::string_view word) noexcept {
  return std::any_of(kCommands.begin(), kCommands.end(),
                     [&](std::string_view c) { return ascii::equals_any_case(c, word); });
}

// The next line without its end, taken off `s`; false when there is no end.
bool take_line(std::string_view& s, std::string_view& line) noexcept {
  const std::size_t end = s.find('\n');
  if (end == std::string_view::npos) return false;
  line = s.substr(0, end);
  s.remove_prefix(end + 1);
  while (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return true;
}

// 220 alone begins SMTP too; that a password is wanted (331) or not (230), only FTP says.
Probe probe_server(std::string_view s, bool is_usual_port) noexcept {
  std::string_view line;
  for (std::size_t lines = 0; lines < kProbeLinesMax; lines++) {
    if (!take_line(s, line)) {
      const std::size_t n = std::min<std::size_t>(s.size(), 3);
      if (lines > 0 || s.substr(0, n) == std::string_view("220").substr(0, n) ||
          s.substr(0, n) == std::string_view("120").substr(0, n)) {
        return Probe::kMore;
      }
      return Probe::kNo;
    }
    const unsigned code = ascii::reply_code(line);
    if (lines == 0) {
      const bool is_greeting = (code == 220 || code == 120) && (line.size() == 3 || line[3] == ' ' || line[3] == '-');
      if (!is_greeting) return Probe::kNo;
      if (is_usual_port) return Probe::kYes;
    }
    if (code == 230 || code == 331) return Probe::kYes;
    // An answer to EHLO or HELO: SMTP.
    if (lines > 0 && code == 250) return Probe::kNo;
  }
  return Probe::kNo;
}

Probe probe_client(std::string_view s, bool is_usual_port) noexcept {
  std::string_view rest = ascii::trim_front(s);
  const std::size_t end = std::min(rest.find_first_of(" \t\r\n"), rest.size());
  const std::string_view word = rest.substr(0, end);
  if (!std::all_of(word.begin(), word.end(), ascii::is_letter)) return Probe::kNo;
  if (end == rest.size()) return word.size() <= 4 ? Probe::kMore : Probe::kNo;
  if (is_usual_port) return is_command(word) ? Probe::kYes : Probe::kNo;
  // POP3 and IRC have it as well: the answer decides.
  const bool is_login = ascii::equals_any_case(word, "USER") || ascii::equals_any_case(word, "AUTH") ||
                        ascii::equals_any_case(word, "FEAT");
  return is_login ? Probe::kMore : Probe::kNo;
}

class Parser final : public flow::Parser {
 public:
  Step on_stream(Context& cx, Dir dir, Cursor& in) override;
  Step on_gap(Context& cx, Dir dir, std::uint64_t bytes) override;
  void on_close(Context& cx) override { session_.finish(cx, transfers()); }

 private:
  Transfers& transfers() noexcept { return *static_cast<Transfers*>(shared); }
  std::string_view clean(std::string_view text);
  Step on_line(Context& cx, Dir dir, std::string_view line);
  void on_command(Context& cx, std::string_view line);
  Step on_reply(Context& cx, std::string_view line);

  std::array<flow::LineReader, 2> lines_;
  std::string line_;
  Session session_;
  unsigned open_reply_ = 0;  // the code of a reply of several lines that has not ended
  bool is_confirmed_ = false, wants_tls_ = false, is_handing_over_ = false;
};

Step Parser::on_stream(Context& cx, Dir dir, Cursor& in) {
  flow::Line line;
  while (lines_[index(dir)].next(in, kLineBytesMax, line)) {
    if (!line.is_start) continue;
    if (!line.is_end) cx.weird(Weird::ftp_line_too_long);
    if (on_line(cx, dir, clean(line.text)) == Step::kDetach) return Step::kDetach;
    if (is_handing_over_) {
      cx.hand_over();
      return Step::kContinue;
    }
  }
  return Step::kContinue;
}

// The control connection is a Telnet connection (RFC 959 2.3): without its commands (RFC 854).
std::string_view Parser::clean(std::string_view text) {
  constexpr std::uint8_t kIac = 255, kWill = 251;
  if (text.find(static_cast<char>(kIac)) == std::string_view::npos) return text;
  line_.clear();
  for (std::size_t i = 0; i < text.size(); i++) {
    const auto c = static_cast<std::uint8_t>(text[i]);
    if (c == kIac && i + 1 < text.size()) {
      const auto command = static_cast<std::uint8_t>(text[++i]);
      if (command == kIac) line_.push_back(text[i]);
      if (command >= kWill && command < kIac) i++;  // WILL, WONT, DO, DONT name an option
    } else if (c != kIac) {
      line_.push_back(text[i]);
    }
  }
  return line_;
}

Step Parser::on_line(Context& cx, Dir dir, std::string_view line) {
  if (line.empty()) return Step::kContinue;
  if (dir == Dir::kResp) return on_reply(cx, line);
  on_command(cx, line);
  return Step::kContinue;
}

void Parser::on_command(Context& cx, std::string_view line) {
  std::string_view arg = ascii::trim_front(line);
  const std::string_view word = ascii::take_word(arg);
  if (word.size() < 3 || !std::all_of(word.begin(), word.end(), ascii::is_graph)) {
    if (is_confirmed_) cx.weird(Weird::ftp_command_malformed, word.substr(0, 32));
    return;
  }
  if (word.size() > kCommandBytesMax) {
    if (is_confirmed_) cx.weird(Weird::ftp_command_too_long);
    return;
  }
  if (!is_confirmed_) cx.confirm("ftp");
  is_confirmed_ = true;
  std::array<char, kCommandBytesMax> upper;
  std::transform(word.begin(), word.end(), upper.begin(), ascii::upper);
  const std::string_view name(upper.data(), word.size());
  // RFC 4217 4: TLS, and what drafts of it called the same.
  if (name == "AUTH") {
    wants_tls_ = std::any_of(std::begin(kTlsNames), std::end(kTlsNames),
                             [&](std::string_view n) { return ascii::equals_any_case(ascii::trim(arg), n); });
  }
  session_.on_command(cx, transfers(), name, arg);
}

Step Parser::on_reply(Context& cx, std::string_view line) {
  unsigned code = ascii::reply_code(line);
  bool more = false;
  if (open_reply_ != 0) {
    more = code != open_reply_ || line.size() <= 3 || line[3] != ' ';
    if (more) {
      code = 0;
    } else {
      open_reply_ = 0;
      line.remove_prefix(3);
    }
  } else {
    const bool is_reply = code >= 100 && (line.size() == 3 || line[3] == ' ' || line[3] == '-');
    if (!is_reply) {
      cx.weird(Weird::ftp_reply_malformed, line.substr(0, 32));
      return Step::kDetach;
    }
    more = line.size() > 3 && line[3] == '-';
    if (more) open_reply_ = code;
    line.remove_prefix(more ? 4 : 3);
  }
  is_handing_over_ = code == 234 && wants_tls_;
  session_.on_reply(cx, transfers(), code, more && code == 0 ? line : ascii::trim_front(line), more);
  return Step::kContinue;
}

Step Parser::on_gap(Context&, Dir dir, std::uint64_t) {
  lines_[index(dir)].gap();
  if (dir == Dir::kResp) open_reply_ = 0;
  return Step::kContinue;
}

}  // namespace

Probe probe(const flow::ProbeInput& in) noexcept {
  const bool is_usual_port = in.resp_port == kPort || in.resp_port == kGridPort;
  const std::string_view s = as_text(in.data);
  return in.dir == Dir::kResp ? probe_server(s, is_usual_port) : probe_client(s, is_usual_port);
}

extern constexpr flow::ProtocolInfo kProtocol =
    flow::make_protocol<Parser, Transfers>("ftp", true, false, probe, kUnreadMax);

}  // namespace catenary::ftp
