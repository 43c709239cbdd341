#include "files/x509/x509.h"

#include "files/x509/x509.gen.h"
#include "flow/flow.h"

namespace catenary::x509 {
namespace {

template <class T, std::size_t N>
struct List {
  std::array<T, N> items;
  std::size_t size = 0;
  bool add(const T& item) noexcept {
    if (size == N) return false;
    items[size++] = item;
    return true;
  }
  std::span<const T> span() const noexcept { return {items.data(), size}; }
};

struct AlternativeNames {
  List<std::string_view, kDnsNamesMax> dns;
  List<std::string_view, kUriNamesMax> uri;
  List<std::string_view, kMailNamesMax> mail;
  List<Ip, kAddressesMax> addresses;
  bool is_cut = false, has_nul = false;
};

bool has_nul(Bytes text) noexcept { return as_text(text).find('\0') != std::string_view::npos; }

void collect(Bytes list, AlternativeNames& out) noexcept {
  Cursor names(list);
  AlternativeName name;
  while (next_name(names, name)) {
    bool has_room = true;
    switch (name.kind) {
      case AlternativeName::kDns:
        has_room = out.dns.add(as_text(name.value));
        // A name that ends early for whoever reads it as a C string: RFC 6125 has no zero byte in a name.
        out.has_nul |= has_nul(name.value);
        break;
      case AlternativeName::kUri: has_room = out.uri.add(as_text(name.value)); break;
      case AlternativeName::kMail: has_room = out.mail.add(as_text(name.value)); break;
      case AlternativeName::kAddress:
        if (name.value.size() == 4) has_room = out.addresses.add(Ip::v4(name.value));
        if (name.value.size() == 16) has_room = out.addresses.add(Ip::v6(name.value));
        break;
      default: break;
    }
    if (!has_room) out.is_cut = true;
  }
}

std::string_view key_type_name(KeyType t) noexcept {
  switch (t) {
    case KeyType::kRsa: return "rsa";
    case KeyType::kDsa: return "dsa";
    case KeyType::kEc: return "ecdsa";
    case KeyType::kOther: break;
  }
  return {};
}

// The name of an algorithm, or its numbers.
std::string_view algorithm_text(Bytes oid, OidText& buffer) noexcept {
  const std::string_view name = algorithm_name(oid);
  if (!name.empty()) return name;
  dotted(oid, buffer);
  return buffer.view();
}

// Times outside what a record holds are cut to it; the schema's field in seconds has the true one.
Micros micros_of(std::int64_t seconds) noexcept {
  if (seconds <= 0) return 0;
  const auto s = static_cast<std::uint64_t>(seconds);
  return s > kTimeMax / 1'000'000 ? kTimeMax : s * 1'000'000;
}

}  // namespace

bool Register::see(flow::Context& cx, Bytes der, Role role, Seen& out) {
  if (!parse(der, out.certificate)) {
    cx.weird(Weird::x509_der_malformed);
    return false;
  }
  hasher_.digest(files::Hash::kSha256, out.certificate.whole, out.fingerprint);
  if (known_.is_new(out.fingerprint, role.is_host, role.is_client, cx.now)) report(cx, out, role);
  return true;
}

void Register::report(flow::Context& cx, const Seen& seen, Role role) {
  const Certificate& c = seen.certificate;
  if (c.oddities.time) cx.weird(Weird::x509_time_malformed);
  if (c.oddities.validity_reversed) cx.weird(Weird::x509_validity_reversed);
  if (c.oddities.extension) cx.weird(Weird::x509_extension_malformed);
  if (c.oddities.explicit_curve) cx.weird(Weird::x509_explicit_curve);
  if (c.oddities.too_many) cx.weird(Weird::x509_parts_limit);

  X509Event e;
  e.ts = micros(cx.now);
  std::array<char, 64> fingerprint, sha1;
  files::Sha256 digest;
  e.fingerprint = files::hex_text(seen.fingerprint, fingerprint.data());
  const Bytes sha1_bytes = hasher_.digest(files::Hash::kSha1, c.whole, digest);
  if (!sha1_bytes.empty()) e.sha1 = files::hex_text(sha1_bytes, sha1.data());
  e.bytes = static_cast<std::uint32_t>(c.whole.size());
  e.host_cert = role.is_host;
  e.client_cert = role.is_client;
  e.self_signed = c.is_self_signed();

  e.certificate_version = c.version;
  SerialText serial;
  serial_text(c.serial, serial);
  e.certificate_serial = serial.view();
  NameText subject, issuer;
  name_text(c.subject, subject);
  name_text(c.issuer, issuer);
  e.certificate_subject = subject.view();
  e.certificate_issuer = issuer.view();
  e.certificate_not_valid_before = micros_of(c.not_before);
  e.certificate_not_valid_after = micros_of(c.not_after);
  if (e.certificate_not_valid_after == kTimeMax) e.certificate_not_valid_after_s = c.not_after;

  OidText key_algorithm, signature_algorithm;
  e.certificate_key_alg = algorithm_text(c.key_algorithm, key_algorithm);
  e.certificate_sig_alg = algorithm_text(c.signature_algorithm, signature_algorithm);
  if (c.key_type != KeyType::kOther) e.certificate_key_type = key_type_name(c.key_type);
  if (c.key_bits > 0) e.certificate_key_length = c.key_bits;
  DecimalText exponent;
  decimal_text(c.exponent, exponent);
  if (c.key_type == KeyType::kRsa && !exponent.empty()) e.certificate_exponent = exponent.view();
  if (c.curve) e.certificate_curve = c.curve->name;

  AlternativeNames names;
  if (c.alternative_names) collect(*c.alternative_names, names);
  e.san_dns = names.dns.span();
  e.san_uri = names.uri.span();
  e.san_email = names.mail.span();
  e.san_ip = names.addresses.span();
  if (names.is_cut) cx.weird(Weird::x509_san_limit);
  if (names.has_nul || has_nul(common_name(c.subject))) cx.weird(Weird::x509_name_has_nul);
  e.basic_constraints_ca = c.is_ca;
  e.basic_constraints_path_len = c.path_length;
  e.cut = serial.is_cut() || subject.is_cut() || issuer.is_cut() || names.is_cut;
  cx.emit(e);
}

}  // namespace catenary::x509
