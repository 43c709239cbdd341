#include "decode/linux_sll/linux_sll.h"

#include <algorithm>

#include "decode/decoder.h"

namespace catenary::linux_sll {
namespace {

constexpr std::uint16_t kArpHrdNetlink = 824;
constexpr std::uint16_t kLlc = 4;  // LINUX_SLL_P_802_2

// Only the sender's address is there; the receiver's stays zero.
void keep_sender(std::uint16_t length, Bytes address, decode::Packet& p) {
  if (length != 6 || address.size() < 6) return;
  std::copy_n(address.begin(), 6, p.src_mac.begin());
  p.has_macs = true;
}

void next(std::uint16_t type, Cursor in, decode::Packet& p, decode::Decoder& d) {
  if (type == kLlc) return d.llc(in, p);
  d.ethertype(type, in, p);
}

}  // namespace

void decode(Cursor in, decode::Packet& p, decode::Decoder& d) {
  in.skip(2);  // packet type
  const std::uint16_t hardware = in.be16();
  const std::uint16_t length = in.be16();
  const Bytes address = in.take(8);
  const std::uint16_t type = in.be16();
  if (!in.ok()) return d.weird(Weird::linux_sll_header_too_short, p);
  if (hardware == kArpHrdNetlink) return;  // the protocol field is a netlink family there
  keep_sender(length, address, p);
  next(type, in, p, d);
}

void decode2(Cursor in, decode::Packet& p, decode::Decoder& d) {
  const std::uint16_t type = in.be16();
  in.skip(6);  // reserved, interface index
  const std::uint16_t hardware = in.be16();
  in.skip(1);  // packet type
  const std::uint16_t length = in.u8();
  const Bytes address = in.take(8);
  if (!in.ok()) return d.weird(Weird::linux_sll_header_too_short, p);
  if (hardware == kArpHrdNetlink) return;
  keep_sender(length, address, p);
  next(type, in, p, d);
}

}  // namespace catenary::linux_sll
