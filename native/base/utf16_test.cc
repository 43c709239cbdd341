#include "base/utf16.h"

#include "base/test.h"

using namespace catenary;
using test::hex;

namespace {

std::string text_of(const char* digits, std::size_t cap = 64) {
  std::string out;
  append_utf16(hex(digits), cap, out);
  return out;
}

}  // namespace

TEST(utf16, characters_of_one_to_four_bytes) {
  EXPECT_EQ(text_of("6100 e400 ac20 3dd8 00de"), "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
}

TEST(utf16, ends_at_a_nul_or_an_odd_byte) {
  EXPECT_EQ(text_of("6100 0000 6200"), "a");
  EXPECT_EQ(text_of("6100 62"), "a");
  EXPECT_EQ(text_of(""), "");
}

TEST(utf16, half_a_pair_is_replaced) {
  EXPECT_EQ(text_of("3dd8 6100"),
            "\xef\xbf\xbd"
            "a");
  EXPECT_EQ(text_of("00de"), "\xef\xbf\xbd");
  EXPECT_EQ(text_of("3dd8"), "\xef\xbf\xbd");
}

TEST(utf16, cut_between_characters) {
  for (const std::size_t cap : {2u, 3u, 4u}) {
    std::string out;
    EXPECT_EQ(append_utf16(hex("6100 ac20"), cap, out), cap >= 4);
    EXPECT_EQ(out.size(), cap >= 4 ? 4u : 1u);
  }
}
