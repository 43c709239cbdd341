#include "base/zstd.h"

#include <zstd.h>

#include "base/cursor.h"

namespace catenary::zstd {

// RFC 8878, 3.1.1.1.
Header read_header(Bytes frame) noexcept {
  Header h;
  const auto fail = [&h](std::string_view why) noexcept {
    h.fault = why;
    return h;
  };
  Cursor in(frame);
  if (in.le32() != ZSTD_MAGICNUMBER) return fail(in.ok() ? "not a zstd frame" : "cut off");
  const std::uint8_t descriptor = in.u8();
  const bool is_single = (descriptor & 0x20) != 0;
  if ((descriptor & 0x08) != 0) return fail("reserved bit");  // "must be zero"
  if ((descriptor & 0x03) != 0) return fail("needs a dictionary");
  if (!is_single) {
    const std::uint8_t w = in.u8();
    const std::uint64_t base = std::uint64_t{1} << (10 + (w >> 3));
    h.window = base + base / 8 * (w & 7);
  }
  switch (descriptor >> 6) {
    case 0:
      if (!is_single) return fail("does not say its size");
      h.content = in.u8();
      break;
    case 1: h.content = std::uint64_t{in.le16()} + 256; break;
    case 2: h.content = in.le32(); break;
    default: h.content = in.le64();
  }
  if (is_single) h.window = h.content;
  return in.ok() ? h : fail("cut off");
}

bool compress(Bytes in, std::vector<std::uint8_t>& out) {
  out.resize(ZSTD_compressBound(in.size()));
  const std::size_t n = ZSTD_compress(out.data(), out.size(), in.data(), in.size(), kLevel);
  if (ZSTD_isError(n) != 0) return false;
  out.resize(n);
  return true;
}

std::string_view decompress(Bytes frame, std::size_t content_max, std::vector<std::uint8_t>& out) {
  const Header h = read_header(frame);
  if (!h.fault.empty()) return h.fault;
  if (h.content > content_max) return "holds more than allowed";
  if (h.window > kWindowMax) return "its window is too large";
  if (h.content > frame.size() * kRatioMax) return "shrank more than is credible";
  if (ZSTD_findFrameCompressedSize(frame.data(), frame.size()) != frame.size()) return "not exactly one frame";
  out.resize(static_cast<std::size_t>(h.content));
  const std::size_t n = ZSTD_decompress(out.data(), out.size(), frame.data(), frame.size());
  if (ZSTD_isError(n) != 0) return "does not decompress";
  if (n != out.size()) return "holds less than it says";
  return {};
}

}  // namespace catenary::zstd
