// Cuts a multipart body (RFC 2046 5.1) into its parts as the bytes come. Copies nothing: a part's content is passed on
// in slices of what came, save the few bytes of a line end and a half-seen boundary, which are remembered as a count.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace catenary::http {

class PartSink {
 public:
  virtual ~PartSink() = default;
  // Without the line end.
  virtual void on_part_header(std::string_view line) = 0;
  virtual void on_part_bytes(Bytes content) = 0;
  virtual void on_part_end() = 0;
};

class Multipart {
 public:
  static constexpr std::size_t kBoundaryMax = 256;     // RFC 2046 allows 70
  static constexpr std::size_t kHeaderLineMax = 2048;  // the rest of a line is not looked at

  void start(std::string_view boundary);
  void bytes(Bytes in, PartSink& sink);
  // The body is over: a part without a closing boundary ends too.
  void end(PartSink& sink);
  // Bytes are missing: what was half seen is content.
  void gap(PartSink& sink);

 private:
  enum class State : std::uint8_t { kPreamble, kHeaders, kContent, kBoundaryLine, kEpilogue };

  void boundary_line(std::uint8_t c, PartSink& sink);
  void header_byte(std::uint8_t c, PartSink& sink);
  void flush_held(PartSink& sink);
  std::size_t without_delimiter(Bytes in) const noexcept;
  std::size_t scan(Bytes in, std::size_t at, PartSink& sink);

  std::string delimiter_;  // "--" and the boundary
  std::string line_;
  State state_ = State::kPreamble;
  // Held back: a line end ("", "\n", "\r", "\r\n") and the first matched_ bytes of the delimiter.
  bool has_cr_ = false, has_lf_ = false, is_line_start_ = false;
  std::size_t matched_ = 0;
  bool is_closing_ = false;
  std::uint8_t dashes_ = 0;
  std::size_t line_bytes_ = 0;
};

}  // namespace catenary::http
