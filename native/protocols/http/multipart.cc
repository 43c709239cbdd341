#include "protocols/http/multipart.h"

#include <algorithm>
#include <cstring>

namespace catenary::http {

void Multipart::start(std::string_view boundary) {
  delimiter_.assign("--");
  delimiter_.append(boundary.substr(0, kBoundaryMax));
  line_.clear();
  state_ = State::kPreamble;
  has_cr_ = has_lf_ = false;
  is_line_start_ = true;  // the first delimiter may stand at the very beginning
  matched_ = 0;
}

void Multipart::flush_held(PartSink& sink) {
  if (state_ == State::kContent) {
    if (has_cr_) sink.on_part_bytes(as_bytes("\r"));
    if (has_lf_) sink.on_part_bytes(as_bytes("\n"));
    if (matched_ > 0) sink.on_part_bytes(as_bytes(std::string_view(delimiter_).substr(0, matched_)));
  }
  has_cr_ = has_lf_ = is_line_start_ = false;
  matched_ = 0;
}

// How many bytes there are up to a line end behind which a delimiter may stand: they go on as they are.
std::size_t Multipart::without_delimiter(Bytes in) const noexcept {
  const std::string_view text = as_text(in);
  std::size_t n = text.find('\n');
  while (n < text.size() && !delimiter_.starts_with(text.substr(n + 1, delimiter_.size()))) n = text.find('\n', n + 1);
  n = std::min(n, text.size());
  return n > 0 && text[n - 1] == '\r' ? n - 1 : n;
}

// Content or preamble from `at`; returns where it stopped: at the end, or behind a delimiter.
std::size_t Multipart::scan(Bytes in, std::size_t at, PartSink& sink) {
  while (at < in.size()) {
    const auto c = static_cast<char>(in[at]);
    if (is_line_start_) {
      if (c == delimiter_[matched_]) {
        at++;
        if (++matched_ < delimiter_.size()) continue;
        // The line end before a delimiter belongs to the delimiter.
        has_cr_ = has_lf_ = is_line_start_ = false;
        matched_ = 0;
        if (state_ == State::kContent) sink.on_part_end();
        state_ = State::kBoundaryLine;
        is_closing_ = false;
        dashes_ = 0;
        line_bytes_ = 0;
        return at;
      }
      flush_held(sink);
    }
    if (has_cr_ && c != '\n') flush_held(sink);
    if (c == '\r') {
      has_cr_ = true;
      at++;
    } else if (c == '\n') {
      has_lf_ = true;
      is_line_start_ = true;
      at++;
    } else {
      const Bytes run = in.subspan(at, without_delimiter(in.subspan(at)));
      if (state_ == State::kContent) sink.on_part_bytes(run);
      at += run.size();
    }
  }
  return at;
}

void Multipart::boundary_line(std::uint8_t c, PartSink&) {
  if (c == '\n') {
    state_ = is_closing_ ? State::kEpilogue : State::kHeaders;
    line_.clear();
    return;
  }
  if (c == '-' && dashes_ == line_bytes_ && ++dashes_ == 2) is_closing_ = true;
  line_bytes_++;
}

void Multipart::header_byte(std::uint8_t c, PartSink& sink) {
  if (c != '\n') {
    if (line_.size() < kHeaderLineMax) line_.push_back(static_cast<char>(c));
    return;
  }
  if (!line_.empty() && line_.back() == '\r') line_.pop_back();
  if (line_.empty()) {
    state_ = State::kContent;
    // An empty part's delimiter comes right behind its headers.
    has_cr_ = has_lf_ = false;
    is_line_start_ = true;
    matched_ = 0;
    return;
  }
  sink.on_part_header(line_);
  line_.clear();
}

void Multipart::bytes(Bytes in, PartSink& sink) {
  std::size_t at = 0;
  while (at < in.size()) {
    switch (state_) {
      case State::kPreamble:
      case State::kContent: at = scan(in, at, sink); break;
      case State::kBoundaryLine: boundary_line(in[at++], sink); break;
      case State::kHeaders: header_byte(in[at++], sink); break;
      case State::kEpilogue: return;
    }
  }
}

void Multipart::gap(PartSink& sink) {
  flush_held(sink);
  if (state_ == State::kHeaders || state_ == State::kBoundaryLine) state_ = State::kPreamble;
}

void Multipart::end(PartSink& sink) {
  if (state_ == State::kContent) {
    flush_held(sink);
    sink.on_part_end();
  }
  state_ = State::kEpilogue;
}

}  // namespace catenary::http
