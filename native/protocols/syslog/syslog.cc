#include "protocols/syslog/syslog.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "flow/flow.h"
#include "protocols/syslog/message.h"
#include "protocols/syslog/syslog.gen.h"

namespace catenary::syslog {

namespace {

using flow::Context;
using flow::Dir;
using flow::Probe;
using flow::Step;

constexpr std::uint32_t kUnreadMax = 131072;
constexpr std::uint16_t kPort = 514;
constexpr std::uint16_t kStreamPort = 601;  // RFC 3195; 514 over TCP is rsh's
constexpr std::size_t kLengthDigitsMax = 7;
// Of a datagram on the usual port, so much is text.
constexpr std::size_t kTextBytes = 32;
// A priority, a version and a time.
constexpr std::size_t kHeadBytes = 48;

bool is_text(Bytes b) noexcept {
  return !b.empty() && std::all_of(b.begin(), b.end(), [](std::uint8_t c) { return c >= 0x20 || (c >= 9 && c <= 13); });
}

// MSG-LEN SP at the front, RFC 6587 3.4.1: bytes of the message, taken off `s`. 0 when there is none, or not yet.
std::size_t take_length(std::string_view& s) noexcept {
  std::size_t digits = 0, n = 0;
  while (digits < s.size() && digits < kLengthDigitsMax && ascii::is_digit(s[digits])) {
    n = n * 10 + static_cast<unsigned>(s[digits++] - '0');
  }
  if (digits == 0 || s[0] == '0' || digits >= s.size() || s[digits] != ' ') return 0;
  s.remove_prefix(digits + 1);
  return n;
}

// With a time behind the priority, nothing else is meant.
bool is_certain(std::string_view s) noexcept {
  const Message m = parse(s);
  return m.priority == Priority::kOk && (m.is_5424 || !m.hostname.empty() || !m.app_name.empty());
}

Probe probe_stream(std::string_view s, bool is_usual_port) noexcept {
  const bool is_counted = !s.empty() && ascii::is_digit(s[0]);
  if (is_counted && take_length(s) == 0) return s.size() <= kLengthDigitsMax ? Probe::kMore : Probe::kNo;
  if (s.empty()) return Probe::kMore;
  std::string_view text = s;
  unsigned value = 0;
  switch (take_priority(text, value)) {
    case Priority::kNone: return Probe::kNo;
    case Priority::kMalformed: return s.size() < 5 ? Probe::kMore : Probe::kNo;
    case Priority::kOk: break;
  }
  if (is_usual_port || is_certain(s)) return Probe::kYes;
  return s.size() < kHeadBytes && s.find('\n') == std::string_view::npos ? Probe::kMore : Probe::kNo;
}

class Parser final : public flow::Parser {
 public:
  Step on_datagram(Context& cx, Dir, Cursor in) override {
    emit(cx, as_text(in.rest()));
    return Step::kContinue;
  }
  Step on_stream(Context& cx, Dir dir, Cursor& in) override;
  Step on_gap(Context&, Dir dir, std::uint64_t) override;
  void on_end(Context& cx, Dir dir) override { last_line(cx, dir); }
  void on_close(Context& cx) override {
    for (const Dir dir : {Dir::kOrig, Dir::kResp}) last_line(cx, dir);
  }

 private:
  struct Side {
    std::size_t scanned = 0;  // of the unread bytes, looked at already
    std::size_t skips = 0;    // bytes of a counted message that are left out
    bool skips_line = false;
    bool is_counted = false, is_over = false;
  };

  bool take_counted(Context& cx, Dir dir, Side& s, Cursor& in);
  bool take_line(Context& cx, Side& s, Cursor& in);
  void last_line(Context& cx, Dir dir);
  void emit(Context& cx, std::string_view s);

