#include "event/record.h"

#include "event/utf8.h"

namespace catenary {
namespace {

constexpr char kBase62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr char kHex[] = "0123456789abcdef";

// Bytes at the front that stand as they are: ASCII without a backslash. Eight a step: a byte equals '\\' where the
// xor is zero, and (x - 0x01..) & ~x & 0x80.. finds a zero byte exactly when no earlier byte is one.
std::size_t plain_run(Bytes b) noexcept {
  std::size_t i = 0;
  for (; i + 8 <= b.size(); i += 8) {
    std::uint64_t w;
    std::memcpy(&w, b.data() + i, 8);
    const std::uint64_t x = w ^ 0x5c5c5c5c5c5c5c5cULL;
    if (((w | ((x - 0x0101010101010101ULL) & ~x)) & 0x8080808080808080ULL) != 0) break;
  }
  while (i < b.size() && b[i] < 0x80 && b[i] != '\\') i++;
  return i;
}

std::uint8_t* text_head(std::uint8_t* p, std::size_t n) noexcept {
  if (n < 32) {
    *p = static_cast<std::uint8_t>(0xa0 | n);
    return p + 1;
  }
  if (n <= 0xff) {
    *p = 0xd9;
    return record::big_endian(p + 1, static_cast<std::uint8_t>(n));
  }
  *p = 0xda;
  return record::big_endian(p + 1, static_cast<std::uint16_t>(n));
}

}  // namespace

void uid_text(Uid uid, char* out) noexcept {
  out[0] = 'C';
  std::uint64_t v = uid.value;
  for (std::size_t i = kUidTextBytes - 1; i > 0; i--) {
    out[i] = kBase62[v % 62];
    v /= 62;
  }
}

bool uid_parse(std::string_view text, Uid& out) noexcept {
  if (text.size() != kUidTextBytes || text[0] != 'C') return false;
  std::uint64_t v = 0;
  for (const char c : text.substr(1)) {
    std::uint64_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<std::uint64_t>(c - '0');
    } else if (c >= 'A' && c <= 'Z') {
      digit = static_cast<std::uint64_t>(c - 'A') + 10;
    } else if (c >= 'a' && c <= 'z') {
      digit = static_cast<std::uint64_t>(c - 'a') + 36;
    } else {
      return false;
    }
    // Eleven digits reach past 2^64: what does not fit was never a uid.
    if (v > (UINT64_MAX - digit) / 62) return false;
    v = v * 62 + digit;
  }
  out.value = v;
  return true;
}

void mac_text(const Mac& mac, char* out) noexcept {
  for (std::size_t i = 0; i < mac.size(); i++) {
    out[3 * i] = kHex[mac[i] >> 4];
    out[3 * i + 1] = kHex[mac[i] & 15];
    if (i + 1 < mac.size()) out[3 * i + 2] = ':';
  }
}

namespace record {

std::uint8_t* text(std::uint8_t* p, std::string_view v, std::size_t cap, bool& cut) noexcept {
  Bytes in = as_bytes(v);
  std::size_t plain = plain_run(in);
  if (plain == in.size() && plain <= cap) {
    p = text_head(p, plain);
    if (plain != 0) std::memcpy(p, in.data(), plain);
    return p + plain;
  }
  // The length is known only at the end: write behind the longest head, then move down.
  std::uint8_t* const body = p + 3;
  std::uint8_t* out = body;
  while (!in.empty()) {
    const std::size_t room = cap - static_cast<std::size_t>(out - body);
    if (plain != 0) {
      const std::size_t n = std::min(plain, room);
      std::memcpy(out, in.data(), n);
      out += n;
      if (n < plain) {
        cut = true;
        break;
      }
      in = in.subspan(n);
      plain = 0;
      continue;
    }
    std::uint8_t escape[4] = {'\\', '\\'};
    const std::uint8_t* unit = escape;
    std::size_t unit_bytes = 2;
    std::size_t taken = utf8::character(in);
    if (taken == 0) {
      escape[1] = 'x';
      escape[2] = static_cast<std::uint8_t>(kHex[in[0] >> 4]);
      escape[3] = static_cast<std::uint8_t>(kHex[in[0] & 15]);
      unit_bytes = 4;
      taken = 1;
    } else if (in[0] != '\\') {
      unit = in.data();
      unit_bytes = taken;
    }
    if (unit_bytes > room) {
      cut = true;
      break;
    }
    std::memcpy(out, unit, unit_bytes);
    out += unit_bytes;
    in = in.subspan(taken);
    plain = plain_run(in);
  }
  const auto n = static_cast<std::size_t>(out - body);
  p = text_head(p, n);
  if (p != body && n != 0) std::memmove(p, body, n);
  return p + n;
}

}  // namespace record
}  // namespace catenary
