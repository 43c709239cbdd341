// Messages of Kerberos: RFC 4120 5, with the bits of MS-SFU that name another user. Views are of the message.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/ber.h"
#include "base/net.h"

namespace catenary::kerberos {

// RFC 4120 5.10: numbers of messages, which are their tags as well.
enum class Type : std::uint8_t {
  kAsRequest = 10,
  kAsReply = 11,
  kTgsRequest = 12,
  kTgsReply = 13,
  kApRequest = 14,
  kApReply = 15,
  kError = 30,
};

inline constexpr std::size_t kListMax = 16;        // encryptions, proofs; clients have less than ten
inline constexpr std::size_t kNamePartsMax = 16;   // of a principal; services have two or three
inline constexpr std::size_t kNameBytesMax = 512;  // of a principal as text
inline constexpr std::size_t kTextBytesMax = 256;

struct Message {
  Type type = Type::kAsRequest;
  std::optional<std::string> client, service, realm;  // realm: of requests the service's, of replies the client's
  std::optional<Micros> from, till;
  std::optional<std::uint32_t> options;
  std::optional<std::uint32_t> ticket_cipher, preauth_cipher;  // encryption types
  std::vector<std::uint32_t> ciphers, preauth;
  std::optional<std::string> for_user;
  // Errors.
  std::uint32_t error = 0;
  std::optional<std::string> text;
};

// Whether this begins as a message of a type that is read, with all of its bytes announced: its length, or nothing.
std::optional<std::size_t> message_size(Bytes head) noexcept;
// False: it contradicts RFC 4120 5.
bool read(Bytes bytes, Message& out);

// Names of RFC 4120 7.5.9, 7.5.2 and of the registry of encryption types (RFC 3961 8, RFC 8009, RFC 4757).
std::string_view error_name(std::uint32_t code) noexcept;
std::string cipher_name(std::uint32_t number);
std::string preauth_name(std::uint32_t number);

}  // namespace catenary::kerberos
