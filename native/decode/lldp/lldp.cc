#include "decode/lldp/lldp.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "decode/decoder.h"
#include "event/gen/neighbour.gen.h"

namespace catenary::lldp {
namespace {

// Table 8-1.
constexpr std::uint8_t kEnd = 0, kChassis = 1, kPort = 2, kTtl = 3, kPortText = 4, kName = 5, kSystemText = 6,
                       kCapabilities = 7, kManagement = 8, kOrganization = 127;
constexpr std::uint32_t kIeee8021 = 0x0080c2;
constexpr std::uint8_t kPortVlan = 1;  // of kIeee8021: IEEE 802.1Q, D.2.1
// Table 8-2 and 8-3: an identifier's first byte.
constexpr std::array<std::string_view, 8> kChassisTypes = {"",
                                                           "chassis_component",
                                                           "interface_alias",
                                                           "port_component",
                                                           "mac_address",
                                                           "network_address",
                                                           "interface_name",
                                                           "local"};
constexpr std::array<std::string_view, 8> kPortTypes = {
    "",     "interface_alias", "port_component", "mac_address", "network_address", "interface_name", "agent_circuit_id",
    "local"};
// Table 8-4, from bit 0.
constexpr std::array<std::string_view, 11> kCapabilityNames = {
    "other",   "repeater", "bridge", "wlan_access_point", "router", "telephone", "docsis",
    "station", "c_vlan",   "s_vlan", "two_port_relay"};
// IANA address families.
constexpr std::uint8_t kFamilyIp4 = 1, kFamilyIp6 = 2;

using IdText = std::array<char, INET6_ADDRSTRLEN>;
using Names = std::array<std::string_view, kCapabilityNames.size()>;
using Addresses = std::array<Ip, 8>;

std::string_view mac_text(Bytes six, IdText& text) noexcept {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::size_t n = 0;
  for (const std::uint8_t b : six) {
    if (n > 0) text[n++] = ':';
    text[n++] = kDigits[b >> 4];
    text[n++] = kDigits[b & 15];
  }
  return {text.data(), n};
}

std::string_view address_text(Bytes value, IdText& text) noexcept {
  const bool is_v4 = value[0] == kFamilyIp4 && value.size() == 5;
  const bool is_v6 = value[0] == kFamilyIp6 && value.size() == 17;
  if (!is_v4 && !is_v6) return as_text(value.subspan(1));
  return inet_ntop(is_v4 ? AF_INET : AF_INET6, value.data() + 1, text.data(), INET6_ADDRSTRLEN);
}

// The kinds whose bytes are no text are spelled out.
void read_id(Cursor in, const std::array<std::string_view, 8>& types, IdText& text, std::optional<std::string_view>& id,
             std::optional<std::string_view>& type) noexcept {
  const std::uint8_t kind = in.u8();
  const Bytes value = in.rest();
  if (kind > 0 && kind < types.size()) type = types[kind];
  if (type == "mac_address" && value.size() == 6)
    id = mac_text(value, text);
  else if (type == "network_address" && !value.empty())
    id = address_text(value, text);
  else
    id = as_text(value);
}

std::span<const std::string_view> names_of(std::uint16_t bits, Names& names) noexcept {
  std::size_t n = 0;
  for (std::size_t i = 0; i < kCapabilityNames.size(); i++) {
    if (bits >> i & 1) names[n++] = kCapabilityNames[i];
  }
  return {names.data(), n};
}

// 8.5.9: its length, which counts the family; the address; an interface's number and an object identifier follow.
std::optional<Ip> management_of(Cursor in) noexcept {
  Cursor address = in.sub(in.u8());
  const std::uint8_t family = address.u8();
  const Bytes value = address.rest();
  if (family == kFamilyIp4 && value.size() == 4) return Ip::v4(value);
  if (family == kFamilyIp6 && value.size() == 16) return Ip::v6(value);
  return {};
}

// The fewest bytes of an element's value, 8.5.
constexpr std::size_t least_of(std::uint8_t type) noexcept {
  switch (type) {
    case kChassis:
    case kPort:
    case kTtl: return 2;
    case kCapabilities: return 4;
    case kManagement: return 9;
    case kOrganization: return 4;
    default: return 0;
  }
}

}  // namespace

void decode(Cursor in, decode::Packet& p, decode::Decoder& d) {
  NeighbourEvent e;
  e.protocol = "lldp";
  IdText chassis_text{}, port_text{};
  Names can{}, does{};
  Addresses managed{};
  std::size_t addresses = 0;
  std::uint32_t seen = 0;  // a bit an element
  bool is_repeated = false;
  for (std::uint8_t position = 1; !in.done(); position = static_cast<std::uint8_t>(std::min(position + 1, 255))) {
    const std::uint16_t head = in.be16();
    const auto type = static_cast<std::uint8_t>(head >> 9);
    Cursor value = in.sub(head & 0x1ff);
    if (!in.ok() || value.left() < least_of(type)) {
      d.weird(Weird::lldp_tlv_malformed, p);
      break;
    }
    // 8.2: these three stand first, in this order.
    if (position <= kTtl && type != position) return d.weird(Weird::lldp_mandatory_missing, p);
    if (type == kEnd) break;
    if (type <= kCapabilities) {
      const std::uint32_t bit = 1u << type;
      if (seen & bit) {
        is_repeated = true;
        continue;
      }
      seen |= bit;
    }
    switch (type) {
      case kChassis: read_id(value, kChassisTypes, chassis_text, e.chassis_id, e.chassis_id_type); break;
      case kPort: read_id(value, kPortTypes, port_text, e.port_id, e.port_id_type); break;
      case kTtl: e.ttl = value.be16(); break;
      case kPortText: e.port_description = as_text(value.rest()); break;
      case kName: e.system_name = as_text(value.rest()); break;
      case kSystemText: e.system_description = as_text(value.rest()); break;
      case kCapabilities: {
        e.capabilities = names_of(value.be16(), can);
        e.enabled = names_of(value.be16(), does);
        break;
      }
      case kManagement: {
        const std::optional<Ip> address = management_of(value);
        if (address && addresses < managed.size()) managed[addresses++] = *address;
        break;
      }
      case kOrganization:
        if (value.be24() == kIeee8021 && value.u8() == kPortVlan && value.has(2)) e.port_vlan = value.be16();
        break;
      default: break;
    }
  }
  if (is_repeated) d.weird(Weird::lldp_tlv_repeated, p);
  if ((seen & (1u << kTtl)) == 0) return d.weird(Weird::lldp_mandatory_missing, p);
  e.management_addresses = std::span<const Ip>(managed.data(), addresses);
  d.neighbour(e, p);
}

}  // namespace catenary::lldp
