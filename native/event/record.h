// Writes one event as one record: the byte 0x40, then the values in schema order, each plain msgpack.
//
//   0x40 | ts cf.. | seen cf.. | cut c2/c3 | ...
//
// That is msgpackr's record extension with the shared structure of the kind, so the same bytes are what detection
// decodes, the spool keeps and the wire carries. Encoding is canonical, one value has one form, so equal events are
// equal bytes:
//   integers   shortest form, except 64, which is cc 40: a bare 0x40 would begin a record
//              u64 and i64 are cut to what a double holds exactly, so that every reader has the same number
//   time       cf and 8 bytes always; at most kTimeMax, a later time is cut to it
//   f64        cb always; what is not finite is written 0 and the record marked cut
//   ip         c4 10 and 16 bytes, IPv4 mapped        uid  ac and "C" with 11 base-62 digits
//   mac        b1 and "aa:bb:cc:dd:ee:ff"             nil  c0
//   text       fixstr, d9 or da. Valid UTF-8 stands as it came, control characters included: who prints to a
//              terminal escapes. A byte that is no UTF-8 becomes \xNN, a backslash \\, so it reverses. Cut to its
//              cap at a character, never inside an escape.
//   list       fixarray or dc, cut to its cap_items
//
// Space: a kind's caps bound its record (kBytesMax, at most kRecordBytesMax), so one check at the start makes every
// write behind it safe and unchecked. Nothing here allocates.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>
#include <span>
#include <string_view>

#include "base/net.h"

namespace catenary {

inline constexpr std::size_t kRecordBytesMax = 64 * 1024;
inline constexpr std::uint8_t kRecordByte = 0x40;
// 2^53 - 1: the largest integer a double holds exactly; as microseconds, June 2255.
inline constexpr std::uint64_t kIntegerMax = (std::uint64_t{1} << 53) - 1;
inline constexpr Micros kTimeMax = kIntegerMax;
inline constexpr std::size_t kUidTextBytes = 12;
inline constexpr std::size_t kMacTextBytes = 17;

// Bytes that somebody else owns, filled from the front.
struct Buffer {
  std::uint8_t* data = nullptr;
  std::size_t size = 0;
  std::size_t cap = 0;

  bool ensure(std::size_t n) const noexcept { return cap - size >= n; }
  Bytes bytes() const noexcept { return {data, size}; }
};

// 'C' and eleven digits of 0-9A-Za-z, most significant first; no terminating zero.
void uid_text(Uid uid, char* out) noexcept;
// False when the text is not what uid_text writes.
bool uid_parse(std::string_view text, Uid& out) noexcept;
// Lower-case hex with colons; no terminating zero.
void mac_text(const Mac& mac, char* out) noexcept;

class RecordWriter {
 public:
  explicit RecordWriter(Buffer& buffer) noexcept : buffer_(&buffer) {}

  // Whether the last encode() found room. If not, nothing was written: encode again into a fresh buffer; any record
  // fits one of kRecordBytesMax.
  bool ok() const noexcept { return ok_; }
  // Whether the last record written had some value cut.
  bool cut() const noexcept { return cut_; }
  std::uint64_t records() const noexcept { return records_; }
  void use(Buffer& buffer) noexcept {
    buffer_ = &buffer;
    records_ = 0;
  }

  // For generated code. The quick bound is a constant; only near the end of the buffer is the record measured.
  template <class Event>
  std::uint8_t* begin(const Event& event) noexcept {
    ok_ = buffer_->ensure(Event::kBytesMax) || buffer_->ensure(event.bytes_bound());
    return ok_ ? buffer_->data + buffer_->size : nullptr;
  }
  void end(std::uint8_t* at, bool cut) noexcept {
    buffer_->data[buffer_->size + kCutOffset] = cut ? 0xc3 : 0xc2;
    buffer_->size = static_cast<std::size_t>(at - buffer_->data);
    cut_ = cut;
    records_++;
  }

 private:
  // Behind 0x40, ts and seen, in both envelopes.
  static constexpr std::size_t kCutOffset = 1 + 9 + 9;

