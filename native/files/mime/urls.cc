#include "files/mime/urls.h"

#include <algorithm>

#include "base/ascii.h"

namespace catenary::mime {

namespace {

constexpr std::string_view kSchemes[] = {"http", "https", "ftp"};
constexpr std::string_view kSlashes = "://";
// RFC 3986 2.2: characters that no URL has as they are; they end one. Behind it stands punctuation of the sentence.
constexpr std::string_view kEnds = "<>\"'`{}|\\^";
constexpr std::string_view kPunctuation = ".,;:!?)]*";

bool ends_url(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte <= 0x20 || byte == 0x7f || kEnds.find(c) != std::string_view::npos;
}

std::size_t scheme_size(std::string_view url) noexcept { return std::min(url.find(':'), url.size()); }

}  // namespace

void UrlFinder::start() noexcept {
  word_size_ = 0;
  url_.clear();
}

void UrlFinder::bytes(Bytes text, UrlSink& sink) {
  for (const std::uint8_t byte : text) {
    const auto c = static_cast<char>(byte);
    if (!url_.empty()) {
      const std::size_t slashes = url_.size() - scheme_size(url_);
      const bool goes_on = slashes < kSlashes.size() ? c == kSlashes[slashes] : !ends_url(c);
      if (goes_on) {
        if (url_.size() < kUrlBytesMax) url_.push_back(c);
        continue;
      }
      finish(sink);
    }
    if (ascii::is_letter(c)) {
      if (word_size_ < word_.size()) word_[word_size_++] = ascii::lower(c);
      continue;
    }
    const std::string_view word(word_.data(), word_size_);
    word_size_ = 0;
    if (c == ':' && std::find(std::begin(kSchemes), std::end(kSchemes), word) != std::end(kSchemes)) {
      url_ = word;
      url_.push_back(c);
    }
  }
}

// HTML writes "&" as "&amp;".
void UrlFinder::finish(UrlSink& sink) {
  constexpr std::string_view kAmp = "&amp;";
  for (std::size_t at = url_.find(kAmp); at != std::string::npos; at = url_.find(kAmp, at + 1))
    url_.erase(at + 1, kAmp.size() - 1);
  while (!url_.empty() && kPunctuation.find(url_.back()) != std::string_view::npos) url_.pop_back();
  if (url_.size() > scheme_size(url_) + kSlashes.size()) sink.on_url(url_);
  url_.clear();
}

void UrlFinder::end(UrlSink& sink) {
  if (!url_.empty()) finish(sink);
  word_size_ = 0;
}

}  // namespace catenary::mime
