// A DHCPv4 message taken apart. RFC 2131 2, options RFC 2132 and RFC 3046.
//
//   op 8 | htype 8 | hlen 8 | hops 8 | xid 32 | secs 16 | flags 16 | ciaddr | yiaddr | siaddr | giaddr (32 each)
//   chaddr 16 bytes | sname 64 bytes | file 128 bytes | cookie 63 82 53 63 | options
//   option: 0 alone is padding, 255 alone is the end, else code 8 | length 8 | value
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "base/cursor.h"
#include "base/net.h"

namespace catenary::dhcp {

inline constexpr std::uint32_t kCookie = 0x63825363;
inline constexpr std::size_t kFixedBytes = 236;  // in front of the cookie
inline constexpr std::size_t kHardwareBytesMax = 16;
inline constexpr std::uint8_t kRequest = 1, kReply = 2;

// Views point into the packet.
struct Message {
  std::uint8_t op = 0, hardware_type = 0, hardware_size = 0, hops = 0;
  std::uint32_t xid = 0;
  Bytes ciaddr, yiaddr, giaddr;  // 4 bytes each
  Bytes chaddr;                  // 16 bytes

  std::uint8_t type = 0;  // 0: no such option
  std::optional<std::string_view> host_name, domain, client_fqdn, text, vendor_class;
  std::optional<std::uint32_t> lease_time;
  Bytes requested_addr;  // 4 bytes, or empty
  Bytes client_id, param_list, routers, dns_servers;
  Bytes circuit_id, agent_remote_id, subscriber_id;

  // What was odd; none of it keeps the rest from being read.
  bool has_no_cookie = false;
  bool is_truncated = false;          // an option is longer than the message, or the end is missing
  bool is_option_size_wrong = false;  // of a type with a size of its own
};

// False when the message is shorter than its fixed part and the cookie, or is no BOOTP at all.
bool read_message(Bytes packet, Message& out) noexcept;

// Empty when the number is not assigned. RFC 2132 9.6, RFC 3203, RFC 4388, RFC 6926, RFC 7724.
std::string_view type_name(std::uint8_t type) noexcept;

bool is_zero(Bytes address) noexcept;

}  // namespace catenary::dhcp
