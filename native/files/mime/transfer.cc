#include "files/mime/transfer.h"

#include <algorithm>

#include "base/ascii.h"

namespace catenary::mime {

namespace {

// Decoded bytes that are handed on at once.
constexpr std::size_t kOutBytes = 1024;

// 0 to 63; 64 for padding, 65 for what is no part of base64 and is passed over (RFC 2045 6.8).
constexpr std::uint8_t kPadding = 64, kForeign = 65;
constexpr std::array<std::uint8_t, 256> kBase64 = [] {
  std::array<std::uint8_t, 256> table{};
  table.fill(kForeign);
  for (std::uint8_t i = 0; i < 26; i++) {
    table['A' + i] = i;
    table['a' + i] = static_cast<std::uint8_t>(26 + i);
  }
  for (std::uint8_t i = 0; i < 10; i++) table['0' + i] = static_cast<std::uint8_t>(52 + i);
  table['+'] = 62;
  table['/'] = 63;
  table['='] = kPadding;
  return table;
}();

}  // namespace

void TransferDecoder::start(Transfer transfer) noexcept {
  transfer_ = transfer;
  word_ = bits_ = 0;
  is_over_ = has_equals_ = false;
  digit_ = 0;
  blanks_size_ = 0;
}

void TransferDecoder::text(Bytes in, DecodedSink& sink) {
  switch (transfer_) {
    case Transfer::kIdentity: sink.on_decoded(in); return;
    case Transfer::kBase64: base64(in, sink); return;
    case Transfer::kQuotedPrintable: quoted_printable(in, sink); return;
  }
}

void TransferDecoder::base64(Bytes in, DecodedSink& sink) {
  if (is_over_) return;
  std::array<std::uint8_t, kOutBytes> out;
  std::size_t size = 0;
  for (const std::uint8_t c : in) {
    const std::uint8_t v = kBase64[c];
    if (v == kForeign) continue;
    if (v == kPadding) {
      // RFC 2045 6.8: the end of the data. What a list puts behind it is no part of the file.
      is_over_ = true;
      break;
    }
    word_ = (word_ << 6) | v;
    bits_ += 6;
    if (bits_ < 8) continue;
    bits_ -= 8;
    out[size++] = static_cast<std::uint8_t>(word_ >> bits_);
    if (size == out.size()) {
      sink.on_decoded(out);
      size = 0;
    }
  }
  if (size > 0) sink.on_decoded(Bytes(out).first(size));
}

// An escape that turned out to be none stands for itself, as RFC 2045 6.7 advises (note 2).
void TransferDecoder::flush_escape(DecodedSink& sink) {
  if (has_equals_) sink.on_decoded(as_bytes("="));
  if (digit_ != 0) sink.on_decoded(as_bytes({&digit_, 1}));
  has_equals_ = false;
  digit_ = 0;
  if (blanks_size_ > 0) sink.on_decoded(as_bytes({blanks_.data(), blanks_size_}));
  blanks_size_ = 0;
}

void TransferDecoder::quoted_printable(Bytes in, DecodedSink& sink) {
  std::size_t from = 0;  // of a run that stands for itself
  const auto flush_run = [&](std::size_t to) {
    if (to > from) sink.on_decoded(in.subspan(from, to - from));
  };
  for (std::size_t i = 0; i < in.size(); i++) {
    const auto c = static_cast<char>(in[i]);
    const int digit = ascii::hex_digit(c);
    if (has_equals_ && blanks_size_ == 0 && digit >= 0) {
      from = i + 1;
      if (digit_ == 0) {
        digit_ = c;
        continue;
      }
      const auto byte = static_cast<std::uint8_t>(ascii::hex_digit(digit_) * 16 + digit);
      has_equals_ = false;
      digit_ = 0;
      sink.on_decoded({&byte, 1});
      continue;
    }
    if (ascii::is_space(c) && digit_ == 0) {
      flush_run(i);
      from = i + 1;
      if (blanks_size_ == kBlanksMax) flush_escape(sink);
      blanks_[blanks_size_++] = c;
      continue;
    }
    if (has_equals_ || blanks_size_ > 0) {
      flush_escape(sink);
      from = i;
    }
    if (c != '=') continue;
    flush_run(i);
    from = i + 1;
    has_equals_ = true;
  }
  flush_run(in.size());
}

void TransferDecoder::line_end(std::string_view end, DecodedSink& sink) {
  if (transfer_ == Transfer::kBase64) return;
  if (transfer_ == Transfer::kQuotedPrintable) {
    blanks_size_ = 0;
    const bool is_soft = has_equals_ && digit_ == 0;
    if (is_soft) has_equals_ = false;
    flush_escape(sink);
    if (is_soft) return;
  }
  sink.on_decoded(as_bytes(end));
}

void TransferDecoder::finish(DecodedSink& sink) {
  if (transfer_ != Transfer::kQuotedPrintable) return;
  blanks_size_ = 0;
  if (digit_ == 0) has_equals_ = false;
  flush_escape(sink);
}

bool TransferDecoder::gap() noexcept {
  const Transfer transfer = transfer_;
  start(transfer);
  return transfer != Transfer::kBase64;
}

}  // namespace catenary::mime