  std::array<Side, 2> sides_{};
  bool is_confirmed_ = false;
};

Step Parser::on_stream(Context& cx, Dir dir, Cursor& in) {
  Side& s = sides_[index(dir)];
  while (!in.done()) {
    if (s.skips > 0) {
      const std::size_t n = std::min(s.skips, in.left());
      in.skip(n);
      s.skips -= n;
      continue;
    }
    const bool is_counted = !s.skips_line && ascii::is_digit(as_text(in.peek_rest())[0]);
    s.is_counted = is_counted;
    if (is_counted ? !take_counted(cx, dir, s, in) : !take_line(cx, s, in)) return Step::kContinue;
    if (s.is_over) return Step::kDetach;
  }
  return Step::kContinue;
}

// RFC 6587 3.4.1. False while it is not all there.
bool Parser::take_counted(Context& cx, Dir dir, Side& s, Cursor& in) {
  std::string_view rest = as_text(in.peek_rest());
  const std::size_t before = rest.size();
  const std::size_t length = take_length(rest);
  if (length == 0) {
    if (before <= kLengthDigitsMax && std::all_of(rest.begin(), rest.end(), ascii::is_digit)) return false;
    s.is_over = true;
    return true;
  }
  const std::size_t head = before - rest.size(), kept = std::min(length, kMessageBytesMax);
  if (rest.size() < kept) {
    cx.need(dir, head + kept);
    return false;
  }
  in.skip(head);
  if (length > kept) cx.weird(Weird::syslog_message_too_long);
  emit(cx, as_text(in.take(kept)));
  s.skips = length - kept;
  return true;
}

// RFC 6587 3.4.2: a message ends with a line feed, or a zero.
bool Parser::take_line(Context& cx, Side& s, Cursor& in) {
  const Bytes rest = in.peek_rest();
  const auto from = rest.begin() + static_cast<std::ptrdiff_t>(std::min(s.scanned, rest.size()));
  const auto end = std::find_if(from, rest.end(), [](std::uint8_t c) { return c == '\n' || c == 0; });
  const auto length = static_cast<std::size_t>(end - rest.begin());
  const bool is_whole = end != rest.end();
  if (!is_whole && !s.skips_line && length < kMessageBytesMax) {
    s.scanned = length;
    return false;
  }
  s.scanned = 0;
  const bool is_read = !s.skips_line;
  s.skips_line = !is_whole;
  const std::string_view line = as_text(in.take(is_whole ? length + 1 : length).first(length));
  if (!is_read || line.empty()) return true;
  if (length > kMessageBytesMax || !is_whole) cx.weird(Weird::syslog_message_too_long);
  emit(cx, line.substr(0, kMessageBytesMax));
  return true;
}

Step Parser::on_gap(Context&, Dir dir, std::uint64_t) {
  Side& s = sides_[index(dir)];
  // Where the next counted message begins, nobody can tell.
  if (s.is_counted) return Step::kDetach;
  s = {};
  s.skips_line = true;
  return Step::kContinue;
}

// The last message needs no line end.
void Parser::last_line(Context& cx, Dir dir) {
  Side& s = sides_[index(dir)];
  const flow::Stream& stream = cx.flow.end(dir).stream;
  if (s.is_over || s.is_counted || s.skips_line || !stream.is_finished) return;
  s.is_over = true;
  if (stream.unread_len == 0) return;
  emit(cx, as_text(Bytes{stream.unread, std::min<std::size_t>(stream.unread_len, kMessageBytesMax)}));
}

void Parser::emit(Context& cx, std::string_view s) {
  if (!is_confirmed_) cx.confirm("syslog");
  is_confirmed_ = true;
  const Message m = parse(s);
  constexpr unsigned kNobody = 99;
  const bool has_priority = m.priority == Priority::kOk;
  if (m.priority == Priority::kNone) cx.weird(Weird::syslog_priority_missing);
  if (m.priority == Priority::kMalformed) cx.weird(Weird::syslog_priority_malformed);
  SyslogEvent e;
  e.ts = micros(cx.now);
  e.facility = facility_name(has_priority ? m.facility : kNobody);
  e.severity = severity_name(has_priority ? m.severity : kNobody);
  e.message = m.text;
  e.is_5424 = m.is_5424;
  if (!m.hostname.empty()) e.hostname = m.hostname;
  if (!m.app_name.empty()) e.app_name = m.app_name;
  if (!m.procid.empty()) e.procid = m.procid;
  if (!m.msgid.empty()) e.msgid = m.msgid;
  cx.emit(e);
}

}  // namespace

Probe probe(const flow::ProbeInput& in) noexcept {
  const std::string_view s = as_text(in.data);
  if (in.is_tcp) {
    if (in.dir == Dir::kResp) return Probe::kNo;
    return probe_stream(s, in.resp_port == kPort || in.resp_port == kStreamPort);
  }
  const bool is_usual_port = in.resp_port == kPort;
  if (is_usual_port) return is_text(in.data.first(std::min(in.data.size(), kTextBytes))) ? Probe::kYes : Probe::kNo;
  return is_certain(s) ? Probe::kYes : Probe::kNo;
}

extern constexpr flow::ProtocolInfo kProtocol = flow::make_protocol<Parser>("syslog", true, true, probe, kUnreadMax);

}  // namespace catenary::syslog
