// A DNS message taken apart: header, names, questions, records. RFC 1035 4.1; names with RFC 1002 4.1 for NetBIOS.
//
//   id 16 | QR 1 opcode 4 AA 1 TC 1 RD 1 RA 1 Z 3 rcode 4 | questions 16 | answers 16 | authorities 16 | additionals 16
//   question: name | type 16 | class 16
//   record:   name | type 16 | class 16 | TTL 32 | length 16 | data
//   name:     labels (length 1..63, bytes) up to a zero byte, or up to a pointer (11 and 14 bits of offset) to the rest
//
// Names are the dangerous part: a pointer may only go back, past the beginning of what has been read of this name, each
// jump moves the end of what may be read there too, and there are at most kPointersMax; so no name loops, and a message
// of n bytes costs at most n times a constant however its pointers lie.
#pragma once

#include <array>
#include <string_view>

#include "base/cursor.h"
#include "event/gen/weirds.gen.h"

namespace catenary::dns {

inline constexpr std::size_t kHeaderBytes = 12;
// RFC 1035 2.3.4: a name has at most 255 bytes on the wire; as text, dots for lengths, two fewer.
inline constexpr std::size_t kNameBytesMax = 253;
// Jumps in one name. Compressors need one or two; Zeek follows 20.
inline constexpr std::size_t kPointersMax = 20;
// As in Zeek: a message that announces more is not DNS. RFC 6762 7.1 has no such limit: a machine that comes up asks
// for all its services at once, as many as go into the 9000 bytes of section 17.
inline constexpr std::uint16_t kQuestionsMax = 25, kMdnsQuestionsMax = 1500;

struct Header {
  std::uint16_t id = 0, flags = 0;
  std::uint16_t questions = 0, answers = 0, authorities = 0, additionals = 0;

  bool is_response() const noexcept { return (flags & 0x8000) != 0; }
  std::uint8_t opcode() const noexcept { return static_cast<std::uint8_t>(flags >> 11 & 15); }
  bool aa() const noexcept { return (flags & 0x0400) != 0; }
  bool tc() const noexcept { return (flags & 0x0200) != 0; }
  bool rd() const noexcept { return (flags & 0x0100) != 0; }
  bool ra() const noexcept { return (flags & 0x0080) != 0; }
  // RFC 1035's three reserved bits; RFC 4035 made two of them AD and CD.
  std::uint8_t z() const noexcept { return static_cast<std::uint8_t>(flags >> 4 & 7); }
  std::uint16_t rcode() const noexcept { return flags & 15; }
};

// False when the message is shorter than a header.
bool read_header(Bytes message, Header& out) noexcept;

// What is wrong with a name; the text is what came before.
enum class NameFault : std::uint8_t { kNone, kTruncated, kPointerLoop, kPointerOutside, kTooLong, kLabelType };
// Whether what follows the name still stands where it should.
constexpr bool is_fatal(NameFault f) noexcept {
  return f == NameFault::kTruncated || f == NameFault::kTooLong || f == NameFault::kLabelType;
}
Weird weird_of(NameFault fault) noexcept;

struct Name {
  std::array<char, kNameBytesMax> text;  // labels with dots between; the root is empty
  std::uint16_t size = 0;
  NameFault fault = NameFault::kNone;
  std::size_t next = 0;  // offset behind it in the message

  std::string_view view() const noexcept { return {text.data(), size}; }
};

enum class Case : std::uint8_t { kKeep, kLower };

// The name at `at`, which may be the end of the message but not beyond. NetBIOS names have longer labels.
void read_name(Bytes message, std::size_t at, bool is_netbios, Case letters, Name& out) noexcept;

struct Question {
  Name name;  // letters as they stood
  std::uint16_t type = 0, klass = 0;
};
// False when the message ends within it or its name cannot be passed; `at` moves behind it otherwise.
bool read_question(Bytes message, std::size_t& at, bool is_netbios, Question& out) noexcept;

struct Record {
  Name name;  // of the owner, lower case; read when it is asked for, if it is nothing but a pointer to the question
  std::size_t owner_at = 0;
  bool is_owner_read = false;
  std::uint16_t type = 0, klass = 0;
  std::uint32_t ttl = 0;
  std::size_t data_at = 0;
  std::uint16_t data_size = 0;
  std::size_t end() const noexcept { return data_at + data_size; }
  std::string_view owner(Bytes message, bool is_netbios) noexcept;
};
bool read_record(Bytes message, std::size_t& at, bool is_netbios, Record& out) noexcept;

// Records beyond this many are not looked through: a flow begins with a small message.
inline constexpr unsigned kSureRecordsMax = 64;
// Whether the bytes are one whole DNS message and could hardly be anything else: for ports that promise nothing.
bool is_surely_dns(Bytes message) noexcept;
// How DNS is spoken on a port.
struct Manner {
  bool is_netbios = false, is_mdns = false;
  std::uint16_t questions_max() const noexcept { return is_mdns ? kMdnsQuestionsMax : kQuestionsMax; }
};

// Whether a header could be one: for ports where DNS is expected.
bool is_plausible_header(const Header& h, Manner manner) noexcept;

// RFC 1001 14.1: 32 letters A to P are 16 bytes, fifteen of a name and one of its kind. The name without what pads it;
// empty when `encoded` is no such name. Returns the bytes written to `out`, which holds 16.
std::size_t decode_netbios(std::string_view encoded, char* out) noexcept;

constexpr char to_lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

}  // namespace catenary::dns
