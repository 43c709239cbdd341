#include "files/hasher.h"

#include <openssl/evp.h>

#include "base/check.h"

namespace catenary::files {

Hasher::Hasher() {
  for (evp_md_ctx_st*& c : contexts_) {
    c = EVP_MD_CTX_new();
    CATENARY_CHECK(c != nullptr);
  }
}

Hasher::~Hasher() {
  for (evp_md_ctx_st* c : contexts_) EVP_MD_CTX_free(c);
}

Bytes Hasher::digest(Hash h, Bytes in, Sha256& out) noexcept {
  const EVP_MD* md = algorithms_.get(h);
  EVP_MD_CTX* c = contexts_[static_cast<std::size_t>(h)];
  unsigned size = 0;
  if (!md || EVP_DigestInit_ex(c, md, nullptr) != 1 || EVP_DigestUpdate(c, in.data(), in.size()) != 1 ||
      EVP_DigestFinal_ex(c, out.data(), &size) != 1) {
    return {};
  }
  return Bytes{out}.first(size);
}

std::string_view hex_text(Bytes in, char* out) noexcept {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (std::size_t i = 0; i < in.size(); i++) {
    out[2 * i] = kDigits[in[i] >> 4];
    out[2 * i + 1] = kDigits[in[i] & 15];
  }
  return {out, 2 * in.size()};
}

}  // namespace catenary::files
