#include "files/digest.h"

#include <openssl/evp.h>

namespace catenary::files {

Algorithms::Algorithms()
    : algorithms_{EVP_MD_fetch(nullptr, "MD5", nullptr), EVP_MD_fetch(nullptr, "SHA1", nullptr),
                  EVP_MD_fetch(nullptr, "SHA256", nullptr)} {}

Algorithms::~Algorithms() {
  for (EVP_MD* md : algorithms_) EVP_MD_free(md);
}

DigestSet::~DigestSet() {
  for (EVP_MD_CTX* c : contexts_) EVP_MD_CTX_free(c);
}

void DigestSet::start(const Algorithms& algorithms) {
  for (std::size_t i = 0; i < kHashCount; i++) {
    is_started_[i] = false;
    const EVP_MD* md = algorithms.get(static_cast<Hash>(i));
    if (!md) continue;
    if (!contexts_[i]) contexts_[i] = EVP_MD_CTX_new();
    is_started_[i] = contexts_[i] && EVP_DigestInit_ex(contexts_[i], md, nullptr) == 1;
  }
  is_running_ = true;
}

void DigestSet::update(Bytes bytes) noexcept {
  if (!is_running_) return;
  for (std::size_t i = 0; i < kHashCount; i++) {
    if (is_started_[i] && EVP_DigestUpdate(contexts_[i], bytes.data(), bytes.size()) != 1) is_started_[i] = false;
  }
}

std::string_view DigestSet::hex(Hash h, char* out) noexcept {
  const auto i = static_cast<std::size_t>(h);
  if (!is_running_ || !is_started_[i]) return {};
  is_started_[i] = false;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_DigestFinal_ex(contexts_[i], digest.data(), &size) != 1 || size > 32) return {};
  static constexpr char kDigits[] = "0123456789abcdef";
  for (unsigned k = 0; k < size; k++) {
    out[2 * k] = kDigits[digest[k] >> 4];
    out[2 * k + 1] = kDigits[digest[k] & 15];
  }
  return {out, std::size_t{2} * size};
}

}  // namespace catenary::files
