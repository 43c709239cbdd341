#include "protocols/dhcp/message.h"

#include <algorithm>

namespace catenary::dhcp {
namespace {

namespace option {
constexpr std::uint8_t kPad = 0, kRouters = 3, kDnsServers = 6, kHostName = 12, kDomain = 15, kRequestedAddr = 50,
                       kLeaseTime = 51, kOverload = 52, kType = 53, kParamList = 55, kMessage = 56, kVendorClass = 60,
                       kClientId = 61, kClientFqdn = 81, kRelayAgent = 82, kEnd = 255;
}

// RFC 3046 2.0: options within the option.
void read_relay_agent(Cursor in, Message& out) noexcept {
  while (in.has(2)) {
    const std::uint8_t code = in.u8();
    const Bytes value = in.take(in.u8());
    if (!in.ok()) break;
    switch (code) {
      case 1: out.circuit_id = value; break;
      case 2: out.agent_remote_id = value; break;
      case 6:  // RFC 3993
        out.subscriber_id = value;
        break;
      default: break;
    }
  }
  if (!in.ok() || !in.done()) out.is_option_size_wrong = true;
}

// `n` of the wanted size, or none.
Bytes sized(Bytes value, std::size_t n, Message& out) noexcept {
  if (value.size() == n) return value;
  out.is_option_size_wrong = true;
  return {};
}
Bytes addresses(Bytes value, Message& out) noexcept {
  if (value.size() % 4 != 0 || value.empty()) out.is_option_size_wrong = true;
  return value.first(value.size() / 4 * 4);
}

// RFC 2131 4.1: names should have no zero at the end, but many do. Zeek takes it off here and nowhere else.
std::string_view without_zeros(std::string_view text) noexcept {
  return text.substr(0, text.find_last_not_of('\0') + 1);
}

// The options of one field; false when the end option did not come. `overload` as the option of that name says.
bool read_options(Cursor in, Message& out, std::uint8_t& overload) noexcept {
  while (!in.done()) {
    const std::uint8_t code = in.u8();
    if (code == option::kPad) continue;
    if (code == option::kEnd) return true;
    const Bytes value = in.take(in.u8());
    if (!in.ok()) return false;
    switch (code) {
      case option::kRouters: out.routers = addresses(value, out); break;
      case option::kDnsServers: out.dns_servers = addresses(value, out); break;
      case option::kHostName: out.host_name = as_text(value); break;
      case option::kDomain: out.domain = without_zeros(as_text(value)); break;
      case option::kRequestedAddr: out.requested_addr = sized(value, 4, out); break;
      case option::kLeaseTime:
        if (Cursor c(sized(value, 4, out)); c.has(4)) out.lease_time = c.be32();
        break;
      case option::kOverload:
        if (const Bytes v = sized(value, 1, out); !v.empty()) overload = v[0];
        break;
      case option::kType:
        if (const Bytes v = sized(value, 1, out); !v.empty() && out.type == 0) out.type = v[0];
        break;
      case option::kParamList: out.param_list = value; break;
      case option::kMessage: out.text = as_text(value); break;
      case option::kVendorClass: out.vendor_class = as_text(value); break;
      case option::kClientId: out.client_id = value; break;
      case option::kClientFqdn:  // RFC 4702 2: flags and two result codes come first
        if (value.size() >= 3)
          out.client_fqdn = as_text(value.subspan(3));
        else
          out.is_option_size_wrong = true;
        break;
      case option::kRelayAgent: read_relay_agent(Cursor(value), out); break;
      default: break;
    }
  }
  return false;
}

}  // namespace

bool read_message(Bytes packet, Message& out) noexcept {
  Cursor in(packet);
  out.op = in.u8();
  out.hardware_type = in.u8();
  out.hardware_size = in.u8();
  out.hops = in.u8();
  out.xid = in.be32();
  in.skip(4);  // secs, flags
  out.ciaddr = in.take(4);
  out.yiaddr = in.take(4);
  in.skip(4);  // siaddr: the next server to boot from
  out.giaddr = in.take(4);
  out.chaddr = in.take(kHardwareBytesMax);
  const Cursor sname = in.sub(64), file = in.sub(128);
  const std::uint32_t cookie = in.be32();
  if (!in.ok() || (out.op != kRequest && out.op != kReply)) return false;
  out.has_no_cookie = cookie != kCookie;
  if (out.has_no_cookie) return true;
  std::uint8_t overload = 0;
  out.is_truncated = !read_options(in, out, overload);
  // RFC 2132 9.3: the two fields hold more options; they may lack an end of their own, and cannot overload again.
  std::uint8_t ignored = 0;
  if (overload & 1) read_options(file, out, ignored);
  if (overload & 2) read_options(sname, out, ignored);
  return true;
}

std::string_view type_name(std::uint8_t type) noexcept {
  static constexpr std::array<std::string_view, 19> kNames = {"",
                                                              "DISCOVER",
                                                              "OFFER",
                                                              "REQUEST",
                                                              "DECLINE",
                                                              "ACK",
                                                              "NAK",
                                                              "RELEASE",
                                                              "INFORM",
                                                              "FORCERENEW",
                                                              "LEASEQUERY",
                                                              "LEASEUNASSIGNED",
                                                              "LEASEUNKNOWN",
                                                              "LEASEACTIVE",
                                                              "BULKLEASEQUERY",
                                                              "LEASEQUERYDONE",
                                                              "ACTIVELEASEQUERY",
                                                              "LEASEQUERYSTATUS",
                                                              "TLS"};
  return type < kNames.size() ? kNames[type] : std::string_view{};
}

bool is_zero(Bytes address) noexcept {
  return std::all_of(address.begin(), address.end(), [](std::uint8_t b) { return b == 0; });
}

}  // namespace catenary::dhcp