  Buffer* buffer_;
  std::uint64_t records_ = 0;
  bool ok_ = true;
  bool cut_ = false;
};

// One value each: writes at `p`, returns the place behind. The caller has made room.
namespace record {

template <class T>
inline std::uint8_t* big_endian(std::uint8_t* p, T v) noexcept {
  for (std::size_t i = 0; i < sizeof(T); i++) p[i] = static_cast<std::uint8_t>(v >> (8 * (sizeof(T) - 1 - i)));
  return p + sizeof(T);
}

inline std::uint8_t* nil(std::uint8_t* p) noexcept {
  *p = 0xc0;
  return p + 1;
}
inline std::uint8_t* boolean(std::uint8_t* p, bool v) noexcept {
  *p = v ? 0xc3 : 0xc2;
  return p + 1;
}
inline std::uint8_t* integer(std::uint8_t* p, std::uint64_t v) noexcept {
  if (v < 0x80 && v != kRecordByte) {
    *p = static_cast<std::uint8_t>(v);
    return p + 1;
  }
  if (v <= 0xff) {
    *p = 0xcc;
    return big_endian(p + 1, static_cast<std::uint8_t>(v));
  }
  if (v <= 0xffff) {
    *p = 0xcd;
    return big_endian(p + 1, static_cast<std::uint16_t>(v));
  }
  if (v <= 0xffffffff) {
    *p = 0xce;
    return big_endian(p + 1, static_cast<std::uint32_t>(v));
  }
  *p = 0xcf;
  return big_endian(p + 1, v);
}
inline std::uint8_t* signed_integer(std::uint8_t* p, std::int64_t v) noexcept {
  const auto bits = static_cast<std::uint64_t>(v);
  if (v >= 0) return integer(p, bits);
  if (v >= -32) {
    *p = static_cast<std::uint8_t>(bits);
    return p + 1;
  }
  if (v >= -0x80) {
    *p = 0xd0;
    return big_endian(p + 1, static_cast<std::uint8_t>(bits));
  }
  if (v >= -0x8000) {
    *p = 0xd1;
    return big_endian(p + 1, static_cast<std::uint16_t>(bits));
  }
  if (v >= -0x80000000LL) {
    *p = 0xd2;
    return big_endian(p + 1, static_cast<std::uint32_t>(bits));
  }
  *p = 0xd3;
  return big_endian(p + 1, bits);
}
inline std::uint8_t* u64(std::uint8_t* p, std::uint64_t v, bool& cut) noexcept {
  if (v > kIntegerMax) {
    v = kIntegerMax;
    cut = true;
  }
  return integer(p, v);
}
inline std::uint8_t* i64(std::uint8_t* p, std::int64_t v, bool& cut) noexcept {
  constexpr auto kMax = static_cast<std::int64_t>(kIntegerMax);
  const std::int64_t held = std::clamp(v, -kMax, kMax);
  if (held != v) cut = true;
  return signed_integer(p, held);
}
inline std::uint8_t* time(std::uint8_t* p, Micros v, bool& cut) noexcept {
  if (v > kTimeMax) {
    v = kTimeMax;
    cut = true;
  }
  *p = 0xcf;
  return big_endian(p + 1, v);
}
inline std::uint8_t* f64(std::uint8_t* p, double v, bool& cut) noexcept {
  if (!std::isfinite(v)) {
    v = 0;
    cut = true;
  }
  *p = 0xcb;
  return big_endian(p + 1, std::bit_cast<std::uint64_t>(v));
}
inline std::uint8_t* ip(std::uint8_t* p, const Ip& v) noexcept {
  p[0] = 0xc4;
  p[1] = 16;
  std::memcpy(p + 2, v.bytes.data(), 16);
  return p + 18;
}
inline std::uint8_t* uid(std::uint8_t* p, Uid v) noexcept {
  *p = 0xa0 | kUidTextBytes;
  char text[kUidTextBytes];
  uid_text(v, text);
  std::memcpy(p + 1, text, sizeof text);
  return p + 1 + sizeof text;
}
inline std::uint8_t* mac(std::uint8_t* p, const Mac& v) noexcept {
  *p = 0xa0 | kMacTextBytes;
  char text[kMacTextBytes];
  mac_text(v, text);
  std::memcpy(p + 1, text, sizeof text);
  return p + 1 + sizeof text;
}
std::uint8_t* text(std::uint8_t* p, std::string_view v, std::size_t cap, bool& cut) noexcept;

inline std::uint8_t* list_head(std::uint8_t* p, std::size_t n) noexcept {
  if (n < 16) {
    *p = static_cast<std::uint8_t>(0x90 | n);
    return p + 1;
  }
  *p = 0xdc;
  return big_endian(p + 1, static_cast<std::uint16_t>(n));
}
// The first cap_items values by `put`, a function (place, value) -> place.
template <class T, class Put>
inline std::uint8_t* list(std::uint8_t* p, std::span<const T> v, std::size_t cap_items, bool& cut, Put put) noexcept {
  if (v.size() > cap_items) {
    v = v.first(cap_items);
    cut = true;
  }
  p = list_head(p, v.size());
  for (const T& item : v) p = put(p, item);
  return p;
}

// Upper bounds for bytes_bound(): an input byte becomes at most four, and never more than the cap.
inline std::size_t text_bound(std::string_view v, std::size_t cap) noexcept {
  return 3 + (v.size() >= cap / 4 ? cap : 4 * v.size());
}
inline std::size_t texts_bound(std::span<const std::string_view> v, std::size_t cap_items, std::size_t cap) noexcept {
  std::size_t n = 3;
  for (const std::string_view& item : v.first(std::min(v.size(), cap_items))) n += text_bound(item, cap);
  return n;
}
inline std::size_t list_bound(std::size_t size, std::size_t cap_items, std::size_t item_bytes) noexcept {
  return 3 + std::min(size, cap_items) * item_bytes;
}

}  // namespace record
}  // namespace catenary
