// For tests: records and messages written piece by piece, so that a row can break exactly one of them.
#pragma once

#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace catenary::tls::build {

using Octets = std::vector<std::uint8_t>;

inline Octets join(std::initializer_list<Octets> parts) {
  Octets out;
  for (const Octets& p : parts) out.insert(out.end(), p.begin(), p.end());
  return out;
}
inline Octets u8(std::size_t v) { return {std::uint8_t(v)}; }
inline Octets u16(std::size_t v) { return {std::uint8_t(v >> 8), std::uint8_t(v)}; }
inline Octets u24(std::size_t v) { return {std::uint8_t(v >> 16), std::uint8_t(v >> 8), std::uint8_t(v)}; }
inline Octets text(std::string_view s) { return {s.begin(), s.end()}; }
inline Octets u16s(const std::vector<std::uint16_t>& list) {
  Octets out;
  for (const std::uint16_t v : list) out = join({out, u16(v)});
  return out;
}
// A length of one, two or three bytes ahead of what it counts.
inline Octets short_list(const Octets& b) { return join({u8(b.size()), b}); }
inline Octets list(const Octets& b) { return join({u16(b.size()), b}); }
inline Octets long_list(const Octets& b) { return join({u24(b.size()), b}); }

inline Octets tls_record(std::uint8_t type, const Octets& body, std::uint16_t version = 0x0303) {
  return join({u8(type), u16(version), list(body)});
}
inline Octets message(std::uint8_t type, const Octets& body) { return join({u8(type), long_list(body)}); }
inline Octets handshake(std::uint8_t type, const Octets& body) { return tls_record(22, message(type, body)); }

inline Octets extension(std::uint16_t type, const Octets& data) { return join({u16(type), list(data)}); }
inline Octets server_name(std::string_view host) { return extension(0, list(join({u8(0), list(text(host))}))); }
inline Octets alpn(const std::vector<std::string_view>& names) {
  Octets all;
  for (const std::string_view n : names) all = join({all, short_list(text(n))});
  return extension(16, list(all));
}

struct Client {
  std::uint16_t version = 0x0303;
  Octets session_id{};
  std::vector<std::uint16_t> ciphers{0xc02f, 0x002f};
  Octets extensions{};
  bool has_extensions = true;
};
inline Octets client_hello_body(const Client& c = {}) {
  const Octets cookie = c.version >= 0xfe00 ? u8(0) : Octets{};
  return join({u16(c.version), Octets(32, 0x11), short_list(c.session_id), cookie, list(u16s(c.ciphers)),
               short_list({0}), c.has_extensions ? list(c.extensions) : Octets{}});
}
inline Octets client_hello(const Client& c = {}) { return handshake(1, client_hello_body(c)); }

struct Server {
  std::uint16_t version = 0x0303;
  Octets session_id{};
  std::uint16_t cipher = 0xc02f;
  Octets extensions{};
  Octets random = Octets(32, 0x22);
};
inline Octets server_hello_body(const Server& s = {}) {
  return join({u16(s.version), s.random, short_list(s.session_id), u16(s.cipher), u8(0), list(s.extensions)});
}
inline Octets server_hello(const Server& s = {}) { return handshake(2, server_hello_body(s)); }
// SHA-256 of "HelloRetryRequest", RFC 8446 4.1.3.
inline Octets retry_random() {
  return {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
          0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};
}

inline Octets certificates(const std::vector<Octets>& chain) {
  Octets all;
  for (const Octets& c : chain) all = join({all, long_list(c)});
  return handshake(11, long_list(all));
}
// ECDHE with x25519 and a signature, RFC 8422 5.4.
inline Octets key_exchange_body() {
  return join({u8(3), u16(29), short_list(Octets(32, 9)), u16(0x0403), list(Octets(70, 8))});
}
inline Octets key_exchange() { return handshake(12, key_exchange_body()); }
inline Octets hello_done() { return handshake(14, {}); }
inline Octets client_key() { return handshake(16, short_list(Octets(32, 7))); }
inline Octets change_cipher_spec() { return tls_record(20, {1}); }
inline Octets sealed() { return tls_record(22, Octets(40, 0xee)); }
inline Octets data(std::size_t n = 100) { return tls_record(23, Octets(n, 0xdd)); }

// DTLS: the record, and a fragment of a message in it.
inline Octets datagram(std::uint8_t type, const Octets& body, std::uint16_t epoch = 0, std::uint16_t version = 0xfefd) {
  return join({u8(type), u16(version), u16(epoch), Octets(6, 0), list(body)});
}
inline Octets fragment(std::uint8_t type, std::uint16_t number, const Octets& whole, std::size_t from, std::size_t n) {
  const Octets piece(whole.begin() + static_cast<std::ptrdiff_t>(from),
                     whole.begin() + static_cast<std::ptrdiff_t>(from + n));
  return join({u8(type), u24(whole.size()), u16(number), u24(from), long_list(piece)});
}
inline Octets datagram_message(std::uint8_t type, std::uint16_t number, const Octets& body) {
  return datagram(22, fragment(type, number, body, 0, body.size()));
}

}  // namespace catenary::tls::build
