#include "protocols/quic/packet.h"

#include <algorithm>
#include <charconv>

namespace catenary::quic {

namespace {

constexpr std::uint32_t kDrafts = 0xff000000, kOldestDraft = 22, kNewestDraft = 34;
constexpr std::uint32_t kFacebook[] = {0xfaceb001, 0xfaceb002, 0xfaceb00e, 0xfaceb011, 0xfaceb012, 0xfaceb013};

bool is_draft(std::uint32_t version) noexcept {
  return version >= (kDrafts | kOldestDraft) && version <= (kDrafts | kNewestDraft);
}

// RFC 9369 3.2 turned the numbers of the types.
Type type_of(std::uint32_t version, std::uint8_t first) noexcept {
  const unsigned bits = (first >> 4) & 3;
  return static_cast<Type>(version == kVersion2 ? (bits + 3) & 3 : bits);
}

}  // namespace

std::uint64_t take_varint(Cursor& in) noexcept {
  std::uint64_t v = in.u8();
  const unsigned more = (1u << (v >> 6)) - 1;
  v &= 0x3f;
  for (unsigned i = 0; i < more; i++) v = (v << 8) | in.u8();
  return in.ok() ? v : 0;
}

bool is_known(std::uint32_t version) noexcept {
  return version == kVersion1 || version == kVersion2 || is_draft(version) ||
         std::find(std::begin(kFacebook), std::end(kFacebook), version) != std::end(kFacebook);
}

std::string_view version_text(std::uint32_t version, std::array<char, 24>& out) noexcept {
  if (version == kVersion1) return "1";
  if (version == kVersion2) return "quicv2";
  const std::string_view prefix = is_draft(version) ? "draft-" : "unknown-";
  char* const number = std::copy(prefix.begin(), prefix.end(), out.begin());
  const auto end = is_draft(version) ? std::to_chars(number, out.end(), version & 0xff)
                                     : std::to_chars(number, out.end(), version, 16);
  return {out.data(), static_cast<std::size_t>(end.ptr - out.data())};
}

bool take_invariants(Cursor& in, LongHeader& out) noexcept {
  in.skip(1);
  out.version = in.be32();
  out.dcid = in.take(in.u8());
  out.scid = in.take(in.u8());
  return in.ok() && out.dcid.size() <= kConnectionIdMax && out.scid.size() <= kConnectionIdMax;
}

bool take_long(Cursor& in, LongHeader& out) noexcept {
  const Bytes whole = in.peek_rest();
  if (whole.empty() || !take_invariants(in, out)) return false;
  out.type = type_of(out.version, whole[0]);
  if (out.type == Type::kRetry) {
    in.rest();
    out.packet = whole;
    return true;
  }
  if (out.type == Type::kInitial) in.skip(take_varint(in));
  const std::uint64_t length = take_varint(in);
  out.number_at = whole.size() - in.left();
  in.skip(length);
  if (!in.ok()) return false;
  out.packet = whole.first(whole.size() - in.left());
  return true;
}

}  // namespace catenary::quic
