#include "protocols/ldap/ldap.h"

#include <algorithm>

#include "flow/flow.h"
#include "protocols/ldap/ldap.gen.h"
#include "protocols/ldap/ldap_search.gen.h"

namespace catenary::ldap {

using flow::Dir;
using flow::Probe;
using flow::Step;

namespace {

constexpr std::uint8_t kSimple = ber::context(0, false), kSasl = ber::context(3);
// RFC 4121 4.2.6.2: a wrapped token, and that it is sealed.
constexpr std::uint8_t kWrap0 = 0x05, kWrap1 = 0x04, kSealed = 0x02;
constexpr std::size_t kWrapHeader = 16;
constexpr std::size_t kSaslFrame = 4;
constexpr std::uint32_t kSaslInProgress = 14;

std::string_view opcode_of(std::uint8_t op) noexcept {
  switch (op) {
    case kUnbindRequest: return "unbind";
    case kModifyRequest: return "modify";
    case kAddRequest: return "add";
    case kDelRequest: return "delete";
    case kModifyDnRequest: return "modify DN";
    case kCompareRequest: return "compare";
    case kAbandonRequest: return "abandon";
    case kExtendedRequest: return "extended";
    default: return {};
  }
}

std::string text_of(Bytes b, std::size_t cap) { return std::string(as_text(b).substr(0, cap)); }

}  // namespace

Probe probe(const flow::ProbeInput& in) noexcept {
  Head h;
  const Read read = read_head(in.data, h);
  if (read == Read::kMore) return in.is_tcp ? Probe::kMore : Probe::kNo;
  if (read == Read::kWrong || !is_operation(h.op)) return Probe::kNo;
  if (!in.is_tcp && h.size > in.data.size()) return Probe::kNo;
  Cursor content(in.data.subspan(std::min(h.operation, in.data.size())));
  const std::uint8_t first = content.u8();
  if (!content.ok()) return h.op == kUnbindRequest ? Probe::kYes : Probe::kMore;
  switch (h.op) {
    case kBindRequest: {
      const std::uint8_t length = content.u8(), version = content.u8();
      if (!content.ok()) return Probe::kMore;
      return first == ber::kInteger && length == 1 && version >= 1 && version <= 3 ? Probe::kYes : Probe::kNo;
    }
    case kSearchRequest:
    case kSearchEntry:
    case kModifyRequest:
    case kAddRequest:
    case kModifyDnRequest:
    case kCompareRequest: return first == ber::kOctetString ? Probe::kYes : Probe::kNo;
    case kExtendedRequest: return first == ber::context(0, false) ? Probe::kYes : Probe::kNo;
    case kBindResponse:
    case kSearchDone:
    case kExtendedResponse: return first == ber::kEnumerated ? Probe::kYes : Probe::kNo;
    default: return Probe::kNo;
  }
}

Step Parser::on_stream(flow::Context& cx, Dir dir, Cursor& in) {
  std::uint64_t& skip = skip_[flow::index(dir)];
  bool must_wait = false;
  while (!in.done() && !must_wait) {
    if (skip > 0) {
      const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(skip, in.left()));
      in.skip(n);
      skip -= n;
      continue;
    }
    if (is_sasl_ && in.peek(1)[0] != ber::kSequence) {
      if (on_wrapped(cx, dir, in, must_wait) == Step::kDetach) return Step::kDetach;
      continue;
    }
    Head h;
    const Read read = read_head(in.peek_rest(), h);
    if (read == Read::kWrong) {
      cx.weird(Weird::ldap_malformed);
      return Step::kDetach;
    }
    if (read == Read::kMore) return Step::kContinue;
    if (h.op == kSearchEntry || h.op == kSearchReference || h.size > kMessageBytesMax) {
      // What an entry holds is not looked at, so it need not be here.
      if (h.op == kSearchEntry) on_entry(h.id);
      if (h.op != kSearchEntry && h.op != kSearchReference) cx.weird(Weird::ldap_message_too_long);
      cx.confirm(kProtocol.name);
      skip = h.size;
      continue;
    }
    Cursor unit = in;
    const Bytes message = unit.take(h.size);
    if (!unit.ok()) return cx.need(dir, h.size), Step::kContinue;
    in = unit;
    on_message(cx, dir, h, message.subspan(h.operation, h.operation_size));
    if (is_handing_over_) {
      cx.hand_over();
      return Step::kContinue;
    }
  }
  return Step::kContinue;
}

