// For tests: certificates written piece by piece, so that a row can break exactly one of them.
//
//   const auto der = build::certificate({.subject = build::name({{"2.5.4.3", build::utf8("a.example")}})});
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace catenary::x509::build {

using Der = std::vector<std::uint8_t>;

inline Der text(std::string_view s) { return {s.begin(), s.end()}; }

inline Der join(std::initializer_list<Der> parts) {
  Der out;
  for (const Der& p : parts) out.insert(out.end(), p.begin(), p.end());
  return out;
}

inline Der tlv(std::uint8_t tag, const Der& value) {
  Der out{tag};
  const std::size_t n = value.size();
  if (n >= 0x10000)
    out.insert(out.end(), {0x83, std::uint8_t(n >> 16), std::uint8_t(n >> 8), std::uint8_t(n)});
  else if (n >= 0x100)
    out.insert(out.end(), {0x82, std::uint8_t(n >> 8), std::uint8_t(n)});
  else if (n >= 0x80)
    out.insert(out.end(), {0x81, std::uint8_t(n)});
  else
    out.push_back(std::uint8_t(n));
  out.insert(out.end(), value.begin(), value.end());
  return out;
}

inline Der sequence(std::initializer_list<Der> parts) { return tlv(0x30, join(parts)); }
inline Der utf8(std::string_view s) { return tlv(0x0c, text(s)); }
inline Der printable(std::string_view s) { return tlv(0x13, text(s)); }
inline Der bit_string(const Der& bits) { return tlv(0x03, join({{0}, bits})); }

inline Der oid(std::string_view dotted) {
  std::vector<unsigned long> arcs{0};
  for (const char c : dotted) {
    if (c == '.')
      arcs.push_back(0);
    else
      arcs.back() = arcs.back() * 10 + static_cast<unsigned long>(c - '0');
  }
  Der value;
  for (std::size_t i = 1; i < arcs.size(); i++) {
    const unsigned long arc = i == 1 ? arcs[0] * 40 + arcs[1] : arcs[i];
    Der digits{std::uint8_t(arc & 0x7f)};
    for (unsigned long rest = arc >> 7; rest > 0; rest >>= 7)
      digits.insert(digits.begin(), std::uint8_t(0x80 | (rest & 0x7f)));
    value.insert(value.end(), digits.begin(), digits.end());
  }
  return tlv(0x06, value);
}

struct Attribute {
  std::string_view type;
  Der value;
};
// Each attribute an RDN of its own; use tlv(0x31, ...) for one of several.
inline Der rdn(std::initializer_list<Attribute> attributes) {
  Der set;
  for (const Attribute& a : attributes) set = join({set, sequence({oid(a.type), a.value})});
  return tlv(0x31, set);
}
inline Der name(std::initializer_list<Attribute> attributes) {
  Der out;
  for (const Attribute& a : attributes) out = join({out, rdn({a})});
  return tlv(0x30, out);
}

inline Der rsa_key(std::size_t modulus_bytes = 128, const Der& exponent = {1, 0, 1}) {
  Der modulus(modulus_bytes, 0xab);
  modulus.insert(modulus.begin(), 0);
  return sequence(
      {sequence({oid("1.2.840.113549.1.1.1"), tlv(5, {})}), bit_string(sequence({tlv(2, modulus), tlv(2, exponent)}))});
}
inline Der ec_key(const Der& parameters) {
  return sequence({sequence({oid("1.2.840.10045.2.1"), parameters}), bit_string(Der(65, 4))});
}

inline Der extension(std::string_view type, const Der& value) { return sequence({oid(type), tlv(0x04, value)}); }
// Context tags: 0x82 DNS, 0x81 mail, 0x86 URI, 0x87 address.
inline Der alternative_names(const Der& names) { return extension("2.5.29.17", tlv(0x30, names)); }
inline Der basic_constraints(const Der& content) { return extension("2.5.29.19", tlv(0x30, content)); }

struct Parts {
  Der version = tlv(0xa0, {0x02, 0x01, 0x02});
  Der serial = tlv(0x02, {0x01, 0xab});
  std::string_view signature = "1.2.840.113549.1.1.11";
  Der issuer = name({{"2.5.4.3", utf8("Example Root")}});
  Der not_before = tlv(0x17, text("230102030405Z"));
  Der not_after = tlv(0x17, text("330102030405Z"));
  Der subject = name({{"2.5.4.3", utf8("www.example.test")}});
  Der key = rsa_key();
  Der extensions{};  // the extensions alone, one after another
};
inline Der certificate(const Parts& p = {}) {
  const Der algorithm = sequence({oid(p.signature), tlv(5, {})});
  const Der list = p.extensions.empty() ? Der{} : tlv(0xa3, tlv(0x30, p.extensions));
  const Der tbs = sequence(
      {p.version, p.serial, algorithm, p.issuer, sequence({p.not_before, p.not_after}), p.subject, p.key, list});
  return sequence({tbs, algorithm, bit_string(Der(64, 0x55))});
}

}  // namespace catenary::x509::build
