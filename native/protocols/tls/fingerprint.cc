#include "protocols/tls/fingerprint.h"

#include <algorithm>

#include "protocols/tls/names.h"

namespace catenary::tls {
namespace {

// The longest text: JA3 of lists that are full, six characters an item, and 255 point formats of four.
constexpr std::size_t kTextBytes = 6 * (kCiphersMax + kExtensionsMax + kGroupsMax + 2) + 4 * 256;

class Builder {
 public:
  void put(char c) noexcept {
    if (size_ < text_.size()) text_[size_++] = c;
  }
  void decimal(std::uint16_t v) noexcept {
    char digits[5];
    std::size_t n = 0;
    do {
      digits[n++] = static_cast<char>('0' + v % 10);
      v = static_cast<std::uint16_t>(v / 10);
    } while (v > 0);
    while (n > 0) put(digits[--n]);
  }
  void hex(std::uint16_t v) noexcept {
    static constexpr char kDigits[] = "0123456789abcdef";
    for (int shift = 12; shift >= 0; shift -= 4) put(kDigits[(v >> shift) & 15]);
  }
  bool empty() const noexcept { return size_ == 0; }
  Bytes bytes() const noexcept { return as_bytes({text_.data(), size_}); }

 private:
  std::array<char, kTextBytes> text_;
  std::size_t size_ = 0;
};

void put_decimals(std::span<const std::uint16_t> list, Builder& out) noexcept {
  bool is_first = true;
  for (const std::uint16_t v : list) {
    if (is_grease(v)) continue;
    if (!is_first) out.put('-');
    is_first = false;
    out.decimal(v);
  }
}

std::string_view md5_text(const Builder& text, files::Hasher& hasher, std::array<char, kJa3Bytes>& out) noexcept {
  files::Sha256 room;
  const Bytes digest = hasher.digest(files::Hash::kMd5, text.bytes(), room);
  return files::hex_text(digest.first(std::min(digest.size(), kJa3Bytes / 2)), out.data());
}

constexpr bool is_alphanumeric(std::uint8_t c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// The newest version on offer. DTLS counts down: 1.0 is feff, 1.2 fefd.
std::uint16_t newest_version(const ClientHello& h) noexcept {
  std::uint16_t newest = 0;
  for (const std::uint16_t v : h.versions.span()) {
    if (is_grease(v)) continue;
    if (newest == 0 || (is_dtls(v) && is_dtls(newest) ? v < newest : v > newest)) newest = v;
  }
  return newest == 0 ? h.version : newest;
}

std::string_view version_code(std::uint16_t v) noexcept {
  switch (v) {
    case kTls13: return "13";
    case kTls12: return "12";
    case kTls11: return "11";
    case kTls10: return "10";
    case kSsl3: return "s3";
    case kSsl2: return "s2";
    case kDtls10: return "d1";
    case kDtls12: return "d2";
    case kDtls13: return "d3";
    default: return "00";
  }
}

struct Ja4Text {
  std::array<char, kJa4Bytes>& out;
  std::size_t size = 0;
  void put(char c) noexcept { out[size++] = c; }
  void put(std::string_view s) noexcept {
    for (const char c : s) put(c);
  }
  void count(std::size_t n) noexcept {
    n = std::min<std::size_t>(n, 99);
    put(static_cast<char>('0' + n / 10));
    put(static_cast<char>('0' + n % 10));
  }
  // Where the first or the last byte is no letter or digit, the digits of the bytes stand for them.
  void protocol(std::span<const std::string_view> offered) noexcept {
    if (offered.empty() || offered[0].empty()) return put("00");
    const auto first = static_cast<std::uint8_t>(offered[0].front());
    const auto last = static_cast<std::uint8_t>(offered[0].back());
    static constexpr char kDigits[] = "0123456789abcdef";
    const bool is_text = is_alphanumeric(first) && is_alphanumeric(last);
    put(is_text ? static_cast<char>(first) : kDigits[first >> 4]);
    put(is_text ? static_cast<char>(last) : kDigits[last & 15]);
  }
  // Twelve digits; zeros stand for a list of nothing.
  void digest(const Builder& text, files::Hasher& hasher) noexcept {
    constexpr std::size_t kBytes = 6;
    if (text.empty()) return put("000000000000");
    files::Sha256 room;
    const Bytes full = hasher.digest(files::Hash::kSha256, text.bytes(), room);
    size += files::hex_text(full.first(std::min(full.size(), kBytes)), out.data() + size).size();
  }
};

template <std::size_t N>
void sort(List<std::uint16_t, N>& list) noexcept {
  std::sort(list.items.begin(), list.items.begin() + static_cast<std::ptrdiff_t>(list.size));
}

void put_hex(std::span<const std::uint16_t> list, Builder& out) noexcept {
  bool is_first = true;
  for (const std::uint16_t v : list) {
    if (!is_first) out.put(',');
    is_first = false;
    out.hex(v);
  }
}

}  // namespace

std::string_view ja3(const ClientHello& h, files::Hasher& hasher, std::array<char, kJa3Bytes>& out) noexcept {
  if (h.is_over_limit()) return {};
  Builder text;
  text.decimal(h.version);
  for (const std::span<const std::uint16_t> list : {h.ciphers.span(), h.extensions.types.span(), h.groups.span()}) {
    text.put(',');
    put_decimals(list, text);
  }
  text.put(',');
  for (std::size_t i = 0; i < h.point_formats.size(); i++) {
    if (i > 0) text.put('-');
    text.decimal(h.point_formats[i]);
  }
  return md5_text(text, hasher, out);
}

std::string_view ja3s(const ServerHello& h, files::Hasher& hasher, std::array<char, kJa3Bytes>& out) noexcept {
  if (h.extensions.types.is_full) return {};
  Builder text;
  text.decimal(h.version);
  text.put(',');
  text.decimal(h.cipher);
  text.put(',');
  put_decimals(h.extensions.types.span(), text);
  return md5_text(text, hasher, out);
}

std::string_view ja4(const ClientHello& h, char transport, files::Hasher& hasher,
                     std::array<char, kJa4Bytes>& out) noexcept {
  if (h.is_over_limit()) return {};
  List<std::uint16_t, kCiphersMax> ciphers;
  List<std::uint16_t, kExtensionsMax> extensions;
  std::size_t extension_count = 0;
  for (const std::uint16_t v : h.ciphers.span()) {
    if (!is_grease(v)) ciphers.add(v);
  }
  for (const std::uint16_t v : h.extensions.types.span()) {
    if (is_grease(v)) continue;
    extension_count++;
    if (v != kServerName && v != kAlpn) extensions.add(v);
  }
  sort(ciphers);
  sort(extensions);

  Ja4Text text{out};
  text.put(transport);
  text.put(version_code(newest_version(h)));
  text.put(h.extensions.types.has(kServerName) ? 'd' : 'i');
  text.count(ciphers.size);
  text.count(extension_count);
  text.protocol(h.extensions.protocols.span());

  text.put('_');
  Builder list;
  put_hex(ciphers.span(), list);
  text.digest(list, hasher);

  text.put('_');
  Builder tail;
  put_hex(extensions.span(), tail);
  bool is_first = true;
  for (const std::uint16_t v : h.signatures.span()) {
    if (is_grease(v) || tail.empty()) continue;
    tail.put(is_first ? '_' : ',');
    is_first = false;
    tail.hex(v);
  }
  text.digest(tail, hasher);
  return {out.data(), text.size};
}

}  // namespace catenary::tls
