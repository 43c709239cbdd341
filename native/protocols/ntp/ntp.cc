#include "protocols/ntp/ntp.h"

#include <array>
#include <charconv>
#include <cmath>

#include "flow/flow.h"
#include "protocols/ntp/ntp.gen.h"

namespace catenary::ntp {
namespace {

enum : std::uint8_t { kReserved = 0, kBroadcast = 5, kControl = 6, kPrivate = 7 };

constexpr std::uint8_t mode_of(std::uint8_t first) noexcept { return first & 7; }
constexpr std::uint8_t version_of(std::uint8_t first) noexcept { return first >> 3 & 7; }
// RFC 5905 7.3: versions 1 to 4 are in use, mode 0 is reserved.
constexpr bool is_assigned(std::uint8_t first) noexcept {
  return version_of(first) >= 1 && version_of(first) <= 4 && mode_of(first) != kReserved;
}
constexpr std::size_t header_bytes(std::uint8_t mode) noexcept {
  return mode == kControl ? kControlBytes : mode == kPrivate ? kPrivateBytes : kTimeBytes;
}

// RFC 5905 6: 16 bits of seconds, 16 of their fraction.
double short_time(std::uint32_t v) noexcept { return static_cast<double>(v) / 65536; }

// RFC 5905 6: seconds since 1900 and 32 bits of their fraction; 0 stands for no time.
std::optional<std::int64_t> timestamp(std::uint64_t v) noexcept {
  constexpr std::int64_t kFrom1900 = 2'208'988'800;
  if (v == 0) return {};
  const std::uint64_t fraction = ((v & 0xffffffff) * 1'000'000 + 0x80000000) >> 32;
  return (static_cast<std::int64_t>(v >> 32) - kFrom1900) * 1'000'000 + static_cast<std::int64_t>(fraction);
}

std::string_view address_text(Bytes four, std::array<char, 16>& out) noexcept {
  char* at = out.data();
  for (std::size_t i = 0; i < four.size(); i++) {
    if (i > 0) *at++ = '.';
    at = std::to_chars(at, out.data() + out.size(), four[i]).ptr;
  }
  return {out.data(), static_cast<std::size_t>(at - out.data())};
}

// An authenticator: the key's id and a digest of MD5 or AES-CMAC, SHA-1, SHA-224, SHA-256, SHA-384 or SHA-512; or the
// id alone, which says that the key is not known.
constexpr bool is_authenticator(std::size_t size) noexcept {
  return size == 4 || size == 20 || size == 24 || size == 32 || size == 36 || size == 52 || size == 68 || size == 72;
}

// What follows a header of time: extension fields, then at most an authenticator. RFC 7822 7.5.1: fields take 16 bytes
// and more, in fours, and a rest of up to 24 bytes is an authenticator where it can be one.
void read_rest(flow::Context& cx, Cursor in, NtpEvent& e) {
  constexpr std::size_t kFieldMin = 16, kShortMax = 24;
  while (!in.done() && !(in.left() <= kShortMax && is_authenticator(in.left()))) {
    Cursor field = in;
    field.skip(2);
    const std::uint16_t size = field.be16();
    if (!field.ok() || size < kFieldMin || size % 4 != 0 || size > in.left()) break;
    in.skip(size);
    e.num_exts++;
  }
  if (is_authenticator(in.left()))
    e.key_id = in.be32();
  else if (!in.done())
    cx.weird(Weird::ntp_extension_malformed);
}

}  // namespace

flow::Probe probe(const flow::ProbeInput& in) noexcept {
  if (in.resp_port != kPort && in.orig_port != kPort) return flow::Probe::kNo;
  if (in.data.empty() || !is_assigned(in.data[0])) return flow::Probe::kNo;
  return in.data.size() >= header_bytes(mode_of(in.data[0])) ? flow::Probe::kYes : flow::Probe::kNo;
}

flow::Step Parser::on_datagram(flow::Context& cx, flow::Dir dir, Cursor in) {
  // As in Zeek: whoever speaks first from NTP's port to another one answers.
  if (is_first_ && dir == flow::Dir::kOrig && cx.flow.orig_p == kPort && cx.flow.resp_p != kPort) cx.flip();
  is_first_ = false;
  NtpEvent e;
  e.ts = micros(cx.now);
  e.bytes = static_cast<std::uint16_t>(in.left());
  const std::uint8_t first = in.u8();
  if (!in.ok()) return flow::Step::kContinue;
  if (!is_assigned(first)) {
    cx.weird(Weird::ntp_header_wrong);
    return flow::Step::kContinue;
  }
  e.version = version_of(first);
  e.mode = mode_of(first);
  if (!in.has(header_bytes(e.mode) - 1)) {
    cx.weird(Weird::ntp_message_truncated);
    return flow::Step::kContinue;
  }
  cx.confirm(kProtocol.name);
  std::array<char, 16> text;
  if (e.mode <= kBroadcast) {
    e.leap = first >> 6;
    const std::uint8_t stratum = in.u8();
    e.stratum = stratum;
    // Both are exponents of two, with a sign.
    e.poll = std::ldexp(1.0, static_cast<std::int8_t>(in.u8()));
    e.precision = std::ldexp(1.0, static_cast<std::int8_t>(in.u8()));
    e.root_delay = short_time(in.be32());
    e.root_disp = short_time(in.be32());
    const Bytes id = in.take(4);
    e.ref_id = stratum < 2 ? as_text(id) : address_text(id, text);
    e.ref_time = timestamp(in.be64());
    e.org_time = timestamp(in.be64());
    e.rec_time = timestamp(in.be64());
    e.xmt_time = timestamp(in.be64());
    read_rest(cx, in, e);
  } else if (e.mode == kControl) {
    const std::uint8_t bits = in.u8();
    e.is_response = (bits & 0x80) != 0;
    e.err = bits >> 6 & 1;
    e.is_more = (bits & 0x20) != 0;
    e.op_code = bits & 0x1f;
    e.sequence = in.be16();
    e.status = in.be16();
    e.association_id = in.be16();
    in.skip(2);
    if (in.be16() > in.left()) cx.weird(Weird::ntp_message_truncated);
  } else {
    e.is_response = (first & 0x80) != 0;
    e.is_more = (first & 0x40) != 0;
    e.sequence = in.u8() & 0x7f;
    e.implementation = in.u8();
    e.req_code = in.u8();
    const std::uint16_t error_and_items = in.be16();
    e.err = static_cast<std::uint8_t>(error_and_items >> 12);
    // An answer holds as many items as it says, each of the size it says.
    const std::size_t items = error_and_items & 0xfff;
    const std::size_t item_bytes = in.be16() & 0xfff;
    if (*e.is_response && items * item_bytes > in.left()) cx.weird(Weird::ntp_message_truncated);
  }
  cx.emit(e);
  return flow::Step::kContinue;
}

}  // namespace catenary::ntp
