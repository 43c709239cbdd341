#include "protocols/ntlm/ntlm.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/utf16.h"
#include "flow/flow.h"
#include "protocols/ntlm/ntlm.gen.h"

namespace catenary::ntlm {
namespace {

enum : std::uint32_t { kNegotiate = 1, kChallenge = 2, kAuthenticate = 3 };
// MS-NLMP 2.2.2.5: flags.
enum : std::uint32_t {
  kUnicode = 0x00000001,
  kExtendedSecurity = 0x00080000,
  kTargetInfo = 0x00800000,
  kVersion = 0x02000000,
};
// MS-NLMP 2.2.2.1: what a pair of the target says.
enum : std::uint16_t {
  kEnd = 0,
  kNbComputer = 1,
  kNbDomain = 2,
  kDnsComputer = 3,
  kDnsDomain = 4,
  kDnsTree = 5,
};
constexpr std::string_view kSignature{"NTLMSSP\0", 8};
// MS-NLMP 2.2.2.6: a response of version 1 has this length, one of version 2 is longer.
constexpr std::size_t kResponse1Bytes = 24;

// What a field names, of the message; fails `in` when it leaves the message. An empty text may point anywhere.
// `payload` is where the first of the texts begins, so that what stands before is no text.
Bytes field(Cursor& in, Bytes message, std::size_t& payload) noexcept {
  const std::size_t length = in.le16();
  in.skip(2);
  const std::size_t offset = in.le32();
  if (!in.ok() || length == 0) return {};
  payload = std::min(payload, offset);
  if (offset > message.size() || length > message.size() - offset) {
    in.fail();
    return {};
  }
  return message.subspan(offset, length);
}

// MS-NLMP 2.2.2.10: major, minor, build, three reserved bytes, revision.
std::string version_of(Cursor in) {
  const unsigned major = in.u8(), minor = in.u8(), build = in.le16();
  in.skip(4);
  if (!in.ok() || major == 0) return {};
  std::array<char, 16> text;
  char* at = text.data();
  char* const end = at + text.size();
  for (const unsigned n : {major, minor, build}) {
    if (at != text.data()) *at++ = '.';
    at = std::to_chars(at, end, n).ptr;
  }
  return {text.data(), at};
}

}  // namespace

flow::Probe probe(const flow::ProbeInput&) noexcept { return flow::Probe::kNo; }

flow::Step Parser::on_datagram(flow::Context& cx, flow::Dir, Cursor in) {
  const Bytes message = in.peek_rest();
  const Bytes signature = in.take(kSignature.size());
  const std::uint32_t type = in.le32();
  if (!in.ok() || as_text(signature) != kSignature) {
    cx.weird(Weird::ntlm_malformed);
    return flow::Step::kContinue;
  }
  if (!is_confirmed_) cx.confirm(kProtocol.name);
  is_confirmed_ = true;
  // A new exchange begins, though the one before was not ended by a word.
  const bool is_new = type == kNegotiate || (type == kChallenge && exchange_ && !exchange_->challenge.empty());
  if (is_new && exchange_) emit(cx, false, true);
  if (type < kNegotiate || type > kAuthenticate) {
    cx.weird(Weird::ntlm_type_unknown);
    return flow::Step::kContinue;
  }
  begin(cx);
  const bool is_whole = type == kNegotiate   ? on_negotiate(in, message)
                        : type == kChallenge ? on_challenge(in, message)
                                             : on_authenticate(in, message);
  if (!is_whole) cx.weird(Weird::ntlm_malformed);
  return flow::Step::kContinue;
}

void Parser::begin(flow::Context& cx) {
  if (!exchange_) exchange_.emplace().began = cx.now;
}

void Parser::set(std::optional<std::string>& out, Bytes text, bool is_unicode) {
  out.emplace();
  bool is_whole = true;
  if (is_unicode) {
    is_whole = append_utf16(text, kNameBytesMax, *out);
  } else {
    is_whole = text.size() <= kNameBytesMax;
    out->assign(as_text(text).substr(0, kNameBytesMax));
  }
  if (!is_whole) exchange_->is_cut = true;
}

// MS-NLMP 2.2.1.1: flags, domain, workstation, version. The names are those of the computer, in the OEM's characters.
bool Parser::on_negotiate(Cursor in, Bytes message) {
  const std::uint32_t flags = in.le32();
  if (!in.ok()) return false;
  if (in.done()) return true;  // old clients send no more
  std::size_t payload = message.size();
  field(in, message, payload);
  field(in, message, payload);
  if (!in.ok()) return false;
  if ((flags & kVersion) != 0) exchange_->client_version = version_of(in);
  return true;
}

// MS-NLMP 2.2.1.2: target, flags, challenge, eight reserved bytes, what the target says of itself, version.
bool Parser::on_challenge(Cursor in, Bytes message) {
  std::size_t payload = message.size();
  field(in, message, payload);
  const std::uint32_t flags = in.le32();
  const Bytes challenge = in.take(8);
  if (!in.ok()) return false;
  static constexpr char kDigits[] = "0123456789abcdef";
  exchange_->challenge.clear();
  for (const std::uint8_t b : challenge) {
    exchange_->challenge += kDigits[b >> 4];
    exchange_->challenge += kDigits[b & 15];
  }
  if (in.done()) return true;  // NTLM version 1 ends here
  in.skip(8);
  const Bytes pairs = field(in, message, payload);
  if (!in.ok()) return false;
  if ((flags & kVersion) != 0) exchange_->server_version = version_of(in);
  return (flags & kTargetInfo) == 0 || read_target(pairs);
}

bool Parser::read_target(Bytes pairs) {
  Cursor in(pairs);
  for (std::size_t i = 0; i < kPairsMax && !in.done(); i++) {
    const std::uint16_t id = in.le16();
    const std::uint16_t length = in.le16();
    const Bytes value = in.take(length);
    if (!in.ok()) return false;
    switch (id) {
      case kEnd: return true;
      case kNbComputer: set(exchange_->server_nb_computer, value, true); break;
      case kNbDomain: set(exchange_->server_nb_domain, value, true); break;
      case kDnsComputer: set(exchange_->server_dns_computer, value, true); break;
      case kDnsDomain: set(exchange_->server_dns_domain, value, true); break;
      case kDnsTree: set(exchange_->server_tree, value, true); break;
      default: break;
    }
  }
  return pairs.empty();  // MS-NLMP 2.2.2.1: the last pair is the end
}

// MS-NLMP 2.2.1.3: two responses, domain, user, workstation, session key, flags, version.
bool Parser::on_authenticate(Cursor in, Bytes message) {
  std::size_t payload = message.size();
  const Bytes lm = field(in, message, payload);
  const Bytes nt = field(in, message, payload);
  const Bytes domain = field(in, message, payload);
  const Bytes user = field(in, message, payload);
  const Bytes host = field(in, message, payload);
  if (!in.ok()) return false;
  // Old clients have neither key nor flags nor version.
  const auto has = [&](std::size_t n) { return message.size() - in.left() + n <= payload && in.has(n); };
  std::uint32_t flags = kUnicode;
  if (has(12)) {
    in.skip(8);  // the key, which may be anything
    flags = in.le32();
    if ((flags & kVersion) != 0 && has(8)) exchange_->client_version = version_of(in);
  }
  const bool is_unicode = (flags & kUnicode) != 0;
  if (!domain.empty()) set(exchange_->domain, domain, is_unicode);
  if (!user.empty()) set(exchange_->user, user, is_unicode);
  if (!host.empty()) set(exchange_->host, host, is_unicode);
  // MS-NLMP 3.2.5.1.2: without a user and a response it is the anonymous one.
  if (nt.empty())
    exchange_->response = lm.size() == kResponse1Bytes ? "lm" : "anonymous";
  else if (nt.size() > kResponse1Bytes)
    exchange_->response = "ntlmv2";
  else
    exchange_->response = (flags & kExtendedSecurity) != 0 ? "ntlmv1-ess" : "ntlmv1";
  return true;
}

void Parser::on_outcome(flow::Context& cx, bool is_success, bool in_token) {
  if (!exchange_) return;
  exchange_->success = is_success;
  if (in_token) emit(cx, true, false);
}

void Parser::on_close(flow::Context& cx) {
  if (exchange_) emit(cx, false, false);
}

void Parser::emit(flow::Context& cx, bool in_token, bool is_superseded) {
  const Exchange& x = *exchange_;
  const auto text = [](const std::optional<std::string>& s) {
    return s ? std::optional<std::string_view>(*s) : std::nullopt;
  };
  NtlmEvent e;
  e.ts = micros(x.began);
  e.username = text(x.user);
  e.hostname = text(x.host);
  e.domainname = text(x.domain);
  e.server_nb_computer_name = text(x.server_nb_computer);
  e.server_dns_computer_name = text(x.server_dns_computer);
  e.server_tree_name = text(x.server_tree);
  e.success = x.success;
  e.success_in_token = in_token;
  e.ordinal = told_ + 1;
  if (!is_superseded) told_++;
  e.superseded = is_superseded;
  e.server_nb_domain_name = text(x.server_nb_domain);
  e.server_dns_domain_name = text(x.server_dns_domain);
  if (!x.client_version.empty()) e.client_version = x.client_version;
  if (!x.server_version.empty()) e.server_version = x.server_version;
  if (!x.response.empty()) e.response = x.response;
  if (!x.challenge.empty()) e.challenge = x.challenge;
  e.cut = x.is_cut;
  cx.emit(e);
  exchange_.reset();
}

}  // namespace catenary::ntlm
