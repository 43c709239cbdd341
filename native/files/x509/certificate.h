// An X.509 certificate, RFC 5280 4.1, read from DER without a copy. Nothing is verified: this is what was shown.
//
//   Certificate  SEQUENCE { tbsCertificate, signatureAlgorithm, signature }
//   tbs          SEQUENCE { [0] version, serial, algorithm, issuer, validity, subject, publicKey,
//                           [1] issuerUid, [2] subjectUid, [3] extensions }
//
// Names of algorithms and attributes, and the form of a name as text, are those of OpenSSL and so of Zeek's x509.log.
#pragma once

#include <optional>

#include "base/cursor.h"
#include "files/x509/oid.h"

namespace catenary::x509 {

// Looked at in one certificate; a real one has about ten.
inline constexpr std::size_t kExtensionsMax = 64;
// Attributes of one name; a real one has under ten.
inline constexpr std::size_t kAttributesMax = 64;
// As much of a name as Zeek shows.
inline constexpr std::size_t kNameTextBytes = 2047;

using NameText = Text<kNameTextBytes>;
// RFC 5280 4.1.2.2: at most 20 bytes; longer ones occur and are cut.
using SerialText = Text<64>;
using DecimalText = Text<64>;

enum class KeyType : std::uint8_t { kOther, kRsa, kDsa, kEc };

// What was wrong without keeping the certificate from being read.
struct Oddities {
  bool time = false, validity_reversed = false, extension = false, too_many = false, explicit_curve = false;
};

// Views into the DER.
struct Certificate {
  Bytes whole;
  std::uint8_t version = 1;
  Bytes serial;                                // as encoded: two's complement
  Bytes issuer, subject;                       // the RDNSequence, without its tag
  std::int64_t not_before = 0, not_after = 0;  // seconds since the epoch; 0 where oddities.time
  Bytes key_algorithm, signature_algorithm;    // object identifiers

  KeyType key_type = KeyType::kOther;
  std::uint32_t key_bits = 0;  // 0: unknown
  Bytes exponent;              // RSA
  const Curve* curve = nullptr;

  std::optional<Bytes> alternative_names;  // the GeneralNames, without their tag
  std::optional<bool> is_ca;
  std::optional<std::uint32_t> path_length;
  Oddities oddities;

  bool is_self_signed() const noexcept { return as_text(issuer) == as_text(subject); }
};

// False when `der` is no certificate; what follows one is ignored.
bool parse(Bytes der, Certificate& out) noexcept;

// "CN=a.example,O=Example\, Inc.,C=US": the last attribute first, RFC 4514. A text that is not ASCII is UTF-8 in
// \XX; an attribute without a name shows its value as #hex.
void name_text(Bytes name, NameText& out) noexcept;
// The value of the last common name, as encoded; empty when there is none.
Bytes common_name(Bytes name) noexcept;

// Upper-case hexadecimal digits, two a byte, "-" ahead of a negative number, "00" for zero.
void serial_text(Bytes integer, SerialText& out) noexcept;

// A positive number in decimal; empty when it is longer than 24 bytes.
void decimal_text(Bytes integer, DecimalText& out) noexcept;

// One entry of the alternative names, RFC 5280 4.2.1.6. `kind` is the context tag: 1 mail, 2 DNS, 6 URI, 7 address.
struct AlternativeName {
  enum Kind : std::uint8_t { kMail = 1, kDns = 2, kUri = 6, kAddress = 7 };
  std::uint8_t kind = 0;
  Bytes value;
};
// Reads the next entry; false at the end.
bool next_name(Cursor& names, AlternativeName& out) noexcept;

// Whether the certificate is for this host name: RFC 6125 6.4, and common names only where no alternative name is,
// RFC 2818 3.1. A wildcard stands alone or ends the first label, of three at least.
bool matches_host(const Certificate& c, std::string_view host) noexcept;
// The same for one name.
bool host_matches(std::string_view host, std::string_view pattern) noexcept;

}  // namespace catenary::x509
