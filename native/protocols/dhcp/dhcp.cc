#include "protocols/dhcp/dhcp.h"

namespace catenary::dhcp {
namespace {

bool is_dhcp_port(std::uint16_t port) noexcept { return port == 67 || port == 68; }

}  // namespace

flow::Probe probe(const flow::ProbeInput& in) noexcept {
  Cursor c(in.data);
  const std::uint8_t op = c.u8();
  if (op != kRequest && op != kReply) return flow::Probe::kNo;
  c.skip(1);
  const std::uint8_t hardware_size = c.u8();
  c.skip(kFixedBytes - 3);
  const std::uint32_t cookie = c.be32();
  if (!c.ok()) return flow::Probe::kNo;
  const bool is_expected = is_dhcp_port(in.orig_port) && is_dhcp_port(in.resp_port);
  const bool is_sure = cookie == kCookie && hardware_size <= kHardwareBytesMax;
  return is_sure || is_expected ? flow::Probe::kYes : flow::Probe::kNo;
}

flow::Step Parser::on_datagram(flow::Context& cx, flow::Dir dir, Cursor in) {
  Message m;
  if (!read_message(in.rest(), m)) return flow::Step::kContinue;
  if (m.has_no_cookie) {
    cx.weird(Weird::dhcp_magic_missing);
    return flow::Step::kContinue;
  }
  if (!is_confirmed_) cx.confirm(kProtocol.name);
  is_confirmed_ = true;
  if (m.hardware_size > kHardwareBytesMax) cx.weird(Weird::dhcp_hardware_length_wrong);
  if (m.is_truncated) cx.weird(Weird::dhcp_option_truncated);
  if (m.is_option_size_wrong) cx.weird(Weird::dhcp_option_length_wrong);
  if (m.type == 0)
    cx.weird(Weird::dhcp_message_type_missing);
  else if (type_name(m.type).empty())
    cx.weird(Weird::dhcp_message_type_unknown);
  static_cast<Transactions&>(*shared).add(cx, dir, m);
  return flow::Step::kContinue;
}

}  // namespace catenary::dhcp
