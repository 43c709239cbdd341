#include "protocols/tls/names.h"

#include <algorithm>
#include <iterator>

namespace catenary::tls {
namespace {

struct Named {
  std::uint32_t code;
  std::string_view name;
};

constexpr Named kVersions[] = {
    {kSsl2, "SSLv2"},   {kSsl3, "SSLv3"},     {kTls10, "TLSv10"},   {kTls11, "TLSv11"},   {kTls12, "TLSv12"},
    {kTls13, "TLSv13"}, {kDtls13, "DTLSv13"}, {kDtls12, "DTLSv12"}, {kDtls10, "DTLSv10"},
};

constexpr Named kSsl2Ciphers[] = {
    {0x010080, "SSLv20_CK_RC4_128_WITH_MD5"},          {0x020080, "SSLv20_CK_RC4_128_EXPORT40_WITH_MD5"},
    {0x030080, "SSLv20_CK_RC2_128_CBC_WITH_MD5"},      {0x040080, "SSLv20_CK_RC2_128_CBC_EXPORT40_WITH_MD5"},
    {0x050080, "SSLv20_CK_IDEA_128_CBC_WITH_MD5"},     {0x060040, "SSLv20_CK_DES_64_CBC_WITH_MD5"},
    {0x0700c0, "SSLv20_CK_DES_192_EDE3_CBC_WITH_MD5"},
};

// IANA, TLS Supported Groups; the last but two are drafts that browsers shipped.
constexpr Named kGroups[] = {
    {1, "sect163k1"},
    {2, "sect163r1"},
    {3, "sect163r2"},
    {4, "sect193r1"},
    {5, "sect193r2"},
    {6, "sect233k1"},
    {7, "sect233r1"},
    {8, "sect239k1"},
    {9, "sect283k1"},
    {10, "sect283r1"},
    {11, "sect409k1"},
    {12, "sect409r1"},
    {13, "sect571k1"},
    {14, "sect571r1"},
    {15, "secp160k1"},
    {16, "secp160r1"},
    {17, "secp160r2"},
    {18, "secp192k1"},
    {19, "secp192r1"},
    {20, "secp224k1"},
    {21, "secp224r1"},
    {22, "secp256k1"},
    {23, "secp256r1"},
    {24, "secp384r1"},
    {25, "secp521r1"},
    {26, "brainpoolP256r1"},
    {27, "brainpoolP384r1"},
    {28, "brainpoolP512r1"},
    {29, "x25519"},
    {30, "x448"},
    {31, "brainpoolP256r1tls13"},
    {32, "brainpoolP384r1tls13"},
    {33, "brainpoolP512r1tls13"},
    {34, "GC256A"},
    {35, "GC256B"},
    {36, "GC256C"},
    {37, "GC256D"},
    {38, "GC512A"},
    {39, "GC512B"},
    {40, "GC512C"},
    {41, "curveSM2"},
    {256, "ffdhe2048"},
    {257, "ffdhe3072"},
    {258, "ffdhe4096"},
    {259, "ffdhe6144"},
    {260, "ffdhe8192"},
    {512, "MLKEM512"},
    {513, "MLKEM768"},
    {514, "MLKEM1024"},
    {4587, "SecP256r1MLKEM768"},
    {4588, "X25519MLKEM768"},
    {4589, "SecP384r1MLKEM1024"},
    {4590, "curveSM2MLKEM768"},
    {16696, "CECPQ2"},
    {25497, "X25519Kyber768Draft00"},
    {25498, "SecP256r1Kyber768Draft00"},
    {0xff01, "arbitrary_explicit_prime_curves"},
    {0xff02, "arbitrary_explicit_char2_curves"},
};

// IANA, TLS Alerts.
constexpr Named kAlerts[] = {
    {0, "close_notify"},
    {10, "unexpected_message"},
    {20, "bad_record_mac"},
    {21, "decryption_failed"},
    {22, "record_overflow"},
    {30, "decompression_failure"},
    {40, "handshake_failure"},
    {41, "no_certificate"},
    {42, "bad_certificate"},
    {43, "unsupported_certificate"},
    {44, "certificate_revoked"},
    {45, "certificate_expired"},
    {46, "certificate_unknown"},
    {47, "illegal_parameter"},
    {48, "unknown_ca"},
    {49, "access_denied"},
    {50, "decode_error"},
    {51, "decrypt_error"},
    {60, "export_restriction"},
    {70, "protocol_version"},
    {71, "insufficient_security"},
    {80, "internal_error"},
    {86, "inappropriate_fallback"},
    {90, "user_canceled"},
    {100, "no_renegotiation"},
    {110, "unsupported_extension"},
    {111, "certificate_unobtainable"},
    {112, "unrecognized_name"},
    {113, "bad_certificate_status_response"},
    {114, "bad_certificate_hash_value"},
    {115, "unknown_psk_identity"},
    {116, "certificate_required"},
    {117, "general_error"},
    {120, "no_application_protocol"},
    {121, "ech_required"},
};

template <std::size_t N>
constexpr bool is_sorted(const Named (&rows)[N]) {
  for (std::size_t i = 1; i < N; i++) {
    if (rows[i - 1].code >= rows[i].code) return false;
  }
  return true;
}
static_assert(is_sorted(kVersions) && is_sorted(kSsl2Ciphers) && is_sorted(kGroups) && is_sorted(kAlerts));

template <std::size_t N>
std::string_view find(const Named (&rows)[N], std::uint32_t code) noexcept {
  const Named* row = std::lower_bound(rows, rows + N, code, [](const Named& r, std::uint32_t c) { return r.code < c; });
  return row != rows + N && row->code == code ? row->name : std::string_view{};
}

std::string_view numbered(std::string_view prefix, std::uint32_t number, NameBuffer& out) noexcept {
  std::size_t size = static_cast<std::size_t>(std::copy(prefix.begin(), prefix.end(), out.begin()) - out.begin());
  std::array<char, 10> digits;
  std::size_t count = 0;
  do {
    digits[count++] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number > 0);
  while (count > 0) out[size++] = digits[--count];
  return {out.data(), size};
}

std::string_view grease(std::uint32_t code, NameBuffer& out) noexcept {
  static constexpr std::string_view kPrefix = "grease_0x";
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::size_t size = static_cast<std::size_t>(std::copy(kPrefix.begin(), kPrefix.end(), out.begin()) - out.begin());
  for (int shift = 12; shift >= 0; shift -= 4) out[size++] = kDigits[(code >> shift) & 15];
  return {out.data(), size};
}

std::string_view named(std::string_view found, std::uint32_t code, NameBuffer& buffer) noexcept {
  if (!found.empty()) return found;
  if (code <= 0xffff && is_grease(static_cast<std::uint16_t>(code))) return grease(code, buffer);
  return numbered("unknown-", code, buffer);
}

}  // namespace

std::string_view version_name(std::uint16_t version, NameBuffer& buffer) noexcept {
  const std::string_view found = find(kVersions, version);
  if (!found.empty()) return found;
  if (is_draft13(version)) return numbered("TLSv13-draft", version & 0xffu, buffer);
  return numbered("unknown-", version, buffer);
}

std::string_view cipher_name(std::uint32_t cipher, NameBuffer& buffer) noexcept {
  const bool is_ssl2 = cipher > 0xffff;
  return named(is_ssl2 ? find(kSsl2Ciphers, cipher) : find_cipher(static_cast<std::uint16_t>(cipher)), cipher, buffer);
}

std::string_view group_name(std::uint16_t group, NameBuffer& buffer) noexcept {
  return named(find(kGroups, group), group, buffer);
}

std::string_view alert_name(std::uint16_t alert, NameBuffer& buffer) noexcept {
  const std::string_view found = find(kAlerts, alert);
  return found.empty() ? numbered("unknown-", alert, buffer) : found;
}

KeyExchange key_exchange_of(std::uint32_t cipher) noexcept {
  if (cipher > 0xffff) return KeyExchange::kOther;
  const std::string_view name = find_cipher(static_cast<std::uint16_t>(cipher));
  if (name.starts_with("TLS_ECDHE_PSK_")) return KeyExchange::kEcdhePsk;
  if (name.starts_with("TLS_ECDHE_")) return KeyExchange::kEcdhe;
  if (name.starts_with("TLS_ECDH_ANON_")) return KeyExchange::kEcdheAnonymous;
  return KeyExchange::kOther;
}

}  // namespace catenary::tls
