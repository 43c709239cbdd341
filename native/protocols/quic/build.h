// For tests and the fuzz target: Initial packets that hold any frames, sealed as RFC 9001 5 has it.
#pragma once

#include <openssl/evp.h>

#include <vector>

#include "protocols/quic/initial.h"

namespace catenary::quic::build {

using Octets = std::vector<std::uint8_t>;

inline void append(Octets& to, Bytes more) { to.insert(to.end(), more.begin(), more.end()); }

// RFC 9000 16, in two bytes.
inline Octets varint(std::size_t v) {
  return {static_cast<std::uint8_t>(0x40 | (v >> 8)), static_cast<std::uint8_t>(v)};
}

inline Octets crypto_frame(std::size_t offset, Bytes piece) {
  Octets out = {6};
  append(out, varint(offset));
  append(out, varint(piece.size()));
  append(out, piece);
  return out;
}

struct Ids {
  Octets initial = {0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08};  // the keys come from it: RFC 9001 A
  Octets dcid = initial, scid = {1, 2, 3, 4};
};

// One Initial packet with packet number 0 in one byte; frames are padded so that it has at least `min_bytes`.
inline Octets initial(const Ids& ids, Octets frames, bool is_client, std::size_t min_bytes = kClientDatagramMin,
                      std::uint32_t version = kVersion1) {
  constexpr std::size_t kTag = 16, kFixed = 1 + 4 + 1 + 1 + 1 + 2 + 1;
  const std::size_t header_bytes = kFixed + ids.dcid.size() + ids.scid.size();
  if (frames.size() + header_bytes + kTag < min_bytes) frames.resize(min_bytes - header_bytes - kTag);
  if (frames.size() < 4) frames.resize(4);
  Octets out = {static_cast<std::uint8_t>(version == kVersion2 ? 0xd0 : 0xc0)};
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(version >> shift));
  out.push_back(static_cast<std::uint8_t>(ids.dcid.size()));
  append(out, ids.dcid);
  out.push_back(static_cast<std::uint8_t>(ids.scid.size()));
  append(out, ids.scid);
  out.push_back(0);  // no token
  append(out, varint(1 + frames.size() + kTag));
  const std::size_t number_at = out.size();
  out.push_back(0);

  const InitialKeys keys = derive_keys(version, ids.initial, is_client);
  Octets sealed(frames.size() + kTag);
  int n = 0;
  EVP_CIPHER_CTX* c = EVP_CIPHER_CTX_new();
  EVP_EncryptInit_ex(c, EVP_aes_128_gcm(), nullptr, keys.key.data(), keys.iv.data());
  EVP_EncryptUpdate(c, nullptr, &n, out.data(), static_cast<int>(out.size()));
  EVP_EncryptUpdate(c, sealed.data(), &n, frames.data(), static_cast<int>(frames.size()));
  EVP_EncryptFinal_ex(c, sealed.data() + n, &n);
  EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, kTag, sealed.data() + frames.size());
  append(out, sealed);
  std::array<std::uint8_t, 32> mask;
  EVP_EncryptInit_ex(c, EVP_aes_128_ecb(), nullptr, keys.header.data(), nullptr);
  EVP_EncryptUpdate(c, mask.data(), &n, out.data() + number_at + 4, 16);
  EVP_CIPHER_CTX_free(c);
  out[0] = static_cast<std::uint8_t>(out[0] ^ (mask[0] & 0x0f));
  out[number_at] ^= mask[1];
  return out;
}

}  // namespace catenary::quic::build
