#include "protocols/tls/hello.h"

#include <algorithm>

#include "protocols/tls/names.h"

namespace catenary::tls {
namespace {

// SHA-256 of "HelloRetryRequest", RFC 8446 4.1.3.
constexpr std::array<std::uint8_t, 32> kRetryRandom = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
                                                       0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
                                                       0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

void copy_session_id(Bytes id, std::array<std::uint8_t, kSessionIdBytes>& out) noexcept {
  if (id.size() <= out.size()) std::copy(id.begin(), id.end(), out.begin());
}

template <std::size_t N>
bool read_u16s(Bytes list, List<std::uint16_t, N>& out) noexcept {
  Cursor in(list);
  while (!in.done()) {
    const std::uint16_t v = in.be16();
    if (!in.ok()) return false;
    out.add(v);
  }
  return true;
}

// RFC 7301 3.1: the client's list, or the server's list of one.
bool read_alpn(Cursor in, Extensions& out) noexcept {
  Cursor list = in.sub(in.be16());
  while (!list.done()) {
    const Bytes name = list.take(list.u8());
    if (!list.ok()) return false;
    out.protocols.add(as_text(name));
  }
  return in.ok() && list.ok();
}

// RFC 6066 3. A name of another type has no known length: nothing behind it can be read.
bool read_server_names(Cursor in, ClientHello& out) noexcept {
  Cursor list = in.sub(in.be16());
  while (!list.done()) {
    if (list.u8() != 0) break;
    const Bytes name = list.take(list.be16());
    if (!list.ok()) return false;
    if (out.server_names++ == 0) out.server_name = as_text(name);
  }
  return in.ok() && list.ok();
}

// RFC 8446 4.2.11: identities and binders; only their lengths are looked at.
bool read_offered_psks(Cursor in) noexcept {
  in.skip(in.be16());
  in.skip(in.be16());
  return in.ok();
}

bool read_client_extension(std::uint16_t type, Cursor in, ClientHello& out) noexcept {
  switch (type) {
    case kServerName: return read_server_names(in, out);
    case kSupportedGroups: return read_u16s(in.take(in.be16() & ~1u), out.groups) && in.ok();
    case kPointFormats: out.point_formats = in.take(in.u8()); return in.ok();
    case kSignatureAlgorithms: return read_u16s(in.take(in.be16()), out.signatures) && in.ok();
    case kAlpn: return read_alpn(in, out.extensions);
    case kSessionTicket: out.has_ticket = true; return true;
    case kPreSharedKey: out.has_psk = true; return read_offered_psks(in);
    case kSupportedVersions: return read_u16s(in.take(in.u8()), out.versions) && in.ok();
    default: return true;
  }
}

bool read_server_extension(std::uint16_t type, Cursor in, ServerHello& out) noexcept {
  switch (type) {
    case kAlpn: return read_alpn(in, out.extensions);
    case kPreSharedKey:
      out.has_psk = true;
      in.be16();
      return in.ok();
    case kSupportedVersions:
      out.selected_version = in.be16();
      if (!in.ok()) out.selected_version.reset();
      return in.ok();
    case kKeyShare:
    case kKeyShareDraft: {
      // RFC 8446 4.2.8: a retry names the group alone.
      const bool is_group_alone = in.left() == 2;
      const std::uint16_t group = in.be16();
      if (!is_group_alone) in.skip(in.be16());
      if (in.ok()) out.group = group;
      return in.ok();
    }
    default: return true;
  }
}

// What is behind the fixed part: nothing, or the extensions' length and they themselves. They are read to the end of
// the message whatever that length says, as servers in the field do; a difference is told.
template <class Each>
bool read_extensions(Cursor& in, Extensions& out, Each each) noexcept {
  if (in.done()) return in.ok();
  const std::size_t length = in.be16();
  out.length_differs = length != in.left();
  while (!in.done()) {
    const std::uint16_t type = in.be16();
    Cursor data = in.sub(in.be16());
    if (!in.ok()) return false;
    if (!out.types.is_full && out.types.has(type)) out.is_repeated = true;
    out.types.add(type);
    if (!data.done() && !each(type, data)) return false;
  }
  return in.ok();
}

}  // namespace

bool read(Cursor in, ClientHello& out) noexcept {
  out.version = in.be16();
  in.skip(32);
  copy_session_id(in.take(in.u8()), out.session_id);
  if (out.version == kDtls10 || out.version == kDtls12) in.skip(in.u8());
  const std::uint16_t ciphers = in.be16();
  if (!in.ok() || ciphers % 2 != 0 || !read_u16s(in.take(ciphers), out.ciphers)) return false;
  in.skip(in.u8());
  if (!in.ok()) return false;
  const auto each = [&](std::uint16_t type, Cursor data) { return read_client_extension(type, data, out); };
  const bool is_good = read_extensions(in, out.extensions, each);
  // An offer of no key at all is still an offer; an empty ticket asks for one, RFC 5077 3.2.
  if (out.extensions.types.has(kPreSharedKey)) out.has_psk = true;
  return is_good;
}

bool read(Cursor in, ServerHello& out) noexcept {
  out.version = in.be16();
  const Bytes random = in.take(32);
  const bool is_short = out.version == kTls13 || is_draft13(out.version);
  if (!is_short) copy_session_id(in.take(in.u8()), out.session_id);
  out.cipher = in.be16();
  if (!is_short) in.u8();
  if (!in.ok()) return false;
  out.is_retry = std::equal(random.begin(), random.end(), kRetryRandom.begin(), kRetryRandom.end());
  const auto each = [&](std::uint16_t type, Cursor data) { return read_server_extension(type, data, out); };
  return read_extensions(in, out.extensions, each);
}

}  // namespace catenary::tls
