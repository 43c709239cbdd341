#include "protocols/dce_rpc/dce_rpc.h"

#include <algorithm>

#include "base/guid.h"
#include "flow/flow.h"
#include "protocols/dce_rpc/dce_rpc.gen.h"
#include "protocols/dce_rpc/endpoint_map.h"
#include "protocols/dce_rpc/interfaces.h"

namespace catenary::dce_rpc {

using flow::Dir;
using flow::Step;

namespace {

// C706 12.6.4.1; auth3 of MS-RPCE 2.2.2.5.
enum : std::uint8_t {
  kRequest = 0,
  kResponse = 2,
  kFault = 3,
  kBind = 11,
  kBindAck = 12,
  kBindNak = 13,
  kAlterContext = 14,
  kAlterContextResponse = 15,
  kAuth3 = 16,
  kLastType = 19,
};
// C706 12.6.3.1: flags.
enum : std::uint8_t { kFirst = 0x01, kLast = 0x02, kHasObject = 0x80 };
// MS-RPCE 2.2.1.1.7 and 2.2.1.1.8.
enum : std::uint8_t { kSpnego = 9, kNtlm = 10, kSchannel = 14, kKerberos = 16, kNetlogon = 68 };
constexpr std::uint8_t kPrivacy = 6;
constexpr std::string_view kLevels[] = {"", "", "connect", "call", "packet", "integrity", "privacy"};
constexpr std::size_t kHeaderBytes = 16, kAuthHeaderBytes = 8;
constexpr std::size_t kSyntaxBytes = 20;  // UUID and version
constexpr std::string_view kMapper = "e1af8308-5d1f-11c9-91a4-08002b14a0fa";
constexpr std::uint16_t kEptMap = 3;
constexpr std::size_t kAddressBytesMax = 256;
constexpr std::size_t kPipeBytesMax = 512;

std::string_view auth_name(std::uint8_t type) noexcept {
  switch (type) {
    case kSpnego: return "spnego";
    case kNtlm: return "ntlm";
    case kSchannel: return "schannel";
    case kKerberos: return "kerberos";
    case kNetlogon: return "netlogon";
    default: return {};
  }
}

}  // namespace

bool Parser::read_header(Cursor& in, Header& out) noexcept {
  const std::uint8_t major = in.u8(), minor = in.u8();
  out.type = in.u8();
  out.flags = in.u8();
  const std::uint8_t integers = in.u8(), floats = in.u8();
  in.skip(2);
  out.is_big = integers >> 4 == 0;
  out.length = out.is_big ? in.be16() : in.le16();
  out.auth_length = out.is_big ? in.be16() : in.le16();
  out.call = out.is_big ? in.be32() : in.le32();
  const std::size_t trailer = out.auth_length > 0 ? out.auth_length + kAuthHeaderBytes : 0;
  return in.ok() && major == 5 && minor <= 1 && out.type <= kLastType && (integers & 0xee) == 0 && floats <= 3 &&
         out.length >= kHeaderBytes + trailer;
}

flow::Probe probe(const flow::ProbeInput& in) noexcept {
  Cursor c(in.data);
  const Bytes head = c.peek(std::min<std::size_t>(c.left(), 3));
  constexpr std::uint8_t kTypes[] = {kRequest, kResponse, kFault, kBind, kBindAck, kBindNak, kAlterContext};
  if (!head.empty() && head[0] != 5) return flow::Probe::kNo;
  if (head.size() > 1 && head[1] > 1) return flow::Probe::kNo;
  if (head.size() > 2 && std::find(std::begin(kTypes), std::end(kTypes), head[2]) == std::end(kTypes)) {
    return flow::Probe::kNo;
  }
  if (!c.has(kHeaderBytes)) return flow::Probe::kMore;
  c.skip(4);
  const std::uint32_t representation = c.le32();
  const bool is_big = (representation & 0x10) == 0;
  const std::size_t length = is_big ? c.be16() : c.le16(), auth = is_big ? c.be16() : c.le16();
  // Little or big, ASCII, IEEE: all that is left of C706 14.1's choices.
  if ((representation & ~std::uint32_t{0x10}) != 0) return flow::Probe::kNo;
  return length >= kHeaderBytes + auth + 4 ? flow::Probe::kYes : flow::Probe::kNo;
}

void Parser::on_nested(flow::Context&, std::string_view where) {
  is_nested_ = true;
  pipe_ = where.substr(0, kPipeBytesMax);
}

Step Parser::on_stream(flow::Context& cx, Dir dir, Cursor& in) {
  while (!in.done()) {
    Cursor unit = in;
    if (!unit.has(kHeaderBytes)) return cx.need(dir, kHeaderBytes), Step::kContinue;
    Header h;
    if (!read_header(unit, h)) {
      if (is_confirmed_) cx.weird(Weird::dce_rpc_malformed);
      return Step::kDetach;
    }
    const std::size_t trailer = h.auth_length > 0 ? h.auth_length + kAuthHeaderBytes : 0;
    const Bytes body = unit.take(h.length - kHeaderBytes - trailer);
    const Bytes auth = unit.take(trailer);
    if (!unit.ok()) return cx.need(dir, h.length), Step::kContinue;
    in = unit;
    if (!is_confirmed_) cx.confirm(kProtocol.name);
    is_confirmed_ = true;
    on_fragment(cx, dir, h, body, auth);
  }
  return Step::kContinue;
}

Step Parser::on_gap(flow::Context&, Dir, std::uint64_t) {
  // The next fragment begins nobody knows where; in a pipe, with the next message.
  return is_nested_ ? Step::kContinue : Step::kDetach;
}

void Parser::on_fragment(flow::Context& cx, Dir dir, const Header& h, Bytes body, Bytes auth) {
  const Reader r{Cursor(body), h.is_big};
  bool is_whole = true;
  if (!auth.empty()) on_auth(cx, dir, h, auth);
  switch (h.type) {
    case kBind:
    case kAlterContext: is_whole = on_bind(cx, r); break;
    case kBindAck: is_whole = on_bind_ack(r); break;
    case kRequest: is_whole = on_request(cx, h, r); break;
    case kResponse: is_whole = on_response(cx, h, r, false); break;
    case kFault: is_whole = on_response(cx, h, r, true); break;
    default: break;
  }
  if (!is_whole) cx.weird(Weird::dce_rpc_malformed);
}

// C706 12.6.4.3: sizes (2, 2), group (4), count of contexts (1), reserved (3), then each: number (2), count of transfer
// syntaxes (1), reserved (1), interface, transfer syntaxes.
bool Parser::on_bind(flow::Context& cx, Reader r) {
  r.in.skip(8);
  const unsigned count = r.in.u8();
  r.in.skip(3);
  for (unsigned i = 0; i < count; i++) {
    Context c;
    c.id = r.u16();
    const std::size_t syntaxes = r.in.u8();
    r.in.skip(1);
    c.uuid = guid_text(r.in.take(kGuidBytes), r.is_big);
    r.in.skip(kSyntaxBytes - kGuidBytes + syntaxes * kSyntaxBytes);
    if (!r.in.ok()) return false;
    const auto same = std::find_if(contexts_.begin(), contexts_.end(), [&](const Context& o) { return o.id == c.id; });
    if (same != contexts_.end()) {
      *same = std::move(c);
    } else if (contexts_.size() < kContextsMax) {
      contexts_.push_back(std::move(c));
    } else {
      cx.weird(Weird::dce_rpc_context_limit);
      return true;
    }
  }
  return r.in.ok();
}

// C706 12.6.4.4: sizes, group, and the address behind which the server listens for more, with its NUL.
bool Parser::on_bind_ack(Reader r) {
  r.in.skip(8);
  std::string_view address = as_text(r.in.take(r.u16()));
  if (!r.in.ok()) return false;
  address = address.substr(0, address.find('\0'));
  if (!address.empty()) named_pipe_ = address.substr(0, kAddressBytesMax);
  return true;
}

const std::string* Parser::uuid_of(std::uint16_t context) const noexcept {
  const auto found =
      std::find_if(contexts_.begin(), contexts_.end(), [&](const Context& c) { return c.id == context; });
  return found == contexts_.end() ? nullptr : &found->uuid;
}

// C706 12.6.4.9: bytes of the stub (4), context (2), operation (2), object. Fragments behind the first repeat them.
bool Parser::on_request(flow::Context& cx, const Header& h, Reader r) {
  r.in.skip(4);
  Call call;
  call.id = h.call;
  call.context = r.u16();
  call.opnum = r.u16();
  call.at = cx.now;
  call.is_protected = h.auth_length > 0 && auth_level_ == kPrivacy;
  if ((h.flags & kHasObject) != 0) r.in.skip(kGuidBytes);
  if (!r.in.ok()) return false;
  const auto same = std::find_if(calls_.begin(), calls_.end(), [&](const Call& c) { return c.id == call.id; });
  if ((h.flags & kFirst) == 0 && same != calls_.end()) {
    same->at = cx.now;
    return true;
  }
  const std::string* const uuid = uuid_of(call.context);
  if (uuid && *uuid == kMapper && call.opnum == kEptMap && !call.is_protected && !r.is_big) {
    call.mapped_uuid = mapped_interface(r.in.rest());
  }
  if (same != calls_.end()) {
    emit(cx, *same, std::nullopt, false, std::nullopt);
    calls_.erase(same);
  } else if (calls_.size() >= kCallsMax) {
    emit(cx, calls_.front(), std::nullopt, false, std::nullopt);
    calls_.erase(calls_.begin());
    cx.weird(Weird::dce_rpc_call_limit);
  }
  calls_.push_back(std::move(call));
  return true;
}

// C706 12.6.4.10 and 12.6.4.7: bytes of the stub (4), context (2), cancels (1), reserved (1), of a fault its status
// (4).
bool Parser::on_response(flow::Context& cx, const Header& h, Reader r, bool is_fault) {
  r.in.skip(8);
  const std::uint32_t status = is_fault ? r.u32() : 0;
  if (!r.in.ok()) return false;
  const auto asked = std::find_if(calls_.begin(), calls_.end(), [&](const Call& c) { return c.id == h.call; });
  if (asked == calls_.end()) return true;
  std::optional<std::uint16_t> port;
  if (!asked->mapped_uuid.empty() && !is_fault && (h.flags & kFirst) != 0 && !r.is_big) port = mapped_port(r.in.rest());
  if ((h.flags & kLast) == 0) return true;
  emit(cx, *asked, is_fault ? std::optional(status) : std::nullopt, true, port);
  calls_.erase(asked);
  return true;
}

// MS-RPCE 2.2.2.11: type, level, padding, reserved, context (4). Behind a call it is a signature, else a token.
void Parser::on_auth(flow::Context& cx, Dir dir, const Header& h, Bytes auth) {
  auth_type_ = auth[0];
  auth_level_ = auth[1];
  if (auth_type_ == kNtlm) cx.confirm("ntlm");  // though its messages may have passed before
  const bool is_token = h.type >= kBind && h.type <= kAuth3;
  if (!is_token) return;
  const Bytes token = auth.subspan(kAuthHeaderBytes);
  if (auth_type_ == kNtlm) {
    if (ntlm_.open(cx, "ntlm")) ntlm_.message(cx, dir, token);
  } else if (auth_type_ == kSpnego || auth_type_ == kKerberos) {
    if (gssapi_.open(cx, "gssapi")) gssapi_.message(cx, dir, token);
  }
}

void Parser::emit(flow::Context& cx, const Call& call, std::optional<std::uint32_t> fault, bool is_answered,
                  std::optional<std::uint16_t> mapped_port) {
  DceRpcEvent e;
  e.ts = micros(call.at);
  if (is_answered) e.rtt = seconds(cx.now - call.at);
  if (!named_pipe_.empty()) e.named_pipe = named_pipe_;
  if (!pipe_.empty()) e.pipe = pipe_;
  e.opnum = call.opnum;
  const std::string* const uuid = uuid_of(call.context);
  std::string endpoint, operation;
  if (uuid) {
    const Interface* const known = find_interface(*uuid);
    endpoint = known ? std::string(known->name) : "unknown-" + *uuid;
    operation = known ? operation_name(*known, call.opnum) : std::string_view();
    if (operation.empty()) operation = "unknown-" + std::to_string(call.opnum);
    e.uuid = *uuid;
    e.endpoint = endpoint;
    e.operation = operation;
  }
  if (!auth_name(auth_type_).empty()) e.auth_type = auth_name(auth_type_);
  if (auth_level_ < std::size(kLevels) && !kLevels[auth_level_].empty()) e.auth_level = kLevels[auth_level_];
  e.fault = fault;
  e.is_answered = is_answered;
  if (!call.mapped_uuid.empty()) e.mapped_uuid = call.mapped_uuid;
  e.mapped_port = mapped_port;
  cx.emit(e);
}

void Parser::on_close(flow::Context& cx) {
  for (const Call& call : calls_) emit(cx, call, std::nullopt, false, std::nullopt);
  calls_.clear();
  gssapi_.close(cx);
  ntlm_.close(cx);
}

}  // namespace catenary::dce_rpc
