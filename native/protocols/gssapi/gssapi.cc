#include "protocols/gssapi/gssapi.h"

#include "base/ber.h"
#include "flow/flow.h"

namespace catenary::gssapi {

using flow::Dir;

namespace {

// 1.3.6.1.5.5.2 (RFC 4178 4.1).
constexpr std::string_view kSpnego{"\x2b\x06\x01\x05\x05\x02", 6};
constexpr std::string_view kNtlmHead = "NTLMSSP";
// RFC 4120 5.10: AP-REQ, AP-REP and errors without the frame, as DCE style has them.
constexpr std::uint8_t kApRequest = ber::application(14), kApReply = ber::application(15);
constexpr std::uint8_t kFrame = ber::application(0);
constexpr std::uint8_t kNegTokenInit = ber::context(0), kNegTokenResp = ber::context(1);
// RFC 4178 4.2.2.
enum : std::uint32_t { kAccepted = 0, kRejected = 2 };

bool is_ntlm(Bytes token) noexcept { return as_text(token).substr(0, kNtlmHead.size()) == kNtlmHead; }

}  // namespace

flow::Probe probe(const flow::ProbeInput&) noexcept { return flow::Probe::kNo; }

flow::Step Parser::on_datagram(flow::Context& cx, Dir dir, Cursor in) {
  const Bytes token = in.rest();
  if (token.empty()) return flow::Step::kContinue;
  if (!on_token(cx, dir, token)) {
    cx.weird(Weird::gssapi_malformed);
  } else if (!is_confirmed_ && (token[0] == kFrame || token[0] == kNegTokenResp)) {
    is_confirmed_ = true;
    cx.confirm(kProtocol.name);
  }
  return flow::Step::kContinue;
}

bool Parser::on_token(flow::Context& cx, Dir dir, Bytes token) {
  Cursor in(token);
  switch (token[0]) {
    case kFrame: return on_first(cx, dir, ber::expect(in, kFrame)) && in.ok();
    case kNegTokenResp: return on_response(cx, dir, ber::expect(in, kNegTokenResp)) && in.ok();
    default: return on_mechanism(cx, dir, token);
  }
}

bool Parser::on_first(flow::Context& cx, Dir dir, Bytes content) {
  Cursor in(content);
  const Bytes mechanism = ber::expect(in, ber::kOid);
  if (!in.ok()) return false;
  if (as_text(mechanism) != kSpnego) {
    in.skip(2);  // RFC 4121 4.1: the token's type, which its own tag repeats
    return in.ok() && on_mechanism(cx, dir, in.rest());
  }
  const ber::Tlv choice = ber::next(in);
  if (!in.ok()) return false;
  if (choice.tag == kNegTokenResp) return on_response(cx, dir, choice.value);
  if (choice.tag != kNegTokenInit) return false;
  Cursor outer(choice.value);
  Cursor fields(ber::expect(outer, ber::kSequence));
  while (!fields.done()) {
    const ber::Tlv f = ber::next(fields);
    if (f.tag != ber::context(2)) continue;
    Cursor value(f.value);
    const Bytes token = ber::expect(value, ber::kOctetString);
    if (value.ok() && !on_mechanism(cx, dir, token)) return false;
  }
  return outer.ok() && fields.ok();
}

bool Parser::on_response(flow::Context& cx, Dir dir, Bytes content) {
  Cursor outer(content);
  Cursor fields(ber::expect(outer, ber::kSequence));
  while (!fields.done()) {
    const ber::Tlv f = ber::next(fields);
    if (!fields.ok()) break;
    Cursor value(f.value);
    if (f.tag == ber::context(0)) {
      const std::uint32_t state = ber::expect_integer(value, ber::kEnumerated);
      if (value.ok() && (state == kAccepted || state == kRejected)) on_outcome(cx, state == kAccepted, true);
    } else if (f.tag == ber::context(2)) {
      const Bytes token = ber::expect(value, ber::kOctetString);
      if (value.ok() && !token.empty() && !on_mechanism(cx, dir, token)) return false;
    }
  }
  return outer.ok() && fields.ok();
}

bool Parser::on_mechanism(flow::Context& cx, Dir dir, Bytes token) {
  if (token.empty()) return true;
  if (is_ntlm(token)) {
    if (ntlm_.open(cx, "ntlm")) ntlm_.message(cx, dir, token);
    return true;
  }
  Bytes message = token;
  if (token[0] == kFrame) {
    Cursor in(token);
    Cursor inner(ber::expect(in, kFrame));
    ber::expect(inner, ber::kOid);
    inner.skip(2);
    if (!in.ok() || !inner.ok()) return false;
    message = inner.rest();
  }
  if (message.empty() || (message[0] != kApRequest && message[0] != kApReply)) return true;  // another mechanism
  if (kerberos_.open(cx, "krb")) kerberos_.message(cx, dir, message);
  return true;
}

void Parser::on_outcome(flow::Context& cx, bool is_success, bool in_token) { ntlm_.outcome(cx, is_success, in_token); }

void Parser::on_close(flow::Context& cx) {
  ntlm_.close(cx);
  kerberos_.close(cx);
}

}  // namespace catenary::gssapi
