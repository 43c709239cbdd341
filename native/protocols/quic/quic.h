// QUIC: RFC 8999, RFC 9000, RFC 9001; version 2 of RFC 9369. What an onlooker can read: headers, and the hellos in the
// Initial packets. See README.md.
#pragma once

#include "flow/protocol.h"

namespace catenary::quic {

// Yes to a datagram that begins with a client's Initial packet, on any port.
flow::Probe probe(const flow::ProbeInput& in) noexcept;

extern const flow::ProtocolInfo kProtocol;

}  // namespace catenary::quic
