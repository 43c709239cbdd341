#include "decode/cdp/cdp.h"

#include <array>

#include "decode/decoder.h"
#include "event/gen/neighbour.gen.h"

namespace catenary::cdp {
namespace {

enum : std::uint16_t {
  kDevice = 0x01,
  kAddresses = 0x02,
  kPort = 0x03,
  kCapabilities = 0x04,
  kVersion = 0x05,
  kPlatform = 0x06,
  kVtpDomain = 0x09,
  kNativeVlan = 0x0a,
  kDuplex = 0x0b,
  kSystemName = 0x14,
  kManagement = 0x16
};

// From bit 0; in the words of LLDP where it has them.
constexpr std::array<std::string_view, 9> kCapabilityNames = {
    "router", "bridge", "source_route_bridge", "switch", "host", "igmp", "repeater", "telephone", "remote"};

class Reader {
 public:
  bool read(std::uint16_t type, Cursor value) noexcept {
    switch (type) {
      case kDevice: e.chassis_id = as_text(value.rest()); return true;
      case kAddresses:
      case kManagement: return read_addresses(value);
      case kPort: e.port_id = as_text(value.rest()); return true;
      case kCapabilities: return read_capabilities(value);
      case kVersion: e.system_description = as_text(value.rest()); return true;
      case kPlatform: e.platform = as_text(value.rest()); return true;
      case kVtpDomain: e.vtp_domain = as_text(value.rest()); return true;
      case kNativeVlan: e.port_vlan = value.be16(); return value.ok();
      case kDuplex: e.duplex = value.u8() != 0 ? "full" : "half"; return value.ok();
      case kSystemName: e.system_name = as_text(value.rest()); return true;
      default: return true;
    }
  }
  NeighbourEvent& finish() noexcept {
    if (!e.system_name) e.system_name = e.chassis_id;
    e.management_addresses = std::span<const Ip>(addresses_.data(), address_count_);
    return e;
  }

  NeighbourEvent e;

 private:
  bool read_capabilities(Cursor in) noexcept {
    const std::uint32_t bits = in.be32();
    if (!in.ok()) return false;
    std::size_t n = 0;
    for (std::size_t i = 0; i < kCapabilityNames.size(); i++) {
      if (bits >> i & 1) names_[n++] = kCapabilityNames[i];
    }
    e.capabilities = std::span<const std::string_view>(names_.data(), n);
    return true;
  }
  // Their number (4), of each: kind and length of the protocol (1, 1), the protocol, length (2), address. NLPID 0xcc is
  // IPv4; IPv6 is an 802.2 header with its Ethernet type.
  bool read_addresses(Cursor in) noexcept {
    const std::uint32_t count = in.be32();
    for (std::uint32_t i = 0; i < count && in.ok() && !in.done(); i++) {
      in.skip(1);
      Cursor protocol = in.sub(in.u8());
      const Bytes address = in.take(in.be16());
      if (!in.ok()) return false;
      const Bytes name = protocol.rest();
      std::optional<Ip> ip;
      if (name.size() == 1 && name[0] == 0xcc && address.size() == 4) ip = Ip::v4(address);
      if (name.size() == 8 && name[6] == 0x86 && name[7] == 0xdd && address.size() == 16) ip = Ip::v6(address);
      if (ip) keep(*ip);
    }
    return in.ok();
  }
  // The same address stands in both lists.
  void keep(const Ip& ip) noexcept {
    for (std::size_t i = 0; i < address_count_; i++) {
      if (addresses_[i] == ip) return;
    }
    if (address_count_ < addresses_.size()) addresses_[address_count_++] = ip;
  }

  std::array<std::string_view, kCapabilityNames.size()> names_{};
  std::array<Ip, 8> addresses_{};
  std::size_t address_count_ = 0;
};

}  // namespace

void decode(Cursor in, decode::Packet& p, decode::Decoder& d) {
  const std::uint8_t version = in.u8();
  const std::uint8_t ttl = in.u8();
  in.skip(2);
  if (!in.ok() || version < 1 || version > 2) return d.weird(Weird::cdp_header_malformed, p);
  Reader reader;
  reader.e.protocol = "cdp";
  reader.e.ttl = ttl;
  while (!in.done()) {
    const std::uint16_t type = in.be16();
    const std::uint16_t length = in.be16();
    if (length < 4) in.fail();
    Cursor value = in.sub(length - 4u);
    if (!in.ok() || !reader.read(type, value)) {
      d.weird(Weird::cdp_tlv_malformed, p);
      break;
    }
  }
  if (!reader.e.chassis_id) return d.weird(Weird::cdp_device_missing, p);
  d.neighbour(reader.finish(), p);
}

}  // namespace catenary::cdp
