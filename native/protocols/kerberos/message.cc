#include "protocols/kerberos/message.h"

#include "base/ber_time.h"

namespace catenary::kerberos {
namespace {

// RFC 4120 7.5.2: proofs and hints with a content that is read here.
enum : std::uint32_t { kPaTgsRequest = 1, kPaEncTimestamp = 2, kPaForUser = 129 };

bool is_read(std::uint8_t tag) noexcept {
  switch (tag) {
    case ber::application(10):
    case ber::application(11):
    case ber::application(12):
    case ber::application(13):
    case ber::application(14):
    case ber::application(15):
    case ber::application(30): return true;
    default: return false;
  }
}

// The value inside an explicit tag.
Bytes inside(Bytes field, std::uint8_t tag, bool& ok) noexcept {
  Cursor in(field);
  const Bytes value = ber::expect(in, tag);
  if (!in.ok()) ok = false;
  return value;
}

std::uint32_t number(Bytes field, bool& ok) noexcept {
  Cursor in(field);
  const std::uint32_t v = ber::expect_integer(in);
  if (!in.ok()) ok = false;
  return v;
}

// RFC 4120 5.2.1: a GeneralString.
std::string text(Bytes field, std::size_t cap, bool& ok) {
  constexpr std::uint8_t kGeneralString = 0x1b;
  return std::string(as_text(inside(field, kGeneralString, ok)).substr(0, cap));
}

// RFC 4120 5.2.2: PrincipalName { [0] type, [1] SEQUENCE OF string }, its parts with a slash between.
std::string principal(Bytes field, bool& ok) {
  Cursor in(inside(field, ber::kSequence, ok));
  ber::expect(in, ber::context(0));
  Cursor parts(inside(ber::expect(in, ber::context(1)), ber::kSequence, ok));
  if (!in.ok()) ok = false;
  std::string name;
  for (std::size_t i = 0; i < kNamePartsMax && ok && !parts.done(); i++) {
    const ber::Tlv part = ber::next(parts);
    if (!parts.ok()) ok = false;
    if (i > 0) name += '/';
    name += as_text(part.value).substr(0, kNameBytesMax);
    if (name.size() > kNameBytesMax) name.resize(kNameBytesMax);
  }
  return name;
}

std::optional<Micros> time(Bytes field, bool& ok) noexcept {
  Cursor in(field);
  const ber::Tlv t = ber::next(in);
  std::int64_t seconds = 0;
  if (!in.ok() || t.tag != ber::kGeneralizedTime || !ber::read_time(t, seconds)) {
    ok = false;
    return std::nullopt;
  }
  return seconds < 0 ? 0 : static_cast<Micros>(seconds) * 1'000'000;
}

// RFC 4120 5.2.9: EncryptedData { [0] type, [1] version, [2] bytes }.
std::uint32_t encryption(Bytes field, bool& ok) noexcept {
  Cursor in(inside(field, ber::kSequence, ok));
  const std::uint32_t type = number(ber::expect(in, ber::context(0)), ok);
  if (!in.ok()) ok = false;
  return type;
}

// RFC 4120 5.3: Ticket { [0] version, [1] realm, [2] service, [3] EncryptedData }.
void ticket(Bytes field, Message& out, bool names_service, bool& ok) {
  Cursor in(inside(inside(field, ber::application(1), ok), ber::kSequence, ok));
  while (ok && !in.done()) {
    const ber::Tlv f = ber::next(in);
    if (!in.ok()) ok = false;
    if (f.tag == ber::context(2) && names_service) out.service = principal(f.value, ok);
    if (f.tag == ber::context(3)) out.ticket_cipher = encryption(f.value, ok);
  }
}

// RFC 4120 5.5.1: AP-REQ { [0] version, [1] type, [2] options, [3] ticket, [4] authenticator }.
void ap_request(Bytes sequence, Message& out, bool names_service, bool& ok) {
  Cursor in(sequence);
  while (ok && !in.done()) {
    const ber::Tlv f = ber::next(in);
    if (!in.ok()) ok = false;
    if (f.tag == ber::context(3)) ticket(f.value, out, names_service, ok);
  }
}

// RFC 4120 5.2.7: PA-DATA { [1] type, [2] bytes }. What the bytes say is read where it can be; else it is left.
void preauth(Bytes field, Message& out, bool& ok) {
  Cursor list(inside(field, ber::kSequence, ok));
  for (std::size_t i = 0; i < kListMax && ok && !list.done(); i++) {
    Cursor in(ber::expect(list, ber::kSequence));
    const std::uint32_t type = number(ber::expect(in, ber::context(1)), ok);
    const Bytes value = inside(ber::expect(in, ber::context(2)), ber::kOctetString, ok);
    if (!list.ok() || !in.ok()) ok = false;
    if (!ok) return;
    out.preauth.push_back(type);
    bool is_clear = true;
    if (type == kPaTgsRequest) {
      ap_request(inside(inside(value, ber::application(14), is_clear), ber::kSequence, is_clear), out, false, is_clear);
    } else if (type == kPaEncTimestamp) {
      const std::uint32_t cipher = encryption(value, is_clear);
      if (is_clear) out.preauth_cipher = cipher;
    } else if (type == kPaForUser) {
      // MS-SFU 2.2.1: { [0] user, [1] realm, ... }.
      Cursor user(inside(value, ber::kSequence, is_clear));
      std::string name = principal(ber::expect(user, ber::context(0)), is_clear);
      if (is_clear && user.ok()) out.for_user = std::move(name);
    }
  }
}

// RFC 4120 5.4.1: KDC-REQ-BODY.
void request_body(Bytes field, Message& out, bool& ok) {
  Cursor in(inside(field, ber::kSequence, ok));
  while (ok && !in.done()) {
    const ber::Tlv f = ber::next(in);
    if (!in.ok()) ok = false;
    if (!ok) return;
    switch (f.tag) {
      case ber::context(0): {
        Cursor bits(inside(f.value, ber::kBitString, ok));
        bits.skip(1);  // bits of the last byte that are none
        if (bits.has(4)) out.options = bits.be32();
        break;
      }
      case ber::context(1): out.client = principal(f.value, ok); break;
      case ber::context(2): out.realm = text(f.value, kTextBytesMax, ok); break;
      case ber::context(3): out.service = principal(f.value, ok); break;
      case ber::context(4): out.from = time(f.value, ok); break;
      case ber::context(5): out.till = time(f.value, ok); break;
      case ber::context(8): {
        Cursor list(inside(f.value, ber::kSequence, ok));
        for (std::size_t i = 0; i < kListMax && !list.done(); i++) out.ciphers.push_back(ber::expect_integer(list));
        if (!list.ok()) ok = false;
        break;
      }
      default: break;
    }
  }
}

void reply_field(const ber::Tlv& f, Message& out, bool& ok) {
  switch (f.tag) {
    case ber::context(3): out.realm = text(f.value, kTextBytesMax, ok); break;
    case ber::context(4): out.client = principal(f.value, ok); break;
    case ber::context(5): ticket(f.value, out, true, ok); break;
    case ber::context(6): out.preauth_cipher = encryption(f.value, ok); break;
    default: break;
  }
}

void error_field(const ber::Tlv& f, Message& out, bool& ok) {
  switch (f.tag) {
    case ber::context(6): out.error = number(f.value, ok); break;
    case ber::context(7): out.realm = text(f.value, kTextBytesMax, ok); break;
    case ber::context(8): out.client = principal(f.value, ok); break;
    case ber::context(10): out.service = principal(f.value, ok); break;
    case ber::context(11): out.text = text(f.value, kTextBytesMax, ok); break;
    default: break;
  }
}

}  // namespace

std::optional<std::size_t> message_size(Bytes head) noexcept {
  Cursor in(head);
  const ber::Head outer = ber::head(in);
  if (!in.ok() || !is_read(outer.tag)) return std::nullopt;
  const std::size_t size = head.size() - in.left() + outer.length;
  // { [0] or [1] version 5, ... }
  const ber::Head inner = ber::head(in);
  if (!in.ok()) return head.size() < 8 ? std::optional(size) : std::nullopt;
  const std::uint8_t version = in.u8();
  if (inner.tag != ber::kSequence || inner.length > outer.length) return std::nullopt;
  if (in.ok() && version != ber::context(0) && version != ber::context(1)) return std::nullopt;
  return size;
}

bool read(Bytes bytes, Message& out) {
  Cursor in(bytes);
  const ber::Tlv outer = ber::next(in);
  if (!in.ok() || !is_read(outer.tag)) return false;
  out.type = static_cast<Type>(outer.tag & 0x1f);
  bool ok = true;
  const Bytes sequence = inside(outer.value, ber::kSequence, ok);
  if (out.type == Type::kApRequest) {
    ap_request(sequence, out, true, ok);
    return ok;
  }
  Cursor fields(sequence);
  while (ok && !fields.done()) {
    const ber::Tlv f = ber::next(fields);
    if (!fields.ok()) return false;
    switch (out.type) {
      case Type::kAsRequest:
      case Type::kTgsRequest:
        if (f.tag == ber::context(3)) preauth(f.value, out, ok);
        if (f.tag == ber::context(4)) request_body(f.value, out, ok);
        break;
      case Type::kAsReply:
      case Type::kTgsReply: reply_field(f, out, ok); break;
      case Type::kError: error_field(f, out, ok); break;
      default: break;
    }
  }
  return ok;
}

}  // namespace catenary::kerberos
