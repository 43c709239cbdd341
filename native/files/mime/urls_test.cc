// URLs in text, wherever the pieces end.
#include "files/mime/urls.h"

#include "base/test.h"

using namespace catenary;
using namespace catenary::mime;

namespace {

struct Collect : UrlSink {
  std::string text;
  void on_url(std::string_view url) override { text += std::string(url) + "\n"; }
};

std::string find(std::string_view text, std::size_t step = 1000) {
  Collect out;
  UrlFinder finder;
  finder.start();
  for (; !text.empty(); text.remove_prefix(std::min(step, text.size())))
    finder.bytes(as_bytes(text.substr(0, step)), out);
  finder.end(out);
  return out.text;
}

}  // namespace

TEST(mime_urls, where_one_begins_and_ends) {
  static constexpr std::string_view kRows[][2] = {
      {"go to http://a.example/b, now", "http://a.example/b\n"},
      {"(see https://a.example/x?y=1&z=2).", "https://a.example/x?y=1&z=2\n"},
      {"<a href=\"HTTP://a.example/?x=1&amp;y=2\">", "http://a.example/?x=1&y=2\n"},
      {"ftp://a.example/f http://b.example", "ftp://a.example/f\nhttp://b.example\n"},
      {"xhttp://a.example", ""},
      {"gopher://a.example", ""},
      {"http:/a.example http: //b", ""},
      {"http://", ""},
      {"http://...", ""},
      {"https://\xc3\xa4.example/\n", "https://\xc3\xa4.example/\n"},
      {"", ""},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(find(row[0]), std::string(row[1]));
    EXPECT_EQ(find(row[0], 1), std::string(row[1]));
  }
}

TEST(mime_urls, a_long_one_is_cut) {
  const std::string head = "http://a.example/";
  for (const std::size_t more : {0u, 1u}) {
    const std::string url = head + std::string(UrlFinder::kUrlBytesMax - 1 - head.size(), 'a') + std::string(more, 'b');
    EXPECT_EQ(find(url), url + "\n");
  }
  const std::string full = head + std::string(UrlFinder::kUrlBytesMax - head.size(), 'a');
  EXPECT_EQ(find(full + "b"), full + "\n");
}
