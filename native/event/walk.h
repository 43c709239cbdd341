// Walks a hostile run of bytes as records of one kind and hands every value to a sink. The one parser of records in
// native/: the validator walks with a sink that does nothing, the transposer with one that fills columns.
//
// Strict, because what passes here is stored, hashed and shown: a value has the one form record.h gives it, a text is
// UTF-8 within its cap and its backslashes are whole escapes, a list has at most its cap_items, and nothing follows
// the last record. A list holds no list and nothing else nests, so depth is two by construction and there is no
// recursion. Every loop consumes bytes.
#pragma once

#include <bit>
#include <cmath>

#include "base/cursor.h"
#include "event/gen/schema.gen.h"
#include "event/record.h"
#include "event/utf8.h"

namespace catenary::record {

// Where and why a walk stopped. `reason` is empty when it did not.
struct Fault {
  std::size_t offset = 0;  // of the value, or of the record where no field is named
  std::string_view field;
  std::string_view reason;

  explicit operator bool() const noexcept { return !reason.empty(); }
};

// A backslash stands only before another, or in \xNN with lower-case digits.
inline bool escapes_are_whole(std::string_view text) noexcept {
  const auto is_hex = [](char c) noexcept { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  for (std::size_t i = text.find('\\'); i != std::string_view::npos; i = text.find('\\', i)) {
    const std::string_view rest = text.substr(i + 1);
    if (rest.starts_with('\\')) {
      i += 2;
    } else if (rest.size() >= 3 && rest[0] == 'x' && is_hex(rest[1]) && is_hex(rest[2])) {
      i += 4;
    } else {
      return false;
    }
  }
  return true;
}

inline bool is_mac_text(std::string_view text) noexcept {
  if (text.size() != kMacTextBytes) return false;
  for (std::size_t i = 0; i < text.size(); i++) {
    const char c = text[i];
    const bool ok = i % 3 == 2 ? c == ':' : (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (!ok) return false;
  }
  return true;
}

// Sink: void begin(); void nil(column); void list(column, items); and one call for each value or item:
// void integer(column, bits) (two's complement; time too), void real(column, double), void flag(column, bool),
// void address(column, Bytes of 16), void text(column, string_view) for text, uid and mac.
template <class Sink>
class Walker {
 public:
  Walker(const KindInfo& info, Sink& sink) noexcept : info_(info), sink_(sink) {}

  // Stops at the first fault, or when `records_max` records were read and bytes are left.
  Fault walk(Bytes bytes, std::uint64_t records_max = UINT64_MAX) noexcept {
    in_ = Cursor(bytes);
    size_ = bytes.size();
    while (!in_.done()) {
      const std::size_t start = offset();
      if (records_ == records_max) return {start, {}, "more records than announced"};
      if (in_.u8() != kRecordByte) return {start, {}, "no record byte"};
      sink_.begin();
      for (std::size_t column = 0; column < info_.fields.size(); column++) {
        at_ = offset();
        const FieldInfo& field = info_.fields[column];
        const std::string_view reason = value(field, column);
        if (!reason.empty()) return {at_, field.name, reason};
      }
      records_++;
    }
    return {};
  }
  std::uint64_t records() const noexcept { return records_; }

 private:
  static constexpr std::string_view kCutOff = "cut off";
  static constexpr std::string_view kWrongType = "wrong type";
  static constexpr std::string_view kRange = "out of range";
  static constexpr std::string_view kForm = "not the shortest form";

  std::size_t offset() const noexcept { return size_ - in_.left(); }

  std::string_view value(const FieldInfo& field, std::size_t column) noexcept {
    if (!in_.has(1)) return kCutOff;
    const std::uint8_t head = in_.peek(1)[0];
    if (field.list) return list(field, column);
    if (head == 0xc0) {
      if (!field.optional) return "nil, but not optional";
      in_.skip(1);
      sink_.nil(column);
      return {};
    }
    return item(field, column);
  }

  std::string_view list(const FieldInfo& field, std::size_t column) noexcept {
    const std::uint8_t head = in_.u8();
    std::size_t n = head & 0x0fu;
    if (head == 0xdc) {
      n = in_.be16();
      if (!in_.ok()) return kCutOff;
      if (n < 16) return kForm;
    } else if ((head & 0xf0) != 0x90) {
      return kWrongType;
    }
    if (n > field.cap_items) return "more items than allowed";
    sink_.list(column, n);
    for (std::size_t i = 0; i < n; i++) {
      at_ = offset();
      const std::string_view reason = item(field, column);
      if (!reason.empty()) return reason;
    }
    return {};
  }

  std::string_view item(const FieldInfo& field, std::size_t column) noexcept {
    switch (field.type) {
      case FieldType::time: return time(column);
      case FieldType::duration:
      case FieldType::f64: return real(column);
      case FieldType::ip: return address(column);
      case FieldType::boolean: return flag(column);
      case FieldType::u8: return integer(column, 0, 0xff);
      case FieldType::u16: return integer(column, 0, 0xffff);
      case FieldType::u32: return integer(column, 0, 0xffffffff);
      case FieldType::u64: return integer(column, 0, kIntegerMax);
      case FieldType::i32: return integer(column, INT32_MIN, INT32_MAX);
      case FieldType::i64: return integer(column, -static_cast<std::int64_t>(kIntegerMax), kIntegerMax);
      case FieldType::uid:
      case FieldType::mac:
      case FieldType::text: return text(field, column);
    }
    return kWrongType;
  }

  std::string_view time(std::size_t column) noexcept {
    const std::uint8_t head = in_.u8();
    if (in_.ok() && head != 0xcf) return kWrongType;
    const std::uint64_t v = in_.be64();
    if (!in_.ok()) return kCutOff;
    if (v > kTimeMax) return kRange;
    sink_.integer(column, v);
    return {};
  }

  std::string_view real(std::size_t column) noexcept {
    const std::uint8_t head = in_.u8();
    if (in_.ok() && head != 0xcb) return kWrongType;
    const auto v = std::bit_cast<double>(in_.be64());
    if (!in_.ok()) return kCutOff;
    if (!std::isfinite(v)) return "not finite";
    sink_.real(column, v);
    return {};
  }

  std::string_view address(std::size_t column) noexcept {
    const std::uint16_t head = in_.be16();
    if (in_.ok() && head != 0xc410) return kWrongType;
    const Bytes v = in_.take(16);
    if (!in_.ok()) return kCutOff;
    sink_.address(column, v);
    return {};
  }

  std::string_view flag(std::size_t column) noexcept {
    const std::uint8_t head = in_.u8();
    if (!in_.ok()) return kCutOff;
    if (head != 0xc2 && head != 0xc3) return kWrongType;
    sink_.flag(column, head == 0xc3);
    return {};
  }

  std::string_view integer(std::size_t column, std::int64_t min, std::uint64_t max) noexcept {
    const std::uint8_t head = in_.u8();
    if (!in_.ok()) return kCutOff;
    std::uint64_t v = head;
    bool is_negative = false;
    bool is_shortest = true;
    // For each form, what a shorter one could have held.
    switch (head) {
      case 0xcc:
        v = in_.u8();
        is_shortest = v >= 0x80 || v == kRecordByte;
        break;
      case 0xcd:
        v = in_.be16();
        is_shortest = v > 0xff;
        break;
      case 0xce:
        v = in_.be32();
        is_shortest = v > 0xffff;
        break;
      case 0xcf:
        v = in_.be64();
        is_shortest = v > 0xffffffff;
        break;
      case 0xd0: negative(static_cast<std::int8_t>(in_.u8()), -32, v, is_negative, is_shortest); break;
      case 0xd1: negative(static_cast<std::int16_t>(in_.be16()), INT8_MIN, v, is_negative, is_shortest); break;
      case 0xd2: negative(static_cast<std::int32_t>(in_.be32()), INT16_MIN, v, is_negative, is_shortest); break;
      case 0xd3: negative(static_cast<std::int64_t>(in_.be64()), INT32_MIN, v, is_negative, is_shortest); break;
      default:
        if (head >= 0xe0) {
          negative(static_cast<std::int8_t>(head), 0, v, is_negative, is_shortest);
        } else if (head >= 0x80) {
          return kWrongType;
        } else {
          is_shortest = head != kRecordByte;
        }
    }
    if (!in_.ok()) return kCutOff;
    if (!is_shortest) return kForm;
    if (is_negative ? static_cast<std::int64_t>(v) < min : v > max) return kRange;
    sink_.integer(column, v);
    return {};
  }
  // A signed form holds only negative numbers, and only those below what the shorter one reaches.
  static void negative(std::int64_t n, std::int64_t reach, std::uint64_t& v, bool& is_negative,
                       bool& is_shortest) noexcept {
    v = static_cast<std::uint64_t>(n);
    is_negative = true;
    is_shortest = n < reach;
  }

  std::string_view text(const FieldInfo& field, std::size_t column) noexcept {
    const std::uint8_t head = in_.u8();
    if (!in_.ok()) return kCutOff;
    std::size_t n = head & 0x1fu;
    if (head == 0xd9) {
      n = in_.u8();
      if (in_.ok() && n < 32) return kForm;
    } else if (head == 0xda) {
      n = in_.be16();
      if (in_.ok() && n < 256) return kForm;
    } else if ((head & 0xe0) != 0xa0) {
      return kWrongType;
    }
    const Bytes bytes = in_.take(n);
    if (!in_.ok()) return kCutOff;
    const std::string_view v = as_text(bytes);
    if (field.type == FieldType::uid) {
      Uid uid;
      if (!uid_parse(v, uid)) return "not a uid";
    } else if (field.type == FieldType::mac) {
      if (!is_mac_text(v)) return "not a mac";
    } else {
      if (n > field.cap) return "longer than its cap";
      if (!utf8::valid(bytes)) return "not UTF-8";
      if (!escapes_are_whole(v)) return "backslash outside an escape";
    }
    sink_.text(column, v);
    return {};
  }

  const KindInfo& info_;
  Sink& sink_;
  Cursor in_;
  std::size_t size_ = 0;
  std::size_t at_ = 0;
  std::uint64_t records_ = 0;
};

}  // namespace catenary::record
