#include "protocols/radius/radius.h"

#include <algorithm>

#include "base/ascii.h"
#include "flow/flow.h"
#include "protocols/radius/radius.gen.h"

namespace catenary::radius {

using flow::Probe;
using flow::Step;

namespace {

// RFC 2865 4, RFC 2866 4, RFC 5176 2.3.
enum : std::uint8_t {
  kAccessRequest = 1,
  kAccessAccept = 2,
  kAccessReject = 3,
  kAccountingRequest = 4,
  kAccountingResponse = 5,
  kAccessChallenge = 11,
  kStatusServer = 12,
  kDisconnectRequest = 40,
  kDisconnectAck = 41,
  kDisconnectNak = 42,
  kChangeRequest = 43,
  kChangeAck = 44,
  kChangeNak = 45,
};
// RFC 2865 5, RFC 2868 3.3, RFC 2869 5.
enum : std::uint8_t {
  kUserName = 1,
  kUserPassword = 2,
  kChapPassword = 3,
  kNasAddress = 4,
  kFramedAddress = 8,
  kReplyMessage = 18,
  kState = 24,
  kVendorSpecific = 26,
  kCalledStation = 30,
  kCallingStation = 31,
  kNasIdentifier = 32,
  kTunnelClient = 66,
  kConnectInfo = 77,
  kEapMessage = 79,
};
constexpr std::uint32_t kMicrosoft = 311;
enum : std::uint8_t { kMsChapResponse = 1, kMsChap2Response = 25 };  // RFC 2548 2.1.3, 2.3.2

std::string_view request_name(std::uint8_t code) noexcept {
  switch (code) {
    case kAccessRequest: return "access-request";
    case kAccountingRequest: return "accounting-request";
    case kStatusServer: return "status-server";
    case kDisconnectRequest: return "disconnect-request";
    case kChangeRequest: return "coa-request";
    default: return {};
  }
}

bool is_answer(std::uint8_t code) noexcept {
  constexpr std::uint8_t kAnswers[] = {kAccessAccept,  kAccessReject,  kAccountingResponse, kAccessChallenge,
                                       kDisconnectAck, kDisconnectNak, kChangeAck,          kChangeNak};
  return std::find(std::begin(kAnswers), std::end(kAnswers), code) != std::end(kAnswers);
}

bool is_usual(std::uint16_t port) noexcept {
  constexpr std::uint16_t kPorts[] = {kPort, kAccountingPort, kChangePort, kOldPort, kOldAccountingPort};
  return std::find(std::begin(kPorts), std::end(kPorts), port) != std::end(kPorts);
}

// The attributes of a packet; fails `in` where they do not fill its length. Bytes behind it are padding.
Cursor attributes_of(Cursor& in) noexcept {
  in.skip(2);
  const std::size_t length = in.be16();
  in.skip(16);
  if (length < kHeaderBytes || length > kPacketBytesMax) in.fail();
  const Cursor attributes = in.sub(in.ok() ? length - kHeaderBytes : 0);
  Cursor walk = attributes;
  while (!walk.done()) {
    walk.skip(1);
    const std::size_t n = walk.u8();
    if (n < 2) walk.fail();
    walk.skip(n < 2 ? 0 : n - 2);
    if (!walk.ok()) in.fail();
  }
  return attributes;
}

// Six bytes as hex digits, whatever stands between them, as "02:00:5e:00:53:01"; other texts as they are.
std::string mac_text(std::string_view text) {
  constexpr std::size_t kDigits = 12;
  std::string out;
  std::size_t digits = 0;
  for (const char c : text) {
    const char l = ascii::lower(c);
    if (!ascii::is_digit(l) && (l < 'a' || l > 'f')) continue;
    if (digits > 0 && digits % 2 == 0) out += ':';
    out += l;
    if (++digits > kDigits) break;
  }
  return digits == kDigits ? out : std::string(text);
}

}  // namespace

Probe probe(const flow::ProbeInput& in) noexcept {
  Cursor c(in.data);
  const std::uint8_t code = in.data.empty() ? 0 : in.data[0];
  if (request_name(code).empty() && !is_answer(code)) return Probe::kNo;
  const Cursor attributes = attributes_of(c);
  if (!c.ok() || !c.done()) return Probe::kNo;
  return !attributes.done() || is_usual(in.resp_port) || is_usual(in.orig_port) ? Probe::kYes : Probe::kNo;
}

void Parser::read(Request& r, std::uint8_t code, Cursor attributes) {
  const auto first = [](std::optional<std::string>& out, Bytes value) {
    if (!out) out.emplace(as_text(value));
  };
  while (!attributes.done()) {
    const std::uint8_t type = attributes.u8();
    const Bytes value = attributes.take(attributes.u8() - std::size_t{2});
    switch (type) {
      case kUserName: first(r.user, value); break;
      case kUserPassword: r.auth = "pap"; break;
      case kChapPassword: r.auth = "chap"; break;
      case kEapMessage: r.auth = "eap"; break;
      case kVendorSpecific: {
        Cursor v(value);
        const std::uint32_t vendor = v.be32();
        const std::uint8_t kind = v.u8();
        if (v.ok() && vendor == kMicrosoft && (kind == kMsChapResponse || kind == kMsChap2Response)) r.auth = "mschap";
        break;
      }
      case kNasIdentifier: r.nas.emplace(as_text(value)); break;
      case kNasAddress:
        if (!r.nas && value.size() == 4) {
          r.nas.emplace();
          for (const std::uint8_t b : value) *r.nas += (r.nas->empty() ? "" : ".") + std::to_string(b);
        }
        break;
      case kFramedAddress:
        if (value.size() != 4) break;
        if (code == kAccessChallenge && !r.offered) r.offered = Ip::v4(value);
        if (!r.framed || code != kAccessRequest) r.framed = Ip::v4(value);
        break;
      case kReplyMessage:
        if (code == kAccessChallenge) first(r.challenge, value);
        first(r.reply, value);
        break;
      case kState:
        if (code == kAccessChallenge) r.state = as_text(value);
        break;
      case kCalledStation: first(r.called, value); break;
      case kCallingStation:
        if (!r.mac) r.mac = mac_text(as_text(value));
        break;
      case kTunnelClient: first(r.tunnel_client, value); break;
      case kConnectInfo: first(r.connect_info, value); break;
      default: break;
    }
  }
}

std::vector<Parser::Request>::iterator Parser::find(std::uint8_t code, std::uint8_t id, Cursor attributes) {
  const auto same_id = std::find_if(pending_.begin(), pending_.end(), [&](const Request& r) { return r.id == id; });
  if (same_id != pending_.end() || code != kAccessRequest) return same_id;
  // RFC 2865 4.4: what answers a challenge has a new identifier; RFC 2865 5.24: and the challenge's State.
  while (!attributes.done()) {
    const std::uint8_t type = attributes.u8();
    const std::string_view value = as_text(attributes.take(attributes.u8() - std::size_t{2}));
    if (type != kState || value.empty()) continue;
    return std::find_if(pending_.begin(), pending_.end(), [&](const Request& r) { return r.state == value; });
  }
  // A challenge need not have one.
  return std::find_if(pending_.begin(), pending_.end(),
                      [](const Request& r) { return r.challenges > 0 && r.state.empty(); });
}

Step Parser::on_datagram(flow::Context& cx, flow::Dir, Cursor in) {
  Cursor head = in;
  const std::uint8_t code = head.u8(), id = head.u8();
  const Cursor attributes = attributes_of(in);
  if (!in.ok() || (request_name(code).empty() && !is_answer(code))) {
    cx.weird(Weird::radius_malformed);
    return Step::kContinue;
  }
  cx.confirm(kProtocol.name);
  auto asked = find(code, id, attributes);
  if (asked == pending_.end()) {
    if (pending_.size() >= kPendingMax) {
      emit(cx, pending_.front(), std::nullopt);
      pending_.erase(pending_.begin());
      cx.weird(Weird::radius_pending_limit);
    }
    asked = pending_.insert(pending_.end(), Request{});
    asked->id = id;
    asked->at = cx.now;
  }
  if (!is_answer(code)) {
    asked->code = code;
    asked->id = id;
  }
  if (code == kAccessChallenge) asked->challenges++;
  read(*asked, code, attributes);
  if (!is_answer(code) || code == kAccessChallenge) return Step::kContinue;
  emit(cx, *asked, code);
  pending_.erase(asked);
  return Step::kContinue;
}

void Parser::emit(flow::Context& cx, const Request& r, std::optional<std::uint8_t> answer) {
  const auto text = [](const std::optional<std::string>& s) {
    return s ? std::optional<std::string_view>(*s) : std::nullopt;
  };
  RadiusEvent e;
  e.ts = micros(r.at);
  e.username = text(r.user);
  e.mac = text(r.mac);
  e.framed_addr = r.framed;
  e.tunnel_client = text(r.tunnel_client);
  e.connect_info = text(r.connect_info);
  e.reply_msg = text(r.reply);
  const bool is_refused = answer && (*answer == kAccessReject || *answer == kDisconnectNak || *answer == kChangeNak);
  e.result = !answer ? "unknown" : is_refused ? "failed" : "success";
  if (answer) e.ttl = seconds(cx.now - r.at);
  if (r.code != 0) e.code = request_name(r.code);
  e.nas = text(r.nas);
  if (!r.auth.empty()) e.auth = r.auth;
  e.called_station = text(r.called);
  e.challenges = r.challenges;
  e.challenge_addr = r.offered;
  e.challenge_msg = text(r.challenge);
  cx.emit(e);
}

void Parser::on_close(flow::Context& cx) {
  for (const Request& r : pending_) emit(cx, r, std::nullopt);
  pending_.clear();
}

}  // namespace catenary::radius
