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

}  // namespace catenary::files
