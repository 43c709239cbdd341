// SNMP over UDP: RFC 1157 (1), RFC 1901 (2c), RFC 3412 and 3414 (3); messages of RFC 3416.
//
// 1, 2c:  SEQUENCE { version, community, PDU }
// 3:      SEQUENCE { 3, SEQUENCE { id, size, flags, model }, security parameters, SEQUENCE or encrypted bytes }
// PDU:    [type] { request id, error status, error index, SEQUENCE OF SEQUENCE { name, value } }
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "flow/protocol.h"
#include "protocols/snmp/oid.h"

namespace catenary::snmp {

inline constexpr std::uint16_t kPort = 161, kTrapPort = 162;
inline constexpr std::size_t kCommunityMax = 64, kDescriptionMax = 256, kNameMax = 64;

// Yes to a sequence that begins with a version that is assigned and goes on as that version does, on any port.
flow::Probe probe(const flow::ProbeInput& in) noexcept;

class Parser final : public flow::Parser {
 public:
  flow::Step on_datagram(flow::Context& cx, flow::Dir dir, Cursor in) override;
  void on_close(flow::Context& cx) override;

 private:
  template <std::size_t N>
  struct Text {
    std::array<char, N> bytes;
    std::uint16_t size = 0;
    bool is_set = false, is_cut = false;
    void set(std::string_view s) noexcept {
      is_set = true;
      is_cut = s.size() > N;
      size = static_cast<std::uint16_t>(is_cut ? N : s.size());
      for (std::size_t i = 0; i < size; i++) bytes[i] = s[i];
    }
    std::string_view view() const noexcept { return {bytes.data(), size}; }
  };

  // False: the message contradicts itself.
  bool read(flow::Context& cx, flow::Dir dir, Cursor in);
  bool read_v3(flow::Context& cx, flow::Dir dir, Cursor& in);
  bool read_pdu(flow::Context& cx, flow::Dir dir, Cursor& in);
  bool read_trap_v1(flow::Context& cx, Cursor pdu);
  bool read_bindings(flow::Context& cx, std::uint8_t type, Cursor list);
  void begin(flow::Context& cx, std::string_view version);
  // As in Zeek: both sides have to have said something.
  void confirm(flow::Context& cx);

  Nanos first_ = 0, last_ = 0;
  std::string_view version_;
  Text<kCommunityMax> community_;
  Text<kDescriptionMax> description_;
  Text<kNameMax> user_, engine_;
  OidText first_oid_, last_oid_, trap_oid_;
  std::optional<Nanos> up_since_;
  std::optional<std::uint32_t> error_;
  std::uint32_t gets_ = 0, bulks_ = 0, responses_ = 0, sets_ = 0, traps_ = 0, messages_ = 0;
  bool is_begun_ = false, has_v3_ = false, is_authenticated_ = false, is_encrypted_ = false;
  bool has_question_ = false, has_answer_ = false;
};

inline constexpr flow::ProtocolInfo kProtocol = flow::make_protocol<Parser>("snmp", false, true, probe);

}  // namespace catenary::snmp
