#include "protocols/newproto/newproto.h"

#include <algorithm>

#include "flow/flow.h"
#include "protocols/newproto/newproto.gen.h"

namespace catenary::newproto {
namespace {

constexpr std::uint8_t kQuestion = 1;
constexpr std::uint8_t kAnswer = 2;

bool is_printable(Bytes b) noexcept {
  return std::all_of(b.begin(), b.end(), [](std::uint8_t c) { return c >= 0x20 && c < 0x7f; });
}

}  // namespace

flow::Probe probe(const flow::ProbeInput& in) noexcept {
  Cursor c(in.data);
  const std::uint8_t type = c.u8();
  if (type != kQuestion) return flow::Probe::kNo;
  const std::uint16_t length = c.be16();
  if (!c.ok()) return flow::Probe::kMore;
  if (length == 0 || length > kMessageBytesMax) return flow::Probe::kNo;
  const Bytes text = c.peek_rest().first(std::min<std::size_t>(length, c.left()));
  if (!is_printable(text)) return flow::Probe::kNo;
  return text.size() == length ? flow::Probe::kYes : flow::Probe::kMore;
}

flow::Step Parser::on_stream(flow::Context& cx, flow::Dir dir, Cursor& in) {
  while (!in.done()) {
    Cursor unit = in;
    const std::uint8_t type = unit.u8();
    const std::uint16_t length = unit.be16();
    if (unit.ok() && length > kMessageBytesMax) return flow::Step::kDetach;
    Cursor body = unit.sub(length);
    if (!unit.ok()) {
      cx.need(dir, 3u + length);  // a length that is not there yet reads as 0
      return flow::Step::kContinue;
    }
    in = unit;
    if (on_message(cx, type, as_text(body.rest())) == flow::Step::kDetach) return flow::Step::kDetach;
  }
  return flow::Step::kContinue;
}

flow::Step Parser::on_message(flow::Context& cx, std::uint8_t type, std::string_view text) {
  if (type != kQuestion && type != kAnswer) {
    cx.weird(Weird::newproto_type_unknown);
    return flow::Step::kContinue;
  }
  if (!is_confirmed_) cx.confirm(kProtocol.name);
  is_confirmed_ = true;
  if (type == kAnswer) {
    if (!is_asked_) cx.weird(Weird::newproto_answer_without_question);
    emit(cx, text, true);
    return flow::Step::kContinue;
  }
  if (is_asked_) emit(cx, {}, false);  // the one before was never answered
  question_len_ = std::min(text.size(), question_.size());
  std::copy_n(text.data(), question_len_, question_.data());
  asked_at_ = cx.now;
  is_asked_ = true;
  return flow::Step::kContinue;
}

void Parser::emit(flow::Context& cx, std::string_view answer, bool is_answered) {
  NewprotoEvent e;
  e.ts = micros(is_asked_ ? asked_at_ : cx.now);
  if (is_asked_) e.question = question();
  if (is_answered) e.answer = answer;
  if (is_asked_ && is_answered) e.rtt = seconds(cx.now - asked_at_);
  cx.emit(e);
  is_asked_ = false;
}

void Parser::on_close(flow::Context& cx) {
  if (is_asked_) emit(cx, {}, false);
}

}  // namespace catenary::newproto
