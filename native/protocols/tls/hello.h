// ClientHello and ServerHello, RFC 8446 4.1 and RFC 5246 7.4.1, with the extensions that a log or a fingerprint needs.
//
//   ClientHello  version (2) | random (32) | session id (1+n) | DTLS: cookie (1+n) | cipher suites (2+n)
//                | compression methods (1+n) | extensions (2 + { type (2) | length (2) | data })
//   ServerHello  version (2) | random (32) | session id (1+n) | cipher suite (2) | compression (1) | extensions
//                drafts of TLS 1.3 before 22, and their version number: no session id, no compression
//
// A reader keeps what it has read when the message breaks off: Zeek's row of such a flow has it too.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "base/cursor.h"

namespace catenary::tls {

inline constexpr std::size_t kCiphersMax = 512;     // scanners offer some 350
inline constexpr std::size_t kExtensionsMax = 128;  // browsers send about 20
inline constexpr std::size_t kGroupsMax = 64;
inline constexpr std::size_t kSignaturesMax = 64;
inline constexpr std::size_t kVersionsMax = 16;
inline constexpr std::size_t kProtocolsMax = 16;    // of ALPN
inline constexpr std::size_t kSessionIdBytes = 32;  // RFC 8446 4.1.2

enum Extension : std::uint16_t {
  kServerName = 0,
  kSupportedGroups = 10,
  kPointFormats = 11,
  kSignatureAlgorithms = 13,
  kHeartbeatMode = 15,
  kAlpn = 16,
  kSessionTicket = 35,
  kKeyShareDraft = 40,
  kPreSharedKey = 41,
  kSupportedVersions = 43,
  kKeyShare = 51,
};

// Filled from the front; what has no room is counted out by is_full.
template <class T, std::size_t N>
struct List {
  std::array<T, N> items;  // only the first `size` are set
  std::size_t size = 0;
  bool is_full = false;
  void add(const T& item) noexcept {
    if (size < N)
      items[size++] = item;
    else
      is_full = true;
  }
  std::span<const T> span() const noexcept { return {items.data(), size}; }
  bool has(const T& item) const noexcept {
    for (std::size_t i = 0; i < size; i++) {
      if (items[i] == item) return true;
    }
    return false;
  }
};

// As far as both sides' extensions are told in the same words.
struct Extensions {
  List<std::uint16_t, kExtensionsMax> types;
  List<std::string_view, kProtocolsMax> protocols;
  bool is_repeated = false;     // RFC 8446 4.2: not more than one of a type
  bool length_differs = false;  // the length of them all is not what is there
};

struct ClientHello {
  std::uint16_t version = 0;
  std::array<std::uint8_t, kSessionIdBytes> session_id{};  // of a longer one: nothing
  List<std::uint16_t, kCiphersMax> ciphers;
  Extensions extensions;
  List<std::uint16_t, kGroupsMax> groups;
  List<std::uint16_t, kSignaturesMax> signatures;
  List<std::uint16_t, kVersionsMax> versions;
  Bytes point_formats;
  std::optional<std::string_view> server_name;
  std::size_t server_names = 0;
  bool has_ticket = false;  // not an empty one
  bool has_psk = false;
  // More than a list holds: no fingerprint can be made of it.
  bool is_over_limit() const noexcept {
    return ciphers.is_full || extensions.types.is_full || groups.is_full || signatures.is_full || versions.is_full;
  }
};

struct ServerHello {
  std::uint16_t version = 0;
  std::array<std::uint8_t, kSessionIdBytes> session_id{};
  std::uint16_t cipher = 0;
  Extensions extensions;
  std::optional<std::uint16_t> selected_version;  // of the extension
  std::optional<std::uint16_t> group;
  bool has_psk = false;
  bool is_retry = false;  // RFC 8446 4.1.3: a HelloRetryRequest is a ServerHello with a fixed random
};

// False when the lengths contradict themselves; `out` has what came before.
bool read(Cursor in, ClientHello& out) noexcept;
bool read(Cursor in, ServerHello& out) noexcept;

}  // namespace catenary::tls
