// An Internet message (RFC 5322) with its MIME parts (RFC 2045, RFC 2046), taken apart as its bytes come.
//
//   header lines -> empty line -> content
//                                 multipart/*:  parts, each of them header lines and content again
//                                 message/*:    header lines and content again
//
// Content without its transfer coding is a file; texts are looked through for URLs. Kept are the header being read, a
// line that may be a boundary, and the boundaries that are open.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "files/mime/transfer.h"
#include "files/mime/urls.h"
#include "files/tracker.h"
#include "flow/context.h"

namespace catenary::mime {

// What the protocol that carries the message learns. Views: read during the call.
class MessageSink {
 public:
  virtual ~MessageSink() = default;
  // Of the message itself, not of its parts; unfolded (RFC 5322 2.2.3), the value without blanks before it.
  virtual void on_header(std::string_view name, std::string_view value) = 0;
  virtual void on_file(std::string_view fuid) = 0;
  virtual void on_message_url(std::string_view url) = 0;
};

// Of a flow: they count on from message to message.
struct MessageCounts {
  std::uint32_t entities = 0;  // messages and parts, containers among them: Zeek's depth of a file
  std::uint32_t files = 0;
};

class Message : DecodedSink, UrlSink {
 public:
  static constexpr std::size_t kHeaderBytesMax = 8192;
  static constexpr std::size_t kBoundaryBytesMax = 256;  // RFC 2046 5.1.1 allows 70
  static constexpr std::size_t kDepthMax = 16;           // parts within parts
  static constexpr std::uint32_t kPartsMax = 100;        // of one message, more than people write
  static constexpr std::size_t kFileNameBytesMax = 512;

  // `source` is the protocol, static text. `sink` and `counts` outlive the message.
  void start(std::string_view source, flow::Dir dir, MessageSink& sink, MessageCounts& counts);
  bool is_open() const noexcept { return sink_ != nullptr; }
  void bytes(flow::Context& cx, Bytes in);
  void gap(flow::Context& cx, std::uint64_t n);
  void end(flow::Context& cx, files::End how);

 private:
  enum class State : std::uint8_t {
    kHeaders,
    kContent,
    kBetween,  // before the first part, behind the last, or too deep: belongs to nobody
  };
  enum class LineEnd : std::uint8_t { kNone, kLf, kCrLf };
  struct Boundary {
    std::size_t level = 0;
    bool is_closing = false;
  };

  void begin_entity();
  void take_header(Bytes& in);
  void header_line(std::string_view line);
  void finish_header();
  void end_headers();
  bool find_boundary(std::string_view line, Boundary& out) const noexcept;
  void on_boundary(Boundary b);

  void take_content(Bytes& in);
  bool take_boundary_line(Bytes& in);
  void take_text(Bytes& in);
  void flush_line_end();
  void end_part(files::End how);
  void open_file();

  void on_decoded(Bytes content) override;
  void on_url(std::string_view url) override { sink_->on_message_url(url); }

  MessageSink* sink_ = nullptr;
  MessageCounts* counts_ = nullptr;
  flow::Context* cx_ = nullptr;  // of the call being made
  std::string_view source_;
  flow::Dir dir_{};

  State state_ = State::kHeaders;
  std::vector<std::string> open_;  // boundaries from the outside in; empty: a message within
  std::string line_;               // of the headers, or one that may be a boundary
  std::string header_, held_;
  std::uint32_t parts_ = 0;
  bool is_top_ = true, is_line_start_ = true, skips_line_ = false;
  bool has_cr_ = false;                // it may be half of a line end
  LineEnd line_end_ = LineEnd::kNone;  // belongs to the boundary, if one follows (RFC 2046 5.1.1)

  // Of the part being read.
  std::string type_, boundary_, file_name_;
  Transfer transfer_ = Transfer::kIdentity;
  TransferDecoder decoder_;
  UrlFinder urls_;
  bool is_text_ = false, is_opened_ = false;
  files::File* file_ = nullptr;
};

}  // namespace catenary::mime
