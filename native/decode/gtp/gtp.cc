#include "decode/gtp/gtp.h"

#include "decode/decoder.h"

namespace catenary::gtp {
namespace {

constexpr std::uint8_t kGPdu = 255;

// Section 5.1: the three flags share four optional bytes, there when any of them is set.
constexpr std::uint8_t kHasExtension = 0x04, kHasOptional = 0x07;

}  // namespace

bool decode(Cursor in, std::uint32_t len, decode::Packet& p, decode::Decoder& d) {
  if (p.tunnel == decode::Tunnel::kGtp) return false;
  const std::size_t captured = in.left();
  const std::uint8_t flags = in.u8();
  const std::uint8_t message = in.u8();
  in.skip(6);  // length: the IP header inside has its own; tunnel endpoint
  // Version 1 and protocol type 1; 0 is GTP' (TS 32.295), which bills and carries nothing.
  if (!in.ok() || (flags & 0xf0) != 0x30 || message != kGPdu) return false;
  if (flags & kHasOptional) {
    in.skip(3);  // sequence number, N-PDU number
    std::uint8_t next = in.u8();
    // Section 5.2: the length of an extension is in words of four bytes, its last byte names the next.
    for (int i = 0; (flags & kHasExtension) && next != 0; i++) {
      const std::size_t words = in.u8();
      if (i == kExtensionHeadersMax || words == 0) in.fail();
      in.skip(words * 4 - 2);
      next = in.u8();
      if (!in.ok()) {
        d.weird(Weird::gtp_extension_header_malformed, p);
        return false;
      }
    }
  }
  if (!in.ok()) return false;
  if (!decode::is_whole_ip(in, len - (captured - in.left()))) {
    d.weird(Weird::gtp_payload_not_ip, p);
    return false;
  }
  p.enter(decode::Tunnel::kGtp);
  d.ip(in, p);
  return true;
}

}  // namespace catenary::gtp
