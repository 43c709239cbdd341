// Fingerprints of hellos: JA3 and JA3S (salesforce/ja3), for those who still look them up, and JA4 (FoxIO, BSD
// licence), which a client that shuffles its extensions does not change.
//
//   JA3   MD5 of version,ciphers,extensions,groups,point formats: decimal numbers, in order, joined by -
//   JA3S  MD5 of version,cipher,extensions of the ServerHello
//   JA4   t13d1516h2_8daaf6152771_e5627efa2ab1
//         t, d (DTLS), q (QUIC) | version | d: a server name, i: none | ciphers | extensions | ALPN's first and last
//         character _ SHA-256 of the sorted ciphers _ SHA-256 of the sorted extensions without SNI and ALPN, and the
//         signature algorithms in order; 12 digits of each. GREASE values are left out everywhere.
#pragma once

#include "files/hasher.h"
#include "protocols/tls/hello.h"

namespace catenary::tls {

inline constexpr std::size_t kJa3Bytes = 32;
inline constexpr std::size_t kJa4Bytes = 36;

// Texts in the caller's room; empty when the hello is over a limit: half a fingerprint is another one.
std::string_view ja3(const ClientHello& h, files::Hasher& hasher, std::array<char, kJa3Bytes>& out) noexcept;
std::string_view ja3s(const ServerHello& h, files::Hasher& hasher, std::array<char, kJa3Bytes>& out) noexcept;
// `transport`: t, d or q.
std::string_view ja4(const ClientHello& h, char transport, files::Hasher& hasher,
                     std::array<char, kJa4Bytes>& out) noexcept;

}  // namespace catenary::tls
