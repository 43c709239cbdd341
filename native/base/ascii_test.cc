#include "base/ascii.h"

#include "base/test.h"

using namespace catenary;

TEST(ascii, case_is_of_letters_alone) {
  EXPECT(ascii::equals_any_case("Content-Type", "cONTENT-tYPE"));
  EXPECT(!ascii::equals_any_case("[", "{"));
  EXPECT(!ascii::equals_any_case("a", "ab"));
  EXPECT(ascii::starts_any_case("mail FROM:", "MAIL"));
  EXPECT(!ascii::starts_any_case("MAI", "MAIL"));
  EXPECT_EQ(ascii::upper('\xe4'), '\xe4');
}

TEST(ascii, words_end_at_spaces) {
  std::string_view s = "RETR \t a file ";
  EXPECT_EQ(ascii::take_word(s), "RETR");
  EXPECT_EQ(s, "a file ");
  EXPECT_EQ(ascii::trim(" \ta b\t "), "a b");
  s = "QUIT";
  EXPECT_EQ(ascii::take_word(s), "QUIT");
  EXPECT_EQ(s, "");
  EXPECT_EQ(ascii::take_word(s), "");
}

TEST(ascii, a_code_is_three_digits) {
  EXPECT_EQ(ascii::reply_code("220 ready"), 220u);
  EXPECT_EQ(ascii::reply_code("220"), 220u);
  EXPECT_EQ(ascii::reply_code("22"), 0u);
  EXPECT_EQ(ascii::reply_code("2x0 "), 0u);
  EXPECT_EQ(ascii::reply_code(""), 0u);
}