// RFC 4422 3.7; tokens of RFC 4121 4.2.4 and MS-NLMP 2.2.2.9 that are only signed have the message in the clear.
Step Parser::on_wrapped(flow::Context& cx, Dir dir, Cursor& in, bool& must_wait) {
  Cursor unit = in;
  const std::uint32_t length = unit.be32();
  if (!unit.ok()) return cx.need(dir, kSaslFrame), must_wait = true, Step::kContinue;
  if (length > kMessageBytesMax) {
    skip_[flow::index(dir)] = kSaslFrame + std::uint64_t{length};
    return Step::kContinue;
  }
  Cursor token = unit.sub(length);
  if (!unit.ok()) return cx.need(dir, kSaslFrame + length), must_wait = true, Step::kContinue;
  in = unit;
  const Bytes all = token.peek_rest();
  if (all.size() <= kWrapHeader) return Step::kContinue;
  if (all[0] == kWrap0 && all[1] == kWrap1) {
    token.skip(2);
    const std::uint8_t flags = token.u8();
    token.skip(1);
    const std::size_t checksum = token.be16(), rotation = token.be16();
    token.skip(8);
    if ((flags & kSealed) != 0) return Step::kContinue;
    if (rotation > 0) token.skip(checksum);
    const std::size_t behind = rotation > 0 ? 0 : std::min(checksum, token.left());
    on_messages(cx, dir, token.sub(token.left() - behind));
  } else if (all[kWrapHeader] == ber::kSequence) {
    token.skip(kWrapHeader);
    on_messages(cx, dir, token);
  }
  return Step::kContinue;
}

Step Parser::on_datagram(flow::Context& cx, Dir dir, Cursor in) {
  on_messages(cx, dir, in);
  return Step::kContinue;
}

// Whole messages, one behind the other.
void Parser::on_messages(flow::Context& cx, Dir dir, Cursor in) {
  while (!in.done()) {
    Head h;
    const Bytes all = in.peek_rest();
    if (read_head(all, h) != Read::kWhole || h.size > all.size()) return cx.weird(Weird::ldap_malformed);
    in.skip(h.size);
    on_message(cx, dir, h, all.subspan(h.operation, h.operation_size));
  }
}

Parser::Pending* Parser::find(std::uint32_t id) noexcept {
  const auto found = std::find_if(pending_.begin(), pending_.end(), [&](const Pending& p) { return p.id == id; });
  return found == pending_.end() ? nullptr : &*found;
}

void Parser::on_message(flow::Context& cx, Dir dir, const Head& h, Bytes content) {
  cx.confirm(kProtocol.name);
  switch (h.op) {
    case kBindRequest:
    case kUnbindRequest:
    case kSearchRequest:
    case kModifyRequest:
    case kAddRequest:
    case kDelRequest:
    case kModifyDnRequest:
    case kCompareRequest:
    case kAbandonRequest:
    case kExtendedRequest: return on_request(cx, dir, h, content);
    case kBindResponse:
    case kSearchDone:
    case kModifyResponse:
    case kAddResponse:
    case kDelResponse:
    case kModifyDnResponse:
    case kCompareResponse:
    case kExtendedResponse: return on_result(cx, dir, h, content);
    case kSearchEntry: return on_entry(h.id);
    case kSearchReference:
    case kIntermediateResponse: return;
    default: return cx.weird(Weird::ldap_operation_unknown);
  }
}

void Parser::on_entry(std::uint32_t id) {
  Pending* const asked = find(id);
  if (asked) asked->entries++;
}

// RFC 4511 4.2: version, name, [0] password or [3] { mechanism, token }.
bool Parser::read_bind(flow::Context& cx, Dir dir, Bytes content, Pending& out) {
  Cursor in(content);
  out.version = ber::expect_integer(in);
  out.object = text_of(ber::expect(in, ber::kOctetString), kNameBytesMax);
  const ber::Tlv choice = ber::next(in);
  if (!in.ok()) return false;
  if (choice.tag == kSimple) {
    out.opcode = "bind simple";
    if (!choice.value.empty()) out.argument = "REDACTED";
    return true;
  }
  if (choice.tag != kSasl) {
    out.opcode = "bind";
    return true;
  }
  out.opcode = "bind SASL";
  Cursor sasl(choice.value);
  out.argument = text_of(ber::expect(sasl, ber::kOctetString), kTextBytesMax);
  if (!sasl.ok()) return false;
  if (sasl.done()) return true;
  const Bytes token = ber::expect(sasl, ber::kOctetString);
  if (!sasl.ok()) return false;
  if (out.argument == "GSS-SPNEGO" || out.argument == "GSSAPI") {
    if (!token.empty() && gssapi_.open(cx, "gssapi")) gssapi_.message(cx, dir, token);
  }
  return true;
}

