// WireGuard. The paper's section 5.4; integers are little-endian.
//
// initiation: 1, 0, 0, 0 | sender (4) | ephemeral (32) | static (48) | timestamp (28) | MAC1 (16) | MAC2 (16)
// response:   2, 0, 0, 0 | sender (4) | receiver (4) | ephemeral (32) | empty (16) | MAC1 (16) | MAC2 (16)
// cookie:     3, 0, 0, 0 | receiver (4) | nonce (24) | cookie (32)
// transport:  4, 0, 0, 0 | receiver (4) | counter (8) | padded to 16 and encrypted, with 16 of its tag
#pragma once

#include <array>

#include "flow/protocol.h"

namespace catenary::wireguard {

inline constexpr std::uint16_t kPort = 51820;
inline constexpr std::size_t kInitiationBytes = 148, kResponseBytes = 92, kCookieBytes = 64, kTransportMin = 32;
// Keys are renewed every two minutes: a flow of a day has 1,500 handshakes. What comes more often is a flood, and
// stands in the flow's conn record.
inline constexpr std::uint32_t kEventsMax = 4096;

// Yes to a handshake message by its length; to transport data at the usual port only.
flow::Probe probe(const flow::ProbeInput& in) noexcept;

class Parser final : public flow::Parser {
 public:
  flow::Step on_datagram(flow::Context& cx, flow::Dir dir, Cursor in) override;

 private:
  struct End {
    std::uint32_t index = 0;  // it sent in a handshake
    bool has_index = false;
    std::uint64_t counter = 0;  // of its last transport message
    bool has_sent = false;
  };
  std::array<End, 2> ends_;
  std::uint32_t events_ = 0;
};

inline constexpr flow::ProtocolInfo kProtocol = flow::make_protocol<Parser>("wireguard", false, true, probe);

}  // namespace catenary::wireguard
