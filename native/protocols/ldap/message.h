// Messages of LDAP: RFC 4511 4, and filters as text: RFC 4515. Views are of the message.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/ber.h"

namespace catenary::ldap {

// RFC 4511 4.2 to 4.13: tags of operations.
enum Op : std::uint8_t {
  kBindRequest = 0x60,
  kBindResponse = 0x61,
  kUnbindRequest = 0x42,
  kSearchRequest = 0x63,
  kSearchEntry = 0x64,
  kSearchDone = 0x65,
  kSearchReference = 0x73,
  kModifyRequest = 0x66,
  kModifyResponse = 0x67,
  kAddRequest = 0x68,
  kAddResponse = 0x69,
  kDelRequest = 0x4a,
  kDelResponse = 0x6b,
  kModifyDnRequest = 0x6c,
  kModifyDnResponse = 0x6d,
  kCompareRequest = 0x6e,
  kCompareResponse = 0x6f,
  kAbandonRequest = 0x50,
  kExtendedRequest = 0x77,
  kExtendedResponse = 0x78,
  kIntermediateResponse = 0x79,
};

inline constexpr std::size_t kFilterBytesMax = 4096;
// Parts of a filter, all together, and one inside the other. Directories refuse far less than clients can write.
inline constexpr std::size_t kFilterPartsMax = 512, kFilterDepthMax = 24;
inline constexpr std::size_t kAttributesMax = 64;
inline constexpr std::size_t kNameBytesMax = 1024, kTextBytesMax = 512;

// What stands before an operation's content, which may be much longer than is kept.
struct Head {
  std::uint32_t id = 0;
  std::uint8_t op = 0;
  std::size_t size = 0;       // of the whole message
  std::size_t operation = 0;  // where the operation's content begins
  std::size_t operation_size = 0;
};
enum class Read : std::uint8_t { kWhole, kMore, kWrong };
Read read_head(Bytes bytes, Head& out) noexcept;

bool is_operation(std::uint8_t tag) noexcept;

struct Search {
  std::string base, filter;
  std::uint32_t scope = 0, deref = 0;
  std::vector<std::string> attributes;
  bool is_filter_cut = false;
};
// False: it contradicts RFC 4511 4.5.1.
bool read_search(Bytes content, Search& out);

struct Result {
  std::uint32_t code = 0;
  std::string diagnostic;
};
// RFC 4511 4.1.9.
bool read_result(Bytes content, Result& out);

// RFC 4515 3. False: the filter contradicts RFC 4511 4.5.1.7; `is_cut`: it is more than is told.
bool filter_text(const ber::Tlv& filter, std::string& out, bool& is_cut);

std::string_view result_name(std::uint32_t code) noexcept;
// Empty: it has none.
std::string_view extension_name(std::string_view oid) noexcept;

}  // namespace catenary::ldap
