// POP3: RFC 1939; CAPA of RFC 2449, AUTH of RFC 5034, STLS of RFC 2595. See README.md.
#pragma once

#include "flow/protocol.h"

namespace catenary::pop3 {

// Yes to a greeting that begins with +OK, on any port.
flow::Probe probe(const flow::ProbeInput& in) noexcept;

extern const flow::ProtocolInfo kProtocol;

}  // namespace catenary::pop3
