#include "files/x509/certificate.h"

#include <algorithm>
#include <bit>

#include "base/ber_time.h"

namespace catenary::x509 {

using namespace ber;

namespace {

constexpr std::string_view kRsaEncryption{"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", 9};
// Not a key's algorithm, but what some Windows remote desktop servers write into their certificates all the same.
constexpr std::string_view kMd5WithRsa{"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04", 9};
constexpr std::string_view kDsa{"\x2a\x86\x48\xce\x38\x04\x01", 7};
constexpr std::string_view kEcPublicKey{"\x2a\x86\x48\xce\x3d\x02\x01", 7};
constexpr std::string_view kSubjectAltName{"\x55\x1d\x11", 3};
constexpr std::string_view kBasicConstraints{"\x55\x1d\x13", 3};

Bytes without_leading_zeros(Bytes integer) noexcept {
  while (!integer.empty() && integer[0] == 0) integer = integer.subspan(1);
  return integer;
}

std::uint32_t bits_of(Bytes integer) noexcept {
  const Bytes b = without_leading_zeros(integer);
  if (b.empty()) return 0;
  return static_cast<std::uint32_t>((b.size() - 1) * 8) + static_cast<std::uint32_t>(std::bit_width(b[0]));
}

// RFC 5280 4.1: RelativeDistinguishedName, a SET of one attribute or more. Whether each is well formed.
bool check_name(Bytes name, Oddities& odd) noexcept {
  Cursor rdns(name);
  std::size_t count = 0;
  while (!rdns.done()) {
    Cursor set(expect(rdns, kSet));
    while (!set.done()) {
      Cursor attribute(expect(set, kSequence));
      expect(attribute, kOid);
      const Tlv value = next(attribute);
      if (!attribute.ok()) return false;
      // X.690 8.23: a character of a BMPString has two bytes, one of a UniversalString four.
      if ((value.tag == 0x1e && value.value.size() % 2 != 0) || (value.tag == 0x1c && value.value.size() % 4 != 0))
        return false;
      count++;
    }
    if (!set.ok()) return false;
  }
  if (count > kAttributesMax) odd.too_many = true;
  return rdns.ok();
}

// RFC 5480 2.1.1: the curve's name, and nothing else. SEC 1 C.2 also has its numbers written out, which RFC 5480
// forbids: a certificate may then claim a curve whose base point its maker chose (CVE-2020-0601).
//   ECParameters  SEQUENCE { version, field SEQUENCE, curve SEQUENCE, base OCTET STRING, order INTEGER, ... }
void read_curve(Cursor in, Certificate& c) noexcept {
  if (const std::optional<Bytes> name = maybe(in, kOid)) {
    c.curve = find_curve(*name);
    if (!c.curve) return;
    c.key_bits = c.curve->order_bits;
  } else {
    Cursor numbers(expect(in, kSequence));
    expect(numbers, kInteger);
    expect(numbers, kSequence);
    expect(numbers, kSequence);
    expect(numbers, kOctetString);
    c.key_bits = bits_of(expect(numbers, kInteger));
    if (!in.ok() || !numbers.ok()) return;
    c.oddities.explicit_curve = true;
  }
  c.key_type = KeyType::kEc;
}

// RFC 3279 2.3. What cannot be read leaves the key unknown; the certificate is still one.
void read_key(Bytes algorithm, Bytes parameters, Bytes bit_string, Certificate& c) noexcept {
  c.key_algorithm = algorithm;
  if (bit_string.empty() || bit_string[0] != 0) return;
  Cursor key(bit_string.subspan(1));
  const std::string_view id = as_text(algorithm);
  if (id == kRsaEncryption || id == kMd5WithRsa) {
    Cursor rsa(expect(key, kSequence));
    const Bytes modulus = expect(rsa, kInteger);
    const Bytes exponent = expect(rsa, kInteger);
    if (!rsa.ok() || !key.ok()) return;
    c.key_type = KeyType::kRsa;
    c.key_bits = bits_of(modulus);
    c.exponent = exponent;
  } else if (id == kDsa) {
    Cursor outer(parameters);
    Cursor dsa(expect(outer, kSequence));
    const Bytes p = expect(dsa, kInteger);
    expect(key, kInteger);
    if (!dsa.ok() || !outer.ok() || !key.ok()) return;
    c.key_type = KeyType::kDsa;
    c.key_bits = bits_of(p);
  } else if (id == kEcPublicKey) {
    read_curve(Cursor(parameters), c);
  }
}

void read_basic_constraints(Bytes value, Certificate& c) noexcept {
  Cursor outer(value);
  Cursor in(expect(outer, kSequence));
  const std::optional<Bytes> ca = maybe(in, kBoolean);
  const std::optional<Bytes> path = maybe(in, kInteger);
  if (!outer.ok() || !in.ok() || (ca && ca->size() != 1) || (path && path->empty())) {
    c.oddities.extension = true;
    return;
  }
  c.is_ca = ca && (*ca)[0] != 0;
  c.path_length.reset();
  if (!path) return;
  std::uint32_t n = 0;
  for (const std::uint8_t b : without_leading_zeros(*path)) n = n > 0xffffff ? 0xffffffff : (n << 8) | b;
  c.path_length = n;
}

void read_alternative_names(Bytes value, Certificate& c) noexcept {
  Cursor outer(value);
  const Bytes names = expect(outer, kSequence);
  Cursor each(names);
  AlternativeName name;
  while (next_name(each, name)) {
  }
  if (!outer.ok() || !each.ok())
    c.oddities.extension = true;
  else
    c.alternative_names = names;
}

bool read_extensions(Bytes list, Certificate& c) noexcept {
  Cursor in(list);
  for (std::size_t i = 0; !in.done(); i++) {
    Cursor extension(expect(in, kSequence));
    const Bytes id = expect(extension, kOid);
    maybe(extension, kBoolean);
    const Bytes value = expect(extension, kOctetString);
    if (!extension.ok()) return false;
    if (i >= kExtensionsMax) {
      c.oddities.too_many = true;
      continue;
    }
    if (as_text(id) == kSubjectAltName) read_alternative_names(value, c);
    if (as_text(id) == kBasicConstraints) read_basic_constraints(value, c);
  }
  return in.ok();
}

bool read_validity(Bytes validity, Certificate& c) noexcept {
  Cursor in(validity);
  const Tlv from = next(in), until = next(in);
  for (const Tlv& t : {from, until}) {
    if (t.tag != kUtcTime && t.tag != kGeneralizedTime) return false;
  }
  if (!in.ok()) return false;
  const bool good_from = read_time(from, c.not_before), good_until = read_time(until, c.not_after);
  c.oddities.time = !good_from || !good_until;
  c.oddities.validity_reversed = !c.oddities.time && c.not_after < c.not_before;
  return true;
}

bool read_tbs(Bytes tbs, Certificate& c) noexcept {
  Cursor in(tbs);
  if (const std::optional<Bytes> version = maybe(in, 0xa0)) {
    Cursor v(*version);
    const Bytes number = expect(v, kInteger);
    if (!v.ok() || number.size() != 1 || number[0] > 0x7e) return false;
    c.version = static_cast<std::uint8_t>(number[0] + 1);
  }
  c.serial = expect(in, kInteger);
  Cursor algorithm(expect(in, kSequence));
  expect(algorithm, kOid);
  c.issuer = expect(in, kSequence);
  const Bytes validity = expect(in, kSequence);
  c.subject = expect(in, kSequence);
  Cursor spki(expect(in, kSequence));
  Cursor key_algorithm(expect(spki, kSequence));
  const Bytes key_id = expect(key_algorithm, kOid);
  const Bytes key = expect(spki, kBitString);
  if (!in.ok() || !algorithm.ok() || !spki.ok() || !key_algorithm.ok() || c.serial.empty()) return false;
  if (!check_name(c.issuer, c.oddities) || !check_name(c.subject, c.oddities) || !read_validity(validity, c))
    return false;
  read_key(key_id, key_algorithm.rest(), key, c);
  maybe(in, 0x81);
  maybe(in, 0x82);
  if (const std::optional<Bytes> extensions = maybe(in, 0xa3)) {
    Cursor outer(*extensions);
    const Bytes list = expect(outer, kSequence);
    if (!outer.ok() || !read_extensions(list, c)) return false;
  }
  return in.ok();
}

}  // namespace

bool next_name(Cursor& names, AlternativeName& out) noexcept {
  if (names.done()) return false;
  const Tlv t = next(names);
  out.kind = t.tag & 0x1f;
  // The string kinds and the address are primitive; anything else is another kind in disguise.
  if ((t.tag & 0xe0) != 0x80) out.kind = 0;
  out.value = t.value;
  return names.ok();
}

bool parse(Bytes der, Certificate& out) noexcept {
  out = {};
  Cursor in(der);
  const Tlv outer = next(in);
  if (!in.ok() || outer.tag != kSequence) return false;
  out.whole = outer.whole;
  Cursor parts(outer.value);
  const Bytes tbs = expect(parts, kSequence);
  Cursor algorithm(expect(parts, kSequence));
  out.signature_algorithm = expect(algorithm, kOid);
  expect(parts, kBitString);
  return parts.ok() && algorithm.ok() && read_tbs(tbs, out);
}

void serial_text(Bytes integer, SerialText& out) noexcept {
  if (integer.empty()) return;
  const bool is_negative = (integer[0] & 0x80) != 0;
  if (is_negative) out.put('-');
  // The magnitude of a negative number is its complement plus one; the one carries through the zero bytes at the end.
  std::size_t significant = integer.size();
  while (is_negative && significant > 0 && integer[significant - 1] == 0) significant--;
  bool is_leading = true;
  for (std::size_t i = 0; i < integer.size(); i++) {
    std::uint8_t b = integer[i];
    if (is_negative && i < significant) b = static_cast<std::uint8_t>(~b + (i + 1 == significant ? 1 : 0));
    if (is_leading && b == 0 && i + 1 < integer.size()) continue;
    is_leading = false;
    out.hex(b);
  }
}

void decimal_text(Bytes integer, DecimalText& out) noexcept {
  constexpr std::size_t kBytesMax = 24;  // 58 digits
  const Bytes number = without_leading_zeros(integer);
  if (number.size() > kBytesMax || (!integer.empty() && (integer[0] & 0x80))) return;
  // Long division of the base-256 digits by ten, least significant decimal digit first.
  std::array<std::uint8_t, kBytesMax> digits{};
  std::array<char, 3 * kBytesMax> reversed{};
  std::copy(number.begin(), number.end(), digits.begin());
  std::size_t count = 0;
  bool is_zero = false;
  while (!is_zero) {
    unsigned rest = 0;
    is_zero = true;
    for (std::size_t i = 0; i < number.size(); i++) {
      const unsigned value = rest * 256 + digits[i];
      digits[i] = static_cast<std::uint8_t>(value / 10);
      rest = value % 10;
      if (digits[i] != 0) is_zero = false;
    }
    reversed[count++] = static_cast<char>('0' + rest);
  }
  while (count > 0) out.put(reversed[--count]);
}

}  // namespace catenary::x509
