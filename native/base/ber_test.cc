// X.690 by cases.
#include "base/ber.h"

#include "base/test.h"

using namespace catenary;
using test::hex;

TEST(ber, a_value_is_its_tag_its_bytes_and_the_whole) {
  const auto bytes = hex("04 02 6869 05 00");
  Cursor in(bytes);
  const ber::Tlv t = ber::next(in);
  EXPECT(in.ok());
  EXPECT_EQ(t.tag, ber::kOctetString);
  EXPECT_EQ(as_text(t.value), "hi");
  EXPECT_EQ(t.whole.size(), 4u);
  EXPECT_EQ(in.left(), 2u);
}

TEST(ber, lengths) {
  const auto size = [](const char* digits) -> std::ptrdiff_t {
    const auto bytes = hex(digits);
    Cursor in(bytes);
    const ber::Tlv v = ber::next(in);
    return in.ok() ? static_cast<std::ptrdiff_t>(v.value.size()) : -1;
  };
  EXPECT_EQ(size("04 00"), 0);
  EXPECT_EQ(size("04 02 aaaa"), 2);
  EXPECT_EQ(size("04 03 aaaa"), -1);
  EXPECT_EQ(size("04 81 02 aaaa"), 2);
  EXPECT_EQ(size("04 83 000002 aaaa"), 2);
  EXPECT_EQ(size("04 84 00000002 aaaa"), 2);
  EXPECT_EQ(size("04 85 0000000002 aaaa"), -1);
  EXPECT_EQ(size("04 84 ffffffff aaaa"), -1);
  EXPECT_EQ(size("04 fe 00"), -1);
  EXPECT_EQ(size("04 80 aaaa 0000"), -1);  // indefinite
  EXPECT_EQ(size("04 82 00"), -1);
  EXPECT_EQ(size("04"), -1);
}

TEST(ber, integers) {
  const auto value = [](const char* digits) -> std::int64_t {
    const auto bytes = hex(digits);
    const auto v = ber::integer(bytes);
    return v ? std::int64_t{*v} : -1;
  };
  EXPECT_EQ(value(""), -1);
  EXPECT_EQ(value("00"), 0);
  EXPECT_EQ(value("7f"), 127);
  EXPECT_EQ(value("0080"), 128);
  EXPECT_EQ(value("ff"), 0xffffffff);
  EXPECT_EQ(value("7fffffff"), 0x7fffffff);
  EXPECT_EQ(value("00ffffffff"), 0xffffffff);
  EXPECT_EQ(value("01ffffffff"), -1);
  EXPECT_EQ(value("000000000001"), -1);
}

TEST(ber, another_tag_fails_and_a_missing_one_reads_nothing) {
  const auto bytes = hex("02 01 07");
  Cursor in(bytes);
  EXPECT(!ber::maybe(in, ber::kOctetString));
  EXPECT_EQ(in.left(), 3u);
  EXPECT_EQ(ber::expect_integer(in), 7u);
  Cursor again(bytes);
  ber::expect(again, ber::kOctetString);
  EXPECT(!again.ok());
}

TEST(ber, tags_of_a_context_and_an_application) {
  EXPECT_EQ(ber::context(3), 0xa3);
  EXPECT_EQ(ber::context(3, false), 0x83);
  EXPECT_EQ(ber::application(14), 0x6e);
}
