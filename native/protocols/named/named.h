// Protocols that are told by their first bytes and not parsed: a flow of theirs has its service in conn, as Zeek has
// it.
#pragma once

#include "flow/protocol.h"

namespace catenary::named {

struct Row;

// Looked at, of each side: a SIP request line, a stream header of XMPP.
inline constexpr std::size_t kHeadBytesMax = 1500;

// Yes to a first message of a protocol in the table (recognise.h), on any port.
flow::Probe probe(const flow::ProbeInput& in) noexcept;

// Has the flow until the protocol is certain, then lets it go.
class Parser final : public flow::Parser {
 public:
  flow::Step on_stream(flow::Context& cx, flow::Dir dir, Cursor& in) override;
  flow::Step on_datagram(flow::Context& cx, flow::Dir dir, Cursor in) override;

 private:
  flow::Step on_message(flow::Context& cx, flow::Dir dir, Cursor& in, bool is_tcp);

  const Row* row_ = nullptr;  // what was recognised, and who spoke first
  flow::Dir first_{};
};

inline constexpr flow::ProtocolInfo kProtocol =
    flow::make_protocol<Parser>("named", true, true, probe, 2 * kHeadBytesMax);

}  // namespace catenary::named
