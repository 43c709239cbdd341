#include "protocols/quic/initial.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cstring>
#include <string_view>

namespace catenary::quic {

namespace {

using Secret = std::array<std::uint8_t, 32>;
using Salt = std::array<std::uint8_t, 20>;

// RFC 9001 5.2, from draft 33 on; RFC 9369 3.3.1; draft 29 5.2; draft 23 5.2; draft 22 5.2.
constexpr Salt kSalt1 = {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
                         0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a};
constexpr Salt kSalt2 = {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
                         0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9};
constexpr Salt kSaltDraft29 = {0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97,
                               0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99};
constexpr Salt kSaltDraft23 = {0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7,
                               0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02};
constexpr Salt kSaltDraft22 = {0x7f, 0xbc, 0xdb, 0x0e, 0x7c, 0x66, 0xbb, 0xe9, 0x19, 0x3a,
                               0x96, 0xcd, 0x21, 0x51, 0x9e, 0xbd, 0x7a, 0x02, 0x64, 0x4a};

const Salt& salt_of(std::uint32_t version) noexcept {
  if (version == kVersion1) return kSalt1;
  if (version == kVersion2) return kSalt2;
  if (version == 0xfaceb001 || version == 0xff000016) return kSaltDraft22;
  if (version >> 16 == 0xface || version <= 0xff00001c) return kSaltDraft23;
  return version <= 0xff000020 ? kSaltDraft29 : kSalt1;
}

Secret hmac(Bytes key, Bytes data) noexcept {
  Secret out{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), data.data(), data.size(), out.data(), &size);
  return out;
}

// HKDF-Expand-Label of RFC 8446 7.1, for what fits into one block of the hash.
template <std::size_t N>
void expand(const Secret& secret, std::string_view label, std::array<std::uint8_t, N>& out) noexcept {
  static_assert(N <= 32);
  constexpr std::string_view kPrefix = "tls13 ";
  std::array<std::uint8_t, 40> info{};
  std::size_t n = 0;
  info[n++] = 0;
  info[n++] = N;
  info[n++] = static_cast<std::uint8_t>(kPrefix.size() + label.size());
  for (const std::string_view part : {kPrefix, label}) {
    std::memcpy(info.data() + n, part.data(), part.size());
    n += part.size();
  }
  info[n++] = 0;  // no context
  info[n++] = 1;  // the first block
  const Secret block = hmac(secret, Bytes(info).first(n));
  std::copy_n(block.begin(), N, out.begin());
}

}  // namespace

InitialKeys derive_keys(std::uint32_t version, Bytes dcid, bool is_client) noexcept {
  const bool is_2 = version == kVersion2;
  const Secret initial = hmac(salt_of(version), dcid);
  Secret secret;
  expand(initial, is_client ? "client in" : "server in", secret);
  InitialKeys keys;
  expand(secret, is_2 ? "quicv2 key" : "quic key", keys.key);
  expand(secret, is_2 ? "quicv2 iv" : "quic iv", keys.iv);
  expand(secret, is_2 ? "quicv2 hp" : "quic hp", keys.header);
  return keys;
}

InitialOpener::InitialOpener() : mask_(EVP_CIPHER_CTX_new()), content_(EVP_CIPHER_CTX_new()) {}

InitialOpener::~InitialOpener() {
  EVP_CIPHER_CTX_free(mask_);
  EVP_CIPHER_CTX_free(content_);
}

Bytes InitialOpener::open(const InitialKeys& keys, const LongHeader& p) {
  constexpr std::size_t kSample = 16, kTag = 16, kNumberMax = 4;
  // RFC 9001 5.4.2: the sample is taken as if the packet number had four bytes.
  if (!mask_ || !content_ || p.packet.size() < p.number_at + kNumberMax + kSample) return {};
  std::array<std::uint8_t, 32> mask;
  int n = 0;
  if (EVP_EncryptInit_ex(mask_, EVP_aes_128_ecb(), nullptr, keys.header.data(), nullptr) != 1 ||
      EVP_EncryptUpdate(mask_, mask.data(), &n, p.packet.data() + p.number_at + kNumberMax, kSample) != 1)
    return {};
  const std::uint8_t first = p.packet[0] ^ (mask[0] & 0x0f);
  const std::size_t number_bytes = (first & 3u) + 1;
  const Bytes sealed = p.packet.subspan(p.number_at + number_bytes);
  header_.assign(p.packet.begin(), p.packet.begin() + static_cast<std::ptrdiff_t>(p.number_at + number_bytes));
  header_[0] = first;
  std::array<std::uint8_t, 12> nonce = keys.iv;
  for (std::size_t i = 0; i < number_bytes; i++) {
    std::uint8_t& byte = header_[p.number_at + i];
    byte ^= mask[1 + i];
    nonce[nonce.size() - number_bytes + i] ^= byte;
  }
  if (sealed.size() <= kTag) return {};
  const Bytes content = sealed.first(sealed.size() - kTag);
  std::array<std::uint8_t, kTag> tag;
  std::copy_n(sealed.end() - kTag, kTag, tag.begin());
  frames_.resize(content.size());
  const bool is_open =
      EVP_DecryptInit_ex(content_, EVP_aes_128_gcm(), nullptr, keys.key.data(), nonce.data()) == 1 &&
      EVP_DecryptUpdate(content_, nullptr, &n, header_.data(), static_cast<int>(header_.size())) == 1 &&
      EVP_DecryptUpdate(content_, frames_.data(), &n, content.data(), static_cast<int>(content.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(content_, EVP_CTRL_GCM_SET_TAG, kTag, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(content_, frames_.data() + n, &n) == 1;
  return is_open ? Bytes(frames_) : Bytes{};
}

}  // namespace catenary::quic
