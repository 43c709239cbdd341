// What each side of an SSH key exchange can do, and what comes of it: RFC 4253 7.1. HASSH is the MD5 of one side's
// lists: "kex;ciphers;macs;compressions", of the direction in which that side sends.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "base/cursor.h"
#include "files/hasher.h"

namespace catenary::ssh {

// RFC 4253 6.1: a payload of 32768 bytes and a packet of 35000 must be understood; no key exchange needs more.
inline constexpr std::uint32_t kPacketBytesMax = 35000;
// Names looked at in one list. Programs have up to forty; matching two lists costs the product.
inline constexpr std::size_t kNamesMax = 128;
// RFC 4251 6: a name is at most 64 bytes long.
inline constexpr std::size_t kNameBytesMax = 64;
inline constexpr std::size_t kHasshBytes = 32;

// In the order of the message.
enum List : std::uint8_t { kKex, kHostKey, kCipherUp, kCipherDown, kMacUp, kMacDown, kCompressUp, kCompressDown };
inline constexpr std::size_t kListCount = 8;

// Views into the message it was read from.
struct Kexinit {
  std::array<std::string_view, kListCount> lists;
};

// in: the payload after the message's number. False when a list leaves the message.
bool read_kexinit(Bytes payload, Kexinit& out) noexcept;

// The first name of the client's list that the server's has too; empty when there is none. `is_over` is set when either
// list has more than kNamesMax names. Cost: kNamesMax squared comparisons at most.
std::string_view agreed(std::string_view client, std::string_view server, bool& is_over) noexcept;

// Room for the longest HASSH text: four lists of one packet and three semicolons.
using HasshRoom = std::array<char, kPacketBytesMax + 4>;

// Empty when the library refuses MD5.
std::string_view hassh(const Kexinit& k, bool is_client, files::Hasher& hasher, HasshRoom& room,
                       std::array<char, kHasshBytes>& out) noexcept;

}  // namespace catenary::ssh
