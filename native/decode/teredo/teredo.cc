#include "decode/teredo/teredo.h"

#include "decode/decoder.h"

namespace catenary::teredo {
namespace {

constexpr std::uint16_t kOrigin = 0, kAuthentication = 1;
constexpr std::uint32_t kPrefix = 0x20010000;  // 2001:0::/32, RFC 4380, section 2.6

}  // namespace

bool looks_like(Bytes data, std::uint32_t len) noexcept {
  Cursor in(data);
  if (!decode::is_whole_ip(in, len)) return false;
  const std::uint8_t version = in.u8() >> 4;
  in.skip(7);
  const std::uint32_t src = in.be32();
  in.skip(12);
  const std::uint32_t dst = in.be32();
  return in.ok() && version == 6 && (src == kPrefix || dst == kPrefix);
}

bool decode(Cursor in, std::uint32_t len, decode::Packet& p, decode::Decoder& d) {
  const std::size_t captured = in.left();
  const auto indication = [&in] {
    Cursor ahead = in;
    const std::uint16_t tag = ahead.be16();
    return ahead.ok() ? static_cast<int>(tag) : -1;
  };
  if (indication() == kAuthentication) {
    in.skip(2);
    const std::size_t client = in.u8();
    const std::size_t value = in.u8();
    in.skip(client + value + 9);  // nonce and confirmation
  }
  if (indication() == kOrigin) in.skip(8);  // the client's address and port, obfuscated
  const Bytes head = in.peek(40);
  if (!in.ok() || head.empty() || head[0] >> 4 != 6) {
    d.weird(Weird::teredo_header_malformed, p);
    return false;
  }
  const bool is_bubble = head[6] == decode::ip_proto::kNone && head[4] == 0 && head[5] == 0;
  if (!is_bubble && !decode::is_whole_ip(in, len - (captured - in.left()))) {
    d.weird(Weird::teredo_header_malformed, p);
    return false;
  }
  // A bubble holds nothing (RFC 4380, 2.8): it opens a NAT, and is no flow.
  if (is_bubble) return true;
  p.enter(decode::Tunnel::kTeredo);
  d.ip(in, p);
  return true;
}

}  // namespace catenary::teredo
