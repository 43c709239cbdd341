// Transfer codings, RFC 2045 6.7 and 6.8, wherever the pieces end.
#include "files/mime/transfer.h"

#include <string>

#include "base/test.h"

using namespace catenary;
using namespace catenary::mime;

namespace {

struct Collect : DecodedSink {
  std::string text;
  void on_decoded(Bytes content) override { text += as_text(content); }
};

// Lines of `coded`, in pieces of `step` bytes.
std::string decode(Transfer transfer, std::string_view coded, std::size_t step = 1000) {
  Collect out;
  TransferDecoder decoder;
  decoder.start(transfer);
  while (!coded.empty()) {
    const std::size_t end = std::min(coded.find('\n'), coded.size());
    std::string_view line = coded.substr(0, end);
    for (; !line.empty(); line.remove_prefix(std::min(step, line.size())))
      decoder.text(as_bytes(line.substr(0, step)), out);
    if (end < coded.size()) decoder.line_end("\r\n", out);
    coded.remove_prefix(std::min(end + 1, coded.size()));
  }
  decoder.finish(out);
  return out.text;
}

}  // namespace

TEST(mime_transfer, base64) {
  static constexpr std::string_view kRows[][2] = {
      {"YWJj", "abc"},        {"YWI=", "ab"},    {"YQ==", "a"},
      {"Y W\nJ\n\nj", "abc"}, {"Y*W!Jj", "abc"},  // RFC 2045 6.8: other characters are passed over
      {"YQ==\nlist", "a"},    {"", ""},          {"YWJjZ", "abc"},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(decode(Transfer::kBase64, row[0]), std::string(row[1]));
    EXPECT_EQ(decode(Transfer::kBase64, row[0], 1), std::string(row[1]));
  }
}

TEST(mime_transfer, base64_of_more_than_is_handed_on_at_once) {
  std::string coded, plain;
  for (int i = 0; i < 1000; i++) {
    coded += "YWJj";
    plain += "abc";
  }
  EXPECT_EQ(decode(Transfer::kBase64, coded), plain);
}

TEST(mime_transfer, quoted_printable) {
  static constexpr std::string_view kRows[][2] = {
      {"a=3Db", "a=b"},
      {"a=3db", "a=b"},
      {"soft=\nbreak", "softbreak"},
      {"soft= \t\nbreak", "softbreak"},
      {"blanks  \nend", "blanks\r\nend"},
      {"a b", "a b"},
      {"a = b", "a = b"},
      {"=4", "=4"},
      {"=4\nx", "=4\r\nx"},
      {"=zz", "=zz"},
      {"==41", "=A"},
      {"end=", "end"},
      {"=41 =42", "A B"},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(decode(Transfer::kQuotedPrintable, row[0]), std::string(row[1]));
    EXPECT_EQ(decode(Transfer::kQuotedPrintable, row[0], 1), std::string(row[1]));
  }
}

// 76 blanks may be transport padding; more are content.
TEST(mime_transfer, blanks_before_a_line_end) {
  for (const std::size_t n : {75u, 76u}) {
    const std::string line = "a" + std::string(n, ' ') + "\nb";
    EXPECT_EQ(decode(Transfer::kQuotedPrintable, line), "a\r\nb");
  }
  EXPECT_EQ(decode(Transfer::kQuotedPrintable, "a" + std::string(77, ' ') + "\nb"),
            "a" + std::string(76, ' ') + "\r\nb");
}
