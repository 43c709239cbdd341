#include "files/mime/message.h"

#include <algorithm>

#include "base/ascii.h"
#include "files/mime/parameters.h"

namespace catenary::mime {

namespace {

constexpr std::string_view kDashes = "--";
constexpr std::size_t kTypeBytesMax = 128;
// A boundary with its dashes before and behind, and blanks.
constexpr std::size_t kBoundaryLineMax = Message::kBoundaryBytesMax + 64;

// The rest of `in` up to a line feed, taken off it with the feed; `is_whole` when there is one.
Bytes take_line(Bytes& in, bool& is_whole) noexcept {
  const std::size_t n = std::min(as_text(in).find('\n'), in.size());
  const Bytes line = in.first(n);
  is_whole = n < in.size();
  in = in.subspan(is_whole ? n + 1 : n);
  return line;
}

}  // namespace

void Message::start(std::string_view source, flow::Dir dir, MessageSink& sink, MessageCounts& counts) {
  source_ = source;
  dir_ = dir;
  sink_ = &sink;
  counts_ = &counts;
  open_.clear();
  parts_ = 0;
  skips_line_ = false;
  begin_entity();
  is_top_ = true;
}

void Message::begin_entity() {
  counts_->entities++;
  state_ = State::kHeaders;
  is_top_ = false;
  line_.clear();
  header_.clear();
  type_.clear();
  boundary_.clear();
  file_name_.clear();
  transfer_ = Transfer::kIdentity;
  has_cr_ = false;
  line_end_ = LineEnd::kNone;
  is_line_start_ = true;
  is_opened_ = false;
}

void Message::bytes(flow::Context& cx, Bytes in) {
  cx_ = &cx;
  while (!in.empty()) {
    if (skips_line_) {
      bool is_whole = false;
      take_line(in, is_whole);
      skips_line_ = !is_whole;
      is_line_start_ = is_whole;
    } else if (state_ == State::kHeaders) {
      take_header(in);
    } else {
      take_content(in);
    }
  }
}

// ---- headers -----------------------------------------------------------------------------------------------------

void Message::take_header(Bytes& in) {
  bool is_whole = false;
  std::string_view piece = as_text(take_line(in, is_whole));
  const std::size_t room = kHeaderBytesMax - line_.size();
  if (piece.size() > room) {
    cx_->weird(Weird::mime_header_too_long);
    piece = piece.substr(0, room);
    skips_line_ = !is_whole;
    is_whole = true;
  }
  if (!is_whole || !line_.empty()) line_.append(piece);
  if (!is_whole) return;
  // A line that is here as a whole is read where it lies.
  if (!line_.empty()) {
    held_.swap(line_);
    line_.clear();
    piece = held_;
  }
  if (!piece.empty() && piece.back() == '\r') piece.remove_suffix(1);
  header_line(piece);
}

void Message::header_line(std::string_view line) {
  Boundary boundary;
  if (line.empty()) {
    finish_header();
    return end_headers();
  }
  if (find_boundary(line, boundary)) {
    finish_header();
    return on_boundary(boundary);
  }
  if (!ascii::is_space(line[0])) {
    finish_header();
    header_ = line;
    return;
  }
  const std::size_t room = kHeaderBytesMax - std::min(kHeaderBytesMax, header_.size());
  if (line.size() > room) cx_->weird(Weird::mime_header_too_long);
  header_.append(line.substr(0, room));
}

void Message::finish_header() {
  const std::string_view header = header_;
  const std::size_t colon = header.find(':');
  if (colon == std::string_view::npos) return header_.clear();
  const std::string_view name = trim(header.substr(0, colon));
  const std::string_view value = trim_start(header.substr(colon + 1));
  const auto is = [&](std::string_view field) { return ascii::equals_any_case(name, field); };
  if (is("content-type")) {
    type_ = trim(value.substr(0, value.find(';'))).substr(0, kTypeBytesMax);
    std::transform(type_.begin(), type_.end(), type_.begin(), ascii::lower);
    boundary_ = find_parameter(value, "boundary").substr(0, kBoundaryBytesMax);
    if (file_name_.empty()) read_file_name(value, "name", kFileNameBytesMax, file_name_);
  } else if (is("content-disposition")) {
    read_file_name(value, "filename", kFileNameBytesMax, file_name_);
  } else if (is("content-transfer-encoding")) {
    const std::string_view coding = trim(value);
    const auto named = [&](std::string_view n) { return ascii::equals_any_case(coding, n); };
    transfer_ = named("base64")             ? Transfer::kBase64
                : named("quoted-printable") ? Transfer::kQuotedPrintable
                                            : Transfer::kIdentity;
    if (transfer_ == Transfer::kIdentity && !named("7bit") && !named("8bit") && !named("binary"))
      cx_->weird(Weird::mime_transfer_encoding_unknown, coding.substr(0, 32));
  }
  if (is_top_ && !name.empty()) sink_->on_header(name, value);
  header_.clear();
}

void Message::end_headers() {
  const bool is_multipart = type_.starts_with("multipart/");
  // RFC 2046 5.2: a message within is not coded. Where one is all the same, it is a file.
  const bool is_message = type_.starts_with("message/") && transfer_ == Transfer::kIdentity;
  is_line_start_ = true;
  if (is_multipart && boundary_.empty()) cx_->weird(Weird::mime_boundary_missing);
  if ((is_multipart && !boundary_.empty()) || is_message) {
    if (open_.size() == kDepthMax) {
      cx_->weird(Weird::mime_depth_limit);
      state_ = State::kBetween;
      return;
    }
    open_.push_back(is_message ? std::string() : boundary_);
    if (is_message) return begin_entity();
    state_ = State::kBetween;
    return;
  }
  state_ = State::kContent;
  is_text_ = type_.empty() || type_.starts_with("text/");
  decoder_.start(transfer_);
  if (is_text_) urls_.start();
}

// ---- boundaries ----------------------------------------------------------------------------------------------------

// RFC 2046 5.1.1 has a line begin with the boundary. Mail programs derive the inner one from the outer by adding to
// it, so of several that fit the longest is meant.
bool Message::find_boundary(std::string_view line, Boundary& out) const noexcept {
  if (!line.starts_with(kDashes)) return false;
  line.remove_prefix(kDashes.size());
  std::size_t longest = 0;
  for (std::size_t i = 0; i < open_.size(); i++) {
    const std::string& boundary = open_[i];
    if (boundary.size() <= longest || !line.starts_with(boundary)) continue;
    longest = boundary.size();
    out = {i, line.substr(longest).starts_with(kDashes)};
  }
  return longest > 0;
}

void Message::on_boundary(Boundary b) {
  line_end_ = LineEnd::kNone;
  end_part(files::End::kComplete);
  open_.resize(b.is_closing ? b.level : b.level + 1);
  state_ = State::kBetween;
  is_line_start_ = true;
  if (b.is_closing) return;
  if (parts_ == kPartsMax) return cx_->weird(Weird::mime_part_limit);
  parts_++;
  begin_entity();
}

// ---- content -------------------------------------------------------------------------------------------------------

void Message::take_content(Bytes& in) {
  if (is_line_start_ && !open_.empty() && take_boundary_line(in)) return;
  is_line_start_ = false;
  take_text(in);
}

// A line that begins with a dash is looked at as a whole. False when the line is none of ours.
bool Message::take_boundary_line(Bytes& in) {
  if (line_.empty() && in[0] != '-') return false;
  bool is_whole = false;
  Bytes rest = in;
  const Bytes piece = take_line(rest, is_whole);
  const bool is_candidate =
      line_.size() + piece.size() <= kBoundaryLineMax && (line_.size() != 1 || piece.empty() || piece[0] == '-');
  if (is_candidate) {
    line_.append(as_text(piece));
    in = rest;
    if (!is_whole) return true;
    Boundary boundary;
    if (find_boundary(line_, boundary)) {
      line_.clear();
      has_cr_ = false;
      on_boundary(boundary);
      return true;
    }
  }
  // It is content after all.
  held_.swap(line_);
  line_.clear();
  is_line_start_ = false;
  if (is_candidate) held_.push_back('\n');
  Bytes content = as_bytes(held_);
  while (!content.empty()) take_text(content);
  return is_candidate;
}

void Message::take_text(Bytes& in) {
  bool is_whole = false;
  Bytes run = take_line(in, is_whole);
  if (!run.empty()) {
    flush_line_end();
    if (has_cr_ && state_ == State::kContent) decoder_.text(as_bytes("\r"), *this);
    has_cr_ = run.back() == '\r';
    if (has_cr_) run = run.first(run.size() - 1);
    if (!run.empty() && state_ == State::kContent) decoder_.text(run, *this);
  }
  if (!is_whole) return;
  flush_line_end();
  line_end_ = has_cr_ ? LineEnd::kCrLf : LineEnd::kLf;
  has_cr_ = false;
  is_line_start_ = true;
}

void Message::flush_line_end() {
  if (line_end_ != LineEnd::kNone && state_ == State::kContent)
    decoder_.line_end(line_end_ == LineEnd::kCrLf ? "\r\n" : "\n", *this);
  line_end_ = LineEnd::kNone;
}

void Message::open_file() {
  if (is_opened_) return;
  is_opened_ = true;
  file_ =
      cx_->files.open(*cx_, {.source = source_, .dir = dir_, .depth = counts_->entities, .ordinal = counts_->files++});
  if (file_) sink_->on_file(file_->fuid());
}

void Message::on_decoded(Bytes content) {
  open_file();
  cx_->files.bytes(*cx_, file_, content);
  if (is_text_) urls_.bytes(content, *this);
}

void Message::end_part(files::End how) {
  if (state_ != State::kContent) return;
  flush_line_end();
  if (has_cr_) decoder_.text(as_bytes("\r"), *this);
  has_cr_ = false;
  decoder_.finish(*this);
  if (is_text_) urls_.end(*this);
  cx_->files.close(*cx_, file_, how, {.filename = file_name_});
  state_ = State::kBetween;
}

// How much of the file is missing, a coding leaves to guess: base64 makes four bytes of three.
void Message::gap(flow::Context& cx, std::uint64_t n) {
  cx_ = &cx;
  line_.clear();
  if (state_ != State::kContent) {
    skips_line_ = true;
    return;
  }
  flush_line_end();
  has_cr_ = is_line_start_ = false;
  skips_line_ = !decoder_.gap();
  open_file();
  cx.files.gap(cx, file_, transfer_ == Transfer::kBase64 ? n / 4 * 3 : n);
}

void Message::end(flow::Context& cx, files::End how) {
  if (!is_open()) return;
  cx_ = &cx;
  if (state_ == State::kHeaders) {
    if (!line_.empty()) {
      held_.swap(line_);
      header_line(held_);
    }
    finish_header();
  } else if (!line_.empty()) {
    Bytes content = as_bytes(line_);
    while (!content.empty()) take_text(content);
    line_.clear();
  }
  end_part(how);
  sink_ = nullptr;
}

}  // namespace catenary::mime
