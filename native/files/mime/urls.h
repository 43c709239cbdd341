// URLs in text that comes in pieces: what a mail wants its reader to open.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace catenary::mime {

class UrlSink {
 public:
  virtual ~UrlSink() = default;
  virtual void on_url(std::string_view url) = 0;
};

class UrlFinder {
 public:
  static constexpr std::size_t kUrlBytesMax = 512;  // the rest of a longer one is left out

  void start() noexcept;
  void bytes(Bytes text, UrlSink& sink);
  // The text is over; a URL may stand at its very end.
  void end(UrlSink& sink);

 private:
  static constexpr std::size_t kSchemeMax = 5;  // of "https"

  void finish(UrlSink& sink);

  std::array<char, kSchemeMax + 1> word_{};  // letters before a colon; one more than any scheme has
  std::size_t word_size_ = 0;
  std::string url_;  // empty: outside of one
};

}  // namespace catenary::mime
