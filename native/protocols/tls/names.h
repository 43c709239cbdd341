// Numbers of TLS as the texts of the field's logs: versions, cipher suites, groups, alerts. What has no name is
// "unknown-" and the number.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace catenary::tls {

inline constexpr std::uint16_t kSsl2 = 0x0002;
inline constexpr std::uint16_t kSsl3 = 0x0300;
inline constexpr std::uint16_t kTls10 = 0x0301;
inline constexpr std::uint16_t kTls11 = 0x0302;
inline constexpr std::uint16_t kTls12 = 0x0303;
inline constexpr std::uint16_t kTls13 = 0x0304;
inline constexpr std::uint16_t kDtls10 = 0xfeff;
inline constexpr std::uint16_t kDtls12 = 0xfefd;
inline constexpr std::uint16_t kDtls13 = 0xfefc;

// RFC 8701: 0a0a, 1a1a, ... fafa. Clients send them to keep servers tolerant; they mean nothing.
constexpr bool is_grease(std::uint16_t v) noexcept { return (v & 0x0f0f) == 0x0a0a && (v >> 8) == (v & 0xff); }
// The drafts of TLS 1.3 had version 7f00 and the draft's number.
constexpr bool is_draft13(std::uint16_t v) noexcept { return (v >> 8) == 0x7f; }
constexpr bool is_dtls(std::uint16_t v) noexcept { return (v >> 8) == 0xfe; }

// Room for a text that is not in a table; the returned view may point into it.
using NameBuffer = std::array<char, 24>;

std::string_view version_name(std::uint16_t version, NameBuffer& buffer) noexcept;
// 24 bits: an SSL 2.0 cipher has three bytes.
std::string_view cipher_name(std::uint32_t cipher, NameBuffer& buffer) noexcept;
std::string_view group_name(std::uint16_t group, NameBuffer& buffer) noexcept;
std::string_view alert_name(std::uint16_t alert, NameBuffer& buffer) noexcept;
// Empty when no such suite is assigned.
std::string_view find_cipher(std::uint16_t code) noexcept;

// The part of a cipher's name that says how keys are agreed on decides the form of ServerKeyExchange.
enum class KeyExchange : std::uint8_t { kOther, kEcdhe, kEcdheAnonymous, kEcdhePsk };
KeyExchange key_exchange_of(std::uint32_t cipher) noexcept;

}  // namespace catenary::tls