void Parser::on_request(flow::Context& cx, Dir dir, const Head& h, Bytes content) {
  Pending p;
  p.id = h.id;
  p.op = h.op;
  p.at = cx.now;
  p.opcode = opcode_of(h.op);
  Cursor in(content);
  bool is_whole = true;
  switch (h.op) {
    case kBindRequest: is_whole = read_bind(cx, dir, content, p); break;
    case kSearchRequest:
      is_whole = read_search(content, p.search.emplace());
      if (p.search->is_filter_cut) cx.weird(Weird::ldap_filter_limit);
      break;
    case kDelRequest: p.object = text_of(content, kNameBytesMax); break;
    case kModifyRequest:
    case kAddRequest:
    case kCompareRequest:
    case kModifyDnRequest:
      p.object = text_of(ber::expect(in, ber::kOctetString), kNameBytesMax);
      if (h.op == kModifyDnRequest) p.argument = text_of(ber::expect(in, ber::kOctetString), kTextBytesMax);
      is_whole = in.ok();
      break;
    case kExtendedRequest: {
      const std::string oid = text_of(ber::expect(in, ber::context(0, false)), kTextBytesMax);
      is_whole = in.ok();
      const std::string_view name = extension_name(oid);
      p.is_start_tls = name == "StartTLS";
      p.object = name.empty() ? oid : oid + " (" + std::string(name) + ")";
      break;
    }
    default: break;
  }
  if (!is_whole) return cx.weird(Weird::ldap_malformed);
  // RFC 4511 4.3, 4.11: nobody answers these.
  if (h.op == kUnbindRequest || h.op == kAbandonRequest) return emit(cx, p, nullptr);
  if (Pending* const same = find(h.id)) {
    emit(cx, *same, nullptr);
    pending_.erase(pending_.begin() + (same - pending_.data()));
  } else if (pending_.size() >= kPendingMax) {
    emit(cx, pending_.front(), nullptr);
    pending_.erase(pending_.begin());
    cx.weird(Weird::ldap_pending_limit);
  }
  pending_.push_back(std::move(p));
}

void Parser::on_result(flow::Context& cx, Dir dir, const Head& h, Bytes content) {
  Result result;
  if (!read_result(content, result)) return cx.weird(Weird::ldap_malformed);
  Pending* const asked = find(h.id);
  if (!asked) return;
  if (h.op == kBindResponse && asked->opcode == "bind SASL") {
    Cursor in(content);
    ber::next(in);
    ber::next(in);
    ber::next(in);
    ber::maybe(in, ber::context(3));  // referral
    const auto token = ber::maybe(in, ber::context(7, false));
    if (token && !token->empty() && gssapi_.is_open()) gssapi_.message(cx, dir, *token);
    if (result.code != kSaslInProgress) gssapi_.outcome(cx, result.code == 0, false);
    if (result.code == 0) is_sasl_ = true;
  }
  is_handing_over_ = asked->is_start_tls && result.code == 0;
  emit(cx, *asked, &result);
  pending_.erase(pending_.begin() + (asked - pending_.data()));
}

void Parser::emit(flow::Context& cx, const Pending& asked, const Result* result) {
  const auto text = [](const std::string& s) { return s.empty() ? std::nullopt : std::optional<std::string_view>(s); };
  const auto fill = [&](auto& e) {
    e.ts = micros(asked.at);
    e.message_id = asked.id;
    if (!result) return;
    e.result_code = result->code;
    if (!result_name(result->code).empty()) e.result = result_name(result->code);
    e.diagnostic_message = text(result->diagnostic);
  };
  if (!asked.search) {
    LdapEvent e;
    fill(e);
    e.version = asked.version;
    if (!asked.opcode.empty()) e.opcode = asked.opcode;
    e.object = text(asked.object);
    e.argument = text(asked.argument);
    return cx.emit(e);
  }
  constexpr std::string_view kScopes[] = {"base", "single", "tree"};
  constexpr std::string_view kDerefs[] = {"never", "in searching", "finding base", "always"};
  const Search& s = *asked.search;
  LdapSearchEvent e;
  fill(e);
  if (s.scope < std::size(kScopes)) e.scope = kScopes[s.scope];
  if (s.deref < std::size(kDerefs)) e.deref_aliases = kDerefs[s.deref];
  e.base_object = text(s.base);
  e.result_count = asked.entries;
  e.filter = text(s.filter);
  e.cut = s.is_filter_cut;
  const std::vector<std::string_view> attributes(s.attributes.begin(), s.attributes.end());
  e.attributes = attributes;
  cx.emit(e);
}

void Parser::on_close(flow::Context& cx) {
  for (const Pending& p : pending_) emit(cx, p, nullptr);
  pending_.clear();
  gssapi_.close(cx);
}

}  // namespace catenary::ldap
