#include "files/one_pass.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

#include "base/check.h"

namespace catenary::files {

namespace {

using Word = std::uint32_t;

constexpr OnePass::State kStart{
    {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476},
    {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0},
    {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19},
};

#if defined(__x86_64__)

#define CATENARY_SHA [[gnu::target("sha,sse4.1"), gnu::always_inline]] inline

// RFC 1321 3.4: floor(2^32 * |sin(i + 1)|).
constexpr Word kMd5[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
constexpr int kMd5Turns[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
// Which word of the block a step takes: (factor * i + offset) mod 16, by round.
constexpr unsigned kMd5Factor[4] = {1, 5, 3, 7}, kMd5Offset[4] = {0, 1, 5, 0};

// FIPS 180-4 4.2.2.
alignas(16) constexpr Word kSha256[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

CATENARY_SHA __m128i load(const void* from) noexcept { return _mm_loadu_si128(static_cast<const __m128i*>(from)); }
CATENARY_SHA void store(void* to, __m128i v) noexcept { _mm_storeu_si128(static_cast<__m128i*>(to), v); }

struct Md5 {
  Word a, b, c, d;

  template <unsigned I>
  CATENARY_SHA void step(const std::uint8_t* block) noexcept {
    constexpr unsigned kRound = I / 16, kWord = (kMd5Factor[kRound] * I + kMd5Offset[kRound]) % 16;
    Word m;
    std::memcpy(&m, block + 4 * kWord, 4);
    Word sum = a + m + kMd5[I];
    // The word that the step before has just made enters as late as the function allows.
    if constexpr (kRound == 0)
      sum += d ^ (b & (c ^ d));
    else if constexpr (kRound == 1)
      sum = sum + (c & ~d) + (b & d);
    else if constexpr (kRound == 2)
      sum += (c ^ d) ^ b;
    else
      sum += c ^ (b | ~d);
    a = d;
    d = c;
    c = b;
    b += std::rotl(sum, kMd5Turns[kRound][I % 4]);
  }
};

// Four rounds at a time; `w` holds the last four words of the schedule in turn.
struct Sha1 {
  __m128i abcd, e;
  __m128i w[4];

  template <unsigned G>
  CATENARY_SHA void group() noexcept {
    if constexpr (G >= 4) {
      const __m128i mixed = _mm_xor_si128(_mm_sha1msg1_epu32(w[G % 4], w[(G + 1) % 4]), w[(G + 2) % 4]);
      w[G % 4] = _mm_sha1msg2_epu32(mixed, w[(G + 3) % 4]);
    }
    const __m128i before = abcd;
    const __m128i input = G == 0 ? _mm_add_epi32(e, w[0]) : _mm_sha1nexte_epu32(e, w[G % 4]);
    abcd = _mm_sha1rnds4_epu32(abcd, input, G / 5);
    e = before;
  }
};

struct Sha256 {
  __m128i abef, cdgh;
  __m128i w[4];

  template <unsigned G>
  CATENARY_SHA void group() noexcept {
    if constexpr (G >= 4) {
      const __m128i newest = w[(G + 3) % 4];
      const __m128i sum =
          _mm_add_epi32(_mm_sha256msg1_epu32(w[G % 4], w[(G + 1) % 4]), _mm_alignr_epi8(newest, w[(G + 2) % 4], 4));
      w[G % 4] = _mm_sha256msg2_epu32(sum, newest);
    }
    const __m128i input = _mm_add_epi32(w[G % 4], load(kSha256 + 4 * G));
    cdgh = _mm_sha256rnds2_epu32(cdgh, abef, input);
    abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(input, 0x0e));
  }
};

// A quarter of a round of MD5, beside it a sixteenth of SHA-256 and as much of SHA-1's twenty groups.
template <unsigned G>
CATENARY_SHA void group(Md5& md5, Sha1& sha1, Sha256& sha256, const std::uint8_t* block) noexcept {
  md5.step<4 * G>(block);
  md5.step<4 * G + 1>(block);
  sha256.group<G>();
  md5.step<4 * G + 2>(block);
  sha1.group<G + G / 4>();
  md5.step<4 * G + 3>(block);
  if constexpr (G % 4 == 3) sha1.group<G + G / 4 + 1>();
}

template <unsigned... G>
CATENARY_SHA void groups(std::integer_sequence<unsigned, G...>, Md5& md5, Sha1& sha1, Sha256& sha256,
                         const std::uint8_t* block) noexcept {
  (group<G>(md5, sha1, sha256, block), ...);
}

[[gnu::target("sha,sse4.1")]] void compress(OnePass::State& s, const std::uint8_t* block, std::size_t blocks) noexcept {
  const __m128i reversed = _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);
  Md5 md5{s.md5[0], s.md5[1], s.md5[2], s.md5[3]};
  Sha1 sha1{};
  sha1.abcd = _mm_shuffle_epi32(load(s.sha1.data()), 0x1b);
  sha1.e = _mm_set_epi32(static_cast<int>(s.sha1[4]), 0, 0, 0);
  // The instructions want the eight words as ABEF and CDGH, the first one highest.
  Sha256 sha256{};
  const __m128i cdab = _mm_shuffle_epi32(load(s.sha256.data()), 0xb1);
  const __m128i efgh = _mm_shuffle_epi32(load(s.sha256.data() + 4), 0x1b);
  sha256.abef = _mm_alignr_epi8(cdab, efgh, 8);
  sha256.cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);

  for (; blocks > 0; blocks--, block += 64) {
    const Md5 md5_before = md5;
    const __m128i abcd = sha1.abcd, e = sha1.e, abef = sha256.abef, cdgh = sha256.cdgh;
    for (unsigned i = 0; i < 4; i++) {
      sha1.w[i] = _mm_shuffle_epi8(load(block + 16 * i), reversed);
      sha256.w[i] = _mm_shuffle_epi32(sha1.w[i], 0x1b);
    }
    groups(std::make_integer_sequence<unsigned, 16>{}, md5, sha1, sha256, block);
    md5 = {md5.a + md5_before.a, md5.b + md5_before.b, md5.c + md5_before.c, md5.d + md5_before.d};
    sha1.e = _mm_sha1nexte_epu32(sha1.e, e);
    sha1.abcd = _mm_add_epi32(sha1.abcd, abcd);
    sha256.abef = _mm_add_epi32(sha256.abef, abef);
    sha256.cdgh = _mm_add_epi32(sha256.cdgh, cdgh);
  }

  s.md5 = {md5.a, md5.b, md5.c, md5.d};
  store(s.sha1.data(), _mm_shuffle_epi32(sha1.abcd, 0x1b));
  s.sha1[4] = static_cast<Word>(_mm_extract_epi32(sha1.e, 3));
  const __m128i feba = _mm_shuffle_epi32(sha256.abef, 0x1b), dchg = _mm_shuffle_epi32(sha256.cdgh, 0xb1);
  store(s.sha256.data(), _mm_blend_epi16(feba, dchg, 0xf0));
  store(s.sha256.data() + 4, _mm_alignr_epi8(dchg, feba, 8));
}

#undef CATENARY_SHA

bool has_instructions() noexcept {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned kSse41 = 1u << 19, kSha = 1u << 29;
  return __get_cpuid(1, &a, &b, &c, &d) && (c & kSse41) && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & kSha);
}

#else

void compress(OnePass::State&, const std::uint8_t*, std::size_t) noexcept { CATENARY_CHECK(false); }
bool has_instructions() noexcept { return false; }

#endif

// Words as bytes: the first byte of a word highest, or lowest.
template <std::endian E, std::size_t N>
void put(const std::array<Word, N>& words, std::uint8_t* out) noexcept {
  for (std::size_t i = 0; i < 4 * N; i++) {
    const std::size_t at = E == std::endian::big ? 3 - i % 4 : i % 4;
    out[i] = static_cast<std::uint8_t>(words[i / 4] >> (8 * at));
  }
}

}  // namespace

