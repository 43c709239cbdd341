// Transfer codings (RFC 2045 6), taken off as the bytes come. Nothing is collected: what one call takes in, it gives
// out, save for a few characters whose meaning the next ones decide.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace catenary::mime {

enum class Transfer : std::uint8_t { kIdentity, kBase64, kQuotedPrintable };

// Takes what was decoded, in order.
class DecodedSink {
 public:
  virtual ~DecodedSink() = default;
  virtual void on_decoded(Bytes content) = 0;
};

class TransferDecoder {
 public:
  void start(Transfer transfer) noexcept;
  // A part of a line, without its end.
  void text(Bytes in, DecodedSink& sink);
  // The end of a line, as it came: "\r\n" or "\n".
  void line_end(std::string_view end, DecodedSink& sink);
  // Nothing more comes.
  void finish(DecodedSink& sink);
  // Bytes are missing. True when what follows can be read; false when only the next line can.
  bool gap() noexcept;

  Transfer transfer() const noexcept { return transfer_; }

 private:
  // What an encoder may leave of blanks at the end of a line and RFC 2045 6.7 (3) has taken off; more are content.
  static constexpr std::size_t kBlanksMax = 76;

  void base64(Bytes in, DecodedSink& sink);
  void quoted_printable(Bytes in, DecodedSink& sink);
  void flush_escape(DecodedSink& sink);

  Transfer transfer_ = Transfer::kIdentity;
  std::uint32_t word_ = 0;  // base64: bits that do not make a byte yet
  unsigned bits_ = 0;
  bool is_over_ = false;
  bool has_equals_ = false;  // quoted-printable: "=" came, and perhaps one digit
  char digit_ = 0;
  std::array<char, kBlanksMax> blanks_;
  std::size_t blanks_size_ = 0;
};

}  // namespace catenary::mime
