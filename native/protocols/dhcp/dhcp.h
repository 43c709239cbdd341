// DHCPv4 (RFC 2131) over UDP. What a message says is collected by transaction, see transactions.h; a flow holds
// nothing.
#pragma once

#include "protocols/dhcp/transactions.h"

namespace catenary::dhcp {

// Yes to a BOOTP header with DHCP's cookie, on any port; on DHCP's own ports also without the cookie.
flow::Probe probe(const flow::ProbeInput& in) noexcept;

class Parser final : public flow::Parser {
 public:
  flow::Step on_datagram(flow::Context& cx, flow::Dir dir, Cursor in) override;

 private:
  bool is_confirmed_ = false;
};

inline constexpr flow::ProtocolInfo kProtocol = flow::make_protocol<Parser, Transactions>("dhcp", false, true, probe);

}  // namespace catenary::dhcp
