// The lines of one direction of a stream: for protocols of commands and replies (FTP, SMTP, POP3, IMAP).
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "base/cursor.h"

namespace catenary::flow {

// A line, or a piece of one that is longer than is read at once.
struct Line {
  std::string_view text;  // without its end, and without every CR before that
  Bytes raw;              // as it came, with its end
  bool is_start = true;   // false: the piece before was of the same line
  bool is_end = true;     // false: more of the line follows
};

// Remembers what of the unread bytes was looked at, so that no byte is looked at twice.
class LineReader {
 public:
  // The next line off `in`, or the next `max` bytes of a longer one. False: its end is not there yet.
  bool next(Cursor& in, std::size_t max, Line& out) noexcept {
    const Bytes rest = in.peek_rest();
    const std::size_t length = std::min(as_text(rest).find('\n', scanned_), rest.size());
    bool is_whole = length < rest.size();
    if (!is_whole && length < max) {
      scanned_ = length;
      return false;
    }
    if (length > max) is_whole = false;
    scanned_ = 0;
    out.raw = in.take(is_whole ? length + 1 : max);
    out.text = as_text(out.raw.first(is_whole ? length : max));
    while (is_whole && !out.text.empty() && out.text.back() == '\r') out.text.remove_suffix(1);
    out.is_start = !is_inside_;
    out.is_end = is_whole;
    is_inside_ = !is_whole;
    return true;
  }
  // Bytes are missing: what comes is the rest of a line.
  void gap() noexcept {
    scanned_ = 0;
    is_inside_ = true;
  }
  // What comes is no line (a counted literal): the next line begins behind it.
  void restart() noexcept {
    scanned_ = 0;
    is_inside_ = false;
  }

 private:
  std::size_t scanned_ = 0;
  bool is_inside_ = false;
};

}  // namespace catenary::flow