bool OnePass::is_available() noexcept {
  static const bool is = has_instructions();
  return is;
}

void OnePass::start() noexcept {
  state_ = kStart;
  length_ = 0;
}

void OnePass::update(Bytes bytes) noexcept {
  const std::size_t held = length_ % kBlock;
  length_ += bytes.size();
  if (held > 0) {
    const std::size_t n = std::min(kBlock - held, bytes.size());
    std::copy_n(bytes.begin(), n, held_.begin() + static_cast<std::ptrdiff_t>(held));
    if (held + n < kBlock) return;
    compress(state_, held_.data(), 1);
    bytes = bytes.subspan(n);
  }
  const std::size_t blocks = bytes.size() / kBlock;
  if (blocks > 0) compress(state_, bytes.data(), blocks);
  const Bytes rest = bytes.subspan(blocks * kBlock);
  std::copy(rest.begin(), rest.end(), held_.begin());
}

// All three end with a bit, zeros and the number of bits; SHA writes the number from its highest byte, MD5 from its
// lowest. So the last block is done twice, each time for those whom it fits.
OnePass::Digests OnePass::finish() noexcept {
  std::array<std::uint8_t, 2 * kBlock> last{};
  const std::size_t held = length_ % kBlock, size = held < kBlock - 8 ? kBlock : 2 * kBlock;
  std::copy_n(held_.begin(), held, last.begin());
  last[held] = 0x80;
  const std::uint64_t bits = length_ * 8;
  State md5 = state_;
  for (std::size_t i = 0; i < 8; i++) last[size - 8 + i] = static_cast<std::uint8_t>(bits >> (8 * i));
  compress(md5, last.data(), size / kBlock);
  std::reverse(last.begin() + static_cast<std::ptrdiff_t>(size - 8), last.begin() + static_cast<std::ptrdiff_t>(size));
  compress(state_, last.data(), size / kBlock);
  Digests out;
  put<std::endian::little>(md5.md5, out.md5.data());
  put<std::endian::big>(state_.sha1, out.sha1.data());
  put<std::endian::big>(state_.sha256, out.sha256.data());
  return out;
}

}  // namespace catenary::files
