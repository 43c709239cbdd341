// Values with parameters, row by row.
#include "files/mime/parameters.h"

#include <string>

#include "base/test.h"

using namespace catenary;
using namespace catenary::mime;
using std::string_view_literals::operator""sv;

namespace {

std::string unescaped(std::string_view s) {
  std::string out;
  unescape(s, out);
  return out;
}

std::string base64(std::string_view s) {
  std::string out;
  return decode_base64(s, out) ? out : "(malformed)";
}

}  // namespace

TEST(mime_parameters, percent_decoding) {
  static constexpr std::string_view kRows[][2] = {
      {"/a%20b", "/a b"}, {"%41%5a%7A", "AZz"}, {"%", "%"},       {"a%4", "a%4"},   {"%zz", "%zz"},  {"%%41", "A"},
      {"%%", "%"},        {"%u0041", "A"},      {"%u4142", "AB"}, {"%u41", "%u41"}, {"%00", "\0"sv}, {"", ""},
  };
  for (const auto& row : kRows) EXPECT_EQ(unescaped(row[0]), std::string(row[1]));
}

TEST(mime_parameters, base64) {
  static constexpr std::string_view kRows[][2] = {
      // RFC 4648 10
      {"", ""},
      {"Zg==", "f"},
      {"Zm8=", "fo"},
      {"Zm9v", "foo"},
      {"Zm9vYmFy", "foobar"},
      {"Zm9vYg", "foob"},
      {"+/8=", "\xfb\xff"},
      {"Zm 9v", "(malformed)"},
      {"Zm=9v", "(malformed)"},
  };
  for (const auto& row : kRows) EXPECT_EQ(base64(row[0]), std::string(row[1]));
}

TEST(mime_parameters, file_names) {
  static constexpr std::string_view kRows[][2] = {
      {"attachment; filename=\"a b.exe\"; size=3", "a b.exe"},
      {"attachment; filename=a.exe; size=3", "a.exe"},
      {"attachment; FileName = a.exe", "a.exe"},
      {"attachment; filename=\"a.exe\"; filename*=UTF-8''%e2%82%ac.exe", "%e2%82%ac.exe"},
      {"attachment; filename=\"it's.exe\"", "it's.exe"},
      {"attachment; filename=\"open", "open"},
      {"attachment; filename", ""},
      {"attachment", ""},
      {"", ""},
  };
  for (const auto& row : kRows) EXPECT_EQ(std::string(find_file_name(row[0], "filename")), std::string(row[1]));
}

TEST(mime_parameters, parameters) {
  EXPECT_EQ(std::string(find_parameter("multipart/mixed; boundary=abc; x=y", "boundary")), "abc");
  EXPECT_EQ(std::string(find_parameter("multipart/mixed;x;Boundary = \"a;b\"", "boundary")), "a;b");
  EXPECT_EQ(std::string(find_parameter("multipart/mixed; xboundary=abc", "boundary")), "");
  EXPECT_EQ(std::string(find_parameter("multipart/mixed; boundary", "boundary")), "");
}
