#include "protocols/ldap/message.h"

#include <algorithm>

namespace catenary::ldap {
namespace {

constexpr Op kOperations[] = {
    kBindRequest,     kBindResponse,     kUnbindRequest,       kSearchRequest,  kSearchEntry,     kSearchDone,
    kSearchReference, kModifyRequest,    kModifyResponse,      kAddRequest,     kAddResponse,     kDelRequest,
    kDelResponse,     kModifyDnRequest,  kModifyDnResponse,    kCompareRequest, kCompareResponse, kAbandonRequest,
    kExtendedRequest, kExtendedResponse, kIntermediateResponse};

// RFC 4511 4.5.1.7.
enum : std::uint8_t {
  kAnd = 0xa0,
  kOr = 0xa1,
  kNot = 0xa2,
  kEquality = 0xa3,
  kSubstrings = 0xa4,
  kGreaterOrEqual = 0xa5,
  kLessOrEqual = 0xa6,
  kPresent = 0x87,
  kApprox = 0xa8,
  kExtensible = 0xa9,
};

// A filter's text as it grows to its most.
struct Text {
  std::string& out;
  bool is_cut = false;
  void put(std::string_view s) {
    const std::size_t room = kFilterBytesMax - std::min(out.size(), kFilterBytesMax);
    if (s.size() > room) is_cut = true;
    out.append(s.substr(0, room));
  }
  // RFC 4515 3: what has a meaning of its own is written by its number.
  void value(Bytes v) {
    static constexpr char kDigits[] = "0123456789abcdef";
    for (const std::uint8_t b : v) {
      if (is_cut) return;
      const char c = static_cast<char>(b);
      if (c == '*' || c == '(' || c == ')' || c == '\\' || c == '\0') {
        const char escaped[] = {'\\', kDigits[b >> 4], kDigits[b & 15]};
        put({escaped, 3});
      } else {
        put({&c, 1});
      }
    }
  }
};

bool put_assertion(std::string_view sign, Bytes content, Text& text) {
  Cursor in(content);
  const Bytes name = ber::expect(in, ber::kOctetString), value = ber::expect(in, ber::kOctetString);
  text.put("(");
  text.value(name);
  text.put(sign);
  text.value(value);
  text.put(")");
  return in.ok();
}

// { name, SEQUENCE OF [0] initial, [1] any, [2] final }.
bool put_substrings(Bytes content, Text& text) {
  Cursor in(content);
  text.put("(");
  text.value(ber::expect(in, ber::kOctetString));
  text.put("=");
  Cursor parts(ber::expect(in, ber::kSequence));
  bool is_first = true, ends = false;
  while (!parts.done() && !text.is_cut) {
    const ber::Tlv part = ber::next(parts);
    if (part.tag != ber::context(0, false) || !is_first) text.put("*");
    text.value(part.value);
    is_first = false;
    ends = part.tag == ber::context(2, false);
  }
  if (!ends) text.put("*");
  text.put(")");
  return in.ok() && parts.ok();
}

// { [1] rule, [2] name, [3] value, [4] of the name's parts too }.
bool put_extensible(Bytes content, Text& text) {
  Cursor in(content);
  const auto rule = ber::maybe(in, ber::context(1, false)), name = ber::maybe(in, ber::context(2, false));
  const Bytes value = ber::expect(in, ber::context(3, false));
  const auto parts = ber::maybe(in, ber::context(4, false));
  text.put("(");
  if (name) text.value(*name);
  if (parts && !parts->empty() && (*parts)[0] != 0) text.put(":dn");
  if (rule) {
    text.put(":");
    text.value(*rule);
  }
  text.put(":=");
  text.value(value);
  text.put(")");
  return in.ok();
}

bool put_leaf(const ber::Tlv& f, Text& text) {
  switch (f.tag) {
    case kEquality: return put_assertion("=", f.value, text);
    case kGreaterOrEqual: return put_assertion(">=", f.value, text);
    case kLessOrEqual: return put_assertion("<=", f.value, text);
    case kApprox: return put_assertion("~=", f.value, text);
    case kSubstrings: return put_substrings(f.value, text);
    case kExtensible: return put_extensible(f.value, text);
    case kPresent:
      text.put("(");
      text.value(f.value);
      text.put("=*)");
      return true;
    default: return false;
  }
}

}  // namespace

bool is_operation(std::uint8_t tag) noexcept {
  return std::find(std::begin(kOperations), std::end(kOperations), tag) != std::end(kOperations);
}

Read read_head(Bytes bytes, Head& out) noexcept {
  Cursor in(bytes);
  const std::uint8_t first = in.u8();
  if (in.ok() && first != ber::kSequence) return Read::kWrong;
  Cursor outer(bytes);
  const ber::Head message = ber::head(outer);
  constexpr std::size_t kLongestHead = 6 + 7 + 6;  // three tags with lengths of four bytes, a number of five
  const Read missing = bytes.size() < kLongestHead ? Read::kMore : Read::kWrong;
  if (!outer.ok()) return missing;
  const std::size_t start = bytes.size() - outer.left();
  out.size = start + message.length;
  const Bytes id = ber::expect(outer, ber::kInteger);
  const ber::Head operation = ber::head(outer);
  if (!outer.ok()) return missing;
  const auto number = ber::integer(id);
  out.operation = bytes.size() - outer.left();
  if (!number || out.operation + operation.length > out.size) return Read::kWrong;
  out.id = *number;
  out.op = operation.tag;
  out.operation_size = operation.length;
  return Read::kWhole;
}

bool filter_text(const ber::Tlv& filter, std::string& out, bool& is_cut) {
  // What is open: the rest of an and, or, not. No recursion: a filter nests as deep as its author likes.
  std::array<Cursor, kFilterDepthMax> open;
  std::size_t depth = 0, parts = 0;
  Text text{out};
  ber::Tlv next = filter;
  for (bool has_next = true; has_next && !text.is_cut;) {
    if (++parts > kFilterPartsMax) text.is_cut = true;
    if (next.tag == kAnd || next.tag == kOr || next.tag == kNot) {
      if (depth == kFilterDepthMax) {
        text.is_cut = true;
        break;
      }
      text.put(next.tag == kAnd ? "(&" : next.tag == kOr ? "(|" : "(!");
      open[depth++] = Cursor(next.value);
    } else if (!put_leaf(next, text)) {
      return false;
    }
    has_next = false;
    while (depth > 0 && !has_next) {
      Cursor& in = open[depth - 1];
      if (in.done()) {
        if (!in.ok()) return false;
        text.put(")");
        depth--;
      } else {
        next = ber::next(in);
        if (!in.ok()) return false;
        has_next = true;
      }
    }
  }
  is_cut = text.is_cut;
  return true;
}

bool read_search(Bytes content, Search& out) {
  Cursor in(content);
  out.base = as_text(ber::expect(in, ber::kOctetString)).substr(0, kNameBytesMax);
  out.scope = ber::expect_integer(in, ber::kEnumerated);
  out.deref = ber::expect_integer(in, ber::kEnumerated);
  ber::expect(in, ber::kInteger);  // most entries
  ber::expect(in, ber::kInteger);  // most seconds
  ber::expect(in, ber::kBoolean);  // types only
  const ber::Tlv filter = ber::next(in);
  if (!in.ok() || !filter_text(filter, out.filter, out.is_filter_cut)) return false;
  Cursor list(ber::expect(in, ber::kSequence));
  while (!list.done() && out.attributes.size() < kAttributesMax) {
    const Bytes name = ber::expect(list, ber::kOctetString);
    if (list.ok()) out.attributes.emplace_back(as_text(name));
  }
  return in.ok() && list.ok();
}

bool read_result(Bytes content, Result& out) {
  Cursor in(content);
  out.code = ber::expect_integer(in, ber::kEnumerated);
  ber::expect(in, ber::kOctetString);  // the entry that does exist
  out.diagnostic = as_text(ber::expect(in, ber::kOctetString)).substr(0, kTextBytesMax);
  return in.ok();
}

std::string_view result_name(std::uint32_t code) noexcept {
  // RFC 4511 4.1.9 and Appendix A, in words.
  switch (code) {
    case 0: return "success";
    case 1: return "operations error";
    case 2: return "protocol error";
    case 3: return "time limit exceeded";
    case 4: return "size limit exceeded";
    case 5: return "compare false";
    case 6: return "compare true";
    case 7: return "auth method not supported";
    case 8: return "stronger auth required";
    case 10: return "referral";
    case 11: return "admin limit exceeded";
    case 12: return "unavailable critical extension";
    case 13: return "confidentiality required";
    case 14: return "SASL bind in progress";
    case 16: return "no such attribute";
    case 17: return "undefined attribute type";
    case 18: return "inappropriate matching";
    case 19: return "constraint violation";
    case 20: return "attribute or value exists";
    case 21: return "invalid attribute syntax";
    case 32: return "no such object";
    case 33: return "alias problem";
    case 34: return "invalid DN syntax";
    case 36: return "alias dereferencing problem";
    case 48: return "inappropriate authentication";
    case 49: return "invalid credentials";
    case 50: return "insufficient access rights";
    case 51: return "busy";
    case 52: return "unavailable";
    case 53: return "unwilling to perform";
    case 54: return "loop detect";
    case 64: return "naming violation";
    case 65: return "object class violation";
    case 66: return "not allowed on non-leaf";
    case 67: return "not allowed on RDN";
    case 68: return "entry already exists";
    case 69: return "object class mods prohibited";
    case 71: return "affects multiple DSAs";
    case 80: return "other";
    default: return {};
  }
}

std::string_view extension_name(std::string_view oid) noexcept {
  // RFC 4511 4.14.1, RFC 3062, RFC 4532, RFC 3909, RFC 5805.
  if (oid == "1.3.6.1.4.1.1466.20037") return "StartTLS";
  if (oid == "1.3.6.1.4.1.4203.1.11.1") return "Modify Password";
  if (oid == "1.3.6.1.4.1.4203.1.11.3") return "whoami";
  if (oid == "1.3.6.1.1.8") return "Cancel";
  if (oid == "1.3.6.1.1.21.1") return "Start Transactions";
  return {};
}

}  // namespace catenary::ldap
