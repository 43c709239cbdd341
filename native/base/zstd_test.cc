#include "base/zstd.h"

#include <zstd.h>

#include "base/test.h"

namespace catenary {
namespace {

using Buffer = std::vector<std::uint8_t>;

Buffer noise(std::size_t n) {
  Buffer b(n);
  std::uint32_t v = 7;
  for (auto& c : b) c = static_cast<std::uint8_t>((v = v * 1664525 + 1013904223) >> 24);
  return b;
}

std::string_view refusal(Bytes frame, std::size_t max = 1 << 20) {
  Buffer out;
  return zstd::decompress(frame, max, out);
}

TEST(zstd, there_and_back_at_every_small_length) {
  for (std::size_t n = 0; n < 600; n++) {
    const Buffer in = noise(n);
    Buffer packed, out;
    EXPECT(zstd::compress(in, packed));
    EXPECT_EQ(zstd::decompress(packed, n, out), "");
    EXPECT(out == in);
  }
}

TEST(zstd, content_at_the_limit_and_one_more) {
  const Buffer in = noise(1000);
  Buffer packed;
  EXPECT(zstd::compress(in, packed));
  EXPECT_EQ(refusal(packed, 1001), "");
  EXPECT_EQ(refusal(packed, 1000), "");
  EXPECT_EQ(refusal(packed, 999), "holds more than allowed");
}

TEST(zstd, a_frame_cut_anywhere_is_refused) {
  Buffer packed;
  EXPECT(zstd::compress(noise(300), packed));
  for (std::size_t n = 0; n < packed.size(); n++) EXPECT(!refusal(Bytes(packed).first(n)).empty());
}

TEST(zstd, a_bomb_is_refused_before_it_is_opened) {
  Buffer packed;
  EXPECT(zstd::compress(Buffer(1 << 20, 0), packed));
  EXPECT_EQ(refusal(packed), "shrank more than is credible");
  // Content 2^32 - 1 in eleven bytes.
  EXPECT_EQ(refusal(test::hex("28b52ffd a0 ffffffff 010000")), "holds more than allowed");
  EXPECT_EQ(refusal(test::hex("28b52ffd e0 ffffffffffffffff 010000")), "holds more than allowed");
}

TEST(zstd, the_ratio_at_its_limit) {
  // A run-length block: three bytes of head and one of content (RFC 8878, 3.1.1.2.2), 13 bytes in all.
  const auto frame = [](std::uint32_t n) {
    Buffer b = test::hex("28b52ffd a0");
    for (std::uint32_t i = 0; i < 4; i++) b.push_back(static_cast<std::uint8_t>(n >> (8 * i)));
    const std::uint32_t head = (n << 3) | (1u << 1) | 1u;
    for (std::uint32_t i = 0; i < 3; i++) b.push_back(static_cast<std::uint8_t>(head >> (8 * i)));
    b.push_back('x');
    return b;
  };
  const auto limit = static_cast<std::uint32_t>(13 * zstd::kRatioMax);
  EXPECT_EQ(frame(1).size(), 13u);
  EXPECT_EQ(refusal(frame(limit - 1)), "");
  EXPECT_EQ(refusal(frame(limit)), "");
  EXPECT_EQ(refusal(frame(limit + 1)), "shrank more than is credible");
}

TEST(zstd, windows_dictionaries_and_strange_headers) {
  // Window descriptor: 0x50 is 2^20 exactly, 0x51 an eighth more, 0x58 2^21.
  EXPECT_EQ(zstd::read_header(test::hex("28b52ffd 80 50 10000000")).window, 1u << 20);
  EXPECT_EQ(refusal(test::hex("28b52ffd 80 51 10000000 010000")), "its window is too large");
  EXPECT_EQ(refusal(test::hex("28b52ffd 80 f8 10000000 010000")), "its window is too large");
  EXPECT_EQ(refusal(test::hex("28b52ffd 21 07 10 010000")), "needs a dictionary");
  EXPECT_EQ(refusal(test::hex("28b52ffd 28 10 010000")), "reserved bit");
  EXPECT_EQ(refusal(test::hex("28b52ffd 00 50 010000")), "does not say its size");
  EXPECT_EQ(refusal(test::hex("28b52ffe 20 00 010000")), "not a zstd frame");
  EXPECT_EQ(refusal({}), "cut off");
}

TEST(zstd, exactly_one_frame) {
  Buffer one, two;
  EXPECT(zstd::compress(noise(50), one));
  two = one;
  two.insert(two.end(), one.begin(), one.end());
  EXPECT_EQ(refusal(two), "not exactly one frame");
  one.push_back(0);
  EXPECT_EQ(refusal(one), "not exactly one frame");
}

TEST(zstd, a_flipped_bit_never_writes_past_the_content) {
  Buffer packed;
  const Buffer in(200, 'a');
  EXPECT(zstd::compress(in, packed));
  for (std::size_t bit = 0; bit < packed.size() * 8; bit++) {
    Buffer bad = packed, out;
    bad[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    const std::string_view why = zstd::decompress(bad, 1 << 20, out);
    EXPECT(!why.empty() || out.size() <= 1 << 20);
  }
}

}  // namespace
}  // namespace catenary
