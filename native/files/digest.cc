#include "files/digest.h"

#include <openssl/evp.h>

#include <algorithm>

namespace catenary::files {

Algorithms::Algorithms()
    : algorithms_{EVP_MD_fetch(nullptr, "MD5", nullptr), EVP_MD_fetch(nullptr, "SHA1", nullptr),
                  EVP_MD_fetch(nullptr, "SHA256", nullptr)} {}

Algorithms::~Algorithms() {
  for (EVP_MD* md : algorithms_) EVP_MD_free(md);
}

bool Algorithms::has_all() const noexcept {
  return std::find(algorithms_.begin(), algorithms_.end(), nullptr) == algorithms_.end();
}

DigestSet::~DigestSet() {
  for (EVP_MD_CTX* c : contexts_) EVP_MD_CTX_free(c);
}

void DigestSet::start(const Algorithms& algorithms) {
  is_running_ = true;
  is_one_pass_ = OnePass::is_available() && algorithms.has_all();
  if (is_one_pass_) return one_pass_.start();
  for (std::size_t i = 0; i < kHashCount; i++) {
    is_started_[i] = false;
    const EVP_MD* md = algorithms.get(static_cast<Hash>(i));
    if (!md) continue;
    if (!contexts_[i]) contexts_[i] = EVP_MD_CTX_new();
    is_started_[i] = contexts_[i] && EVP_DigestInit_ex(contexts_[i], md, nullptr) == 1;
  }
}

void DigestSet::update(Bytes bytes) noexcept {
  if (!is_running_) return;
  if (is_one_pass_) return one_pass_.update(bytes);
  for (std::size_t i = 0; i < kHashCount; i++) {
    if (is_started_[i] && EVP_DigestUpdate(contexts_[i], bytes.data(), bytes.size()) != 1) is_started_[i] = false;
  }
}

std::array<std::string_view, kHashCount> DigestSet::hex(Texts& out) noexcept {
  std::array<std::string_view, kHashCount> texts;
  if (!is_running_) return texts;
  is_running_ = false;
  if (is_one_pass_) {
    const OnePass::Digests d = one_pass_.finish();
    return {hex_text(d.md5, out[0].data()), hex_text(d.sha1, out[1].data()), hex_text(d.sha256, out[2].data())};
  }
  for (std::size_t i = 0; i < kHashCount; i++) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (!is_started_[i] || EVP_DigestFinal_ex(contexts_[i], digest.data(), &size) != 1) continue;
    texts[i] = hex_text(Bytes{digest}.first(size), out[i].data());
  }
  return texts;
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
