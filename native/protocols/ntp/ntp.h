// NTP over UDP: RFC 5905 7.3 (time), RFC 9327 2 (control), and the private mode of the reference implementation, which
// no RFC describes.
//
// time:     leap, version, mode (1) | stratum (1) | poll (1) | precision (1) | root delay (4) | root dispersion (4) |
//           reference id (4) | four timestamps (8 each) | extension fields | key id (4), digest (16 or 20)
// control:  version, mode (1) | response, error, more, opcode (1) | sequence (2) | status (2) | association (2) |
//           offset (2) | count (2) | data
// private:  response, more, version, mode (1) | authenticated, sequence (1) | implementation (1) | request (1) | ...
#pragma once

#include "flow/protocol.h"

namespace catenary::ntp {

inline constexpr std::uint16_t kPort = 123;
inline constexpr std::size_t kTimeBytes = 48, kControlBytes = 12, kPrivateBytes = 8;

// Yes, on NTP's port, to what has a version and a mode that are assigned and is as long as the mode's header. A header
// of bits alone could be anything elsewhere.
flow::Probe probe(const flow::ProbeInput& in) noexcept;

class Parser final : public flow::Parser {
 public:
  flow::Step on_datagram(flow::Context& cx, flow::Dir dir, Cursor in) override;

 private:
  bool is_first_ = true;
};

inline constexpr flow::ProtocolInfo kProtocol = flow::make_protocol<Parser>("ntp", false, true, probe);

}  // namespace catenary::ntp
