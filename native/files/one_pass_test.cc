#include "files/one_pass.h"

#include <openssl/evp.h>

#include <random>
#include <vector>

#include "base/test.h"

using namespace catenary;
using namespace catenary::files;

namespace {

std::vector<std::uint8_t> library(const char* algorithm, Bytes bytes) {
  std::vector<std::uint8_t> out(64);
  std::size_t size = 0;
  EXPECT(EVP_Q_digest(nullptr, algorithm, nullptr, bytes.data(), bytes.size(), out.data(), &size) == 1);
  out.resize(size);
  return out;
}

template <class A>
bool is(const A& digest, const std::vector<std::uint8_t>& expected) {
  return std::vector<std::uint8_t>(digest.begin(), digest.end()) == expected;
}

}  // namespace

TEST(one_pass, of_every_length_in_pieces_as_the_library) {
  if (!OnePass::is_available()) return;  // DigestSet does without it: tracker_test
  std::mt19937 random(1);
  std::vector<std::uint8_t> bytes(5000);
  for (auto& b : bytes) b = static_cast<std::uint8_t>(random());
  for (std::size_t size = 0; size <= bytes.size(); size += size < 400 ? 1 : 191) {
    const Bytes all = Bytes{bytes}.first(size);
    OnePass pass;
    pass.start();
    for (Bytes left = all; !left.empty();) {
      const std::size_t n = std::min<std::size_t>(left.size(), random() % 200);
      pass.update(left.first(n));
      left = left.subspan(n);
    }
    const OnePass::Digests d = pass.finish();
    EXPECT(is(d.md5, library("MD5", all)) && is(d.sha1, library("SHA1", all)) && is(d.sha256, library("SHA256", all)));
  }
}

// The number of bits takes more than 32 bits.
TEST(one_pass, of_more_than_half_a_gigabyte) {
  if (!OnePass::is_available()) return;  // DigestSet does without it: tracker_test
  const std::vector<std::uint8_t> piece(1 << 20, 'x');
  OnePass pass;
  pass.start();
  EVP_MD_CTX* library = EVP_MD_CTX_new();
  EXPECT(EVP_DigestInit_ex(library, EVP_sha256(), nullptr) == 1);
  for (int i = 0; i < 513; i++) {
    pass.update(piece);
    EVP_DigestUpdate(library, piece.data(), piece.size());
  }
  std::vector<std::uint8_t> expected(32);
  EXPECT(EVP_DigestFinal_ex(library, expected.data(), nullptr) == 1);
  EVP_MD_CTX_free(library);
  EXPECT(is(pass.finish().sha256, expected));
}
