// Distinguished names as text, RFC 4514 with OpenSSL's choices: bytes above 0x7f and controls as \XX, so that a line
// of a log is always ASCII. And whether a certificate is for a host, RFC 6125.
#include <algorithm>

#include "base/ber.h"
#include "files/x509/certificate.h"

namespace catenary::x509 {

using namespace ber;

namespace {

constexpr std::string_view kCommonName{"\x55\x04\x03", 3};

struct Attribute {
  Bytes oid;
  Tlv value;
  std::size_t rdn = 0;
};

// At most kAttributesMax of them; the name was checked when the certificate was read.
template <class Each>
void for_each_attribute(Bytes name, Each each) noexcept {
  Cursor rdns(name);
  std::size_t count = 0;
  for (std::size_t rdn = 0; !rdns.done(); rdn++) {
    Cursor set(expect(rdns, kSet));
    while (!set.done()) {
      Cursor in(expect(set, kSequence));
      Attribute a;
      a.oid = expect(in, kOid);
      a.value = next(in);
      a.rdn = rdn;
      if (!in.ok() || ++count > kAttributesMax) return;
      each(a);
    }
  }
}

// One byte of a value. RFC 4514 2.4: these are escaped anywhere, a blank at both ends and # at the start.
void put_escaped(std::uint8_t b, bool is_first, bool is_last, NameText& out) noexcept {
  const char c = static_cast<char>(b);
  if (b < 0x20 || b >= 0x7f) {
    out.put('\\');
    out.hex(b);
    return;
  }
  const bool is_special = std::string_view(",+\"\\<>;").find(c) != std::string_view::npos;
  const bool is_edge = (c == ' ' && (is_first || is_last)) || (c == '#' && is_first && !is_last);
  if (is_special || is_edge) out.put('\\');
  out.put(c);
}

// A character above 0x7f always becomes escaped bytes of UTF-8, so the ends of the value do not matter.
void put_character(std::uint32_t c, bool is_first, bool is_last, NameText& out) noexcept {
  const auto byte = [&](std::uint32_t b) { put_escaped(static_cast<std::uint8_t>(b), is_first, is_last, out); };
  if (c < 0x80) return byte(c);
  if (c >= 0xd800 && c <= 0xdfff) return;  // half of a surrogate pair is no character
  if (c < 0x800) {
    byte(0xc0 | (c >> 6));
  } else if (c < 0x10000) {
    byte(0xe0 | (c >> 12));
    byte(0x80 | ((c >> 6) & 0x3f));
  } else if (c < 0x110000) {
    byte(0xf0 | (c >> 18));
    byte(0x80 | ((c >> 12) & 0x3f));
    byte(0x80 | ((c >> 6) & 0x3f));
  } else {
    return;
  }
  byte(0x80 | (c & 0x3f));
}

// Bytes a character, by the string's tag, X.680 41; 0: no string that can be shown.
std::size_t character_bytes(std::uint8_t tag) noexcept {
  switch (tag) {
    case 0x0c:  // UTF8String: its bytes are shown as they are
    case 0x12:  // NumericString
    case 0x13:  // PrintableString
    case 0x14:  // TeletexString, read as ISO 8859-1
    case 0x16:  // IA5String
    case kUtcTime:
    case kGeneralizedTime:
    case 0x1a:  // VisibleString
      return 1;
    case 0x1e:  // BMPString
      return 2;
    case 0x1c:  // UniversalString
      return 4;
    default: return 0;
  }
}

void put_value(const Tlv& t, bool is_known, NameText& out) noexcept {
  const std::size_t width = is_known ? character_bytes(t.tag) : 0;
  if (width == 0) {
    out.put('#');
    for (const std::uint8_t b : t.whole) out.hex(b);
    return;
  }
  Cursor in(t.value);
  for (bool is_first = true; !in.done(); is_first = false) {
    const std::uint32_t c = width == 1 ? in.u8() : width == 2 ? in.be16() : in.be32();
    if (t.tag == 0x0c)
      put_escaped(static_cast<std::uint8_t>(c), is_first, in.done(), out);
    else
      put_character(c, is_first, in.done(), out);
  }
}

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool same_name(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

void name_text(Bytes name, NameText& out) noexcept {
  std::array<Attribute, kAttributesMax> attributes;
  std::size_t count = 0;
  for_each_attribute(name, [&](const Attribute& a) { attributes[count++] = a; });
  for (std::size_t i = count; i > 0; i--) {
    const Attribute& a = attributes[i - 1];
    // RFC 4514 2.2: attributes of one RDN are joined by +.
    if (i < count) out.put(attributes[i].rdn == a.rdn ? '+' : ',');
    const std::string_view short_name = attribute_name(a.oid);
    if (!short_name.empty()) {
      out.put(short_name);
    } else {
      OidText numbers;
      dotted(a.oid, numbers);
      out.put(numbers.view());
    }
    out.put('=');
    put_value(a.value, !short_name.empty(), out);
  }
}

Bytes common_name(Bytes name) noexcept {
  Bytes last;
  for_each_attribute(name, [&](const Attribute& a) {
    if (as_text(a.oid) == kCommonName) last = a.value.value;
  });
  return last;
}

bool host_matches(std::string_view host, std::string_view pattern) noexcept {
  if (same_name(host, pattern)) return true;
  const std::size_t star = pattern.find('*');
  const std::size_t dot = pattern.find('.');
  if (star == std::string_view::npos || dot == std::string_view::npos || star + 1 != dot) return false;
  if (pattern.find('.', dot + 1) == std::string_view::npos) return false;
  const std::size_t host_dot = host.find('.');
  if (host_dot == std::string_view::npos || host_dot < star) return false;
  return same_name(host.substr(host_dot), pattern.substr(dot)) &&
         same_name(host.substr(0, star), pattern.substr(0, star));
}

bool matches_host(const Certificate& c, std::string_view host) noexcept {
  if (!c.alternative_names) return !c.oddities.extension && host_matches(host, as_text(common_name(c.subject)));
  Cursor names(*c.alternative_names);
  AlternativeName name;
  while (next_name(names, name)) {
    if (name.kind == AlternativeName::kDns && host_matches(host, as_text(name.value))) return true;
  }
  return false;
}

}  // namespace catenary::x509
