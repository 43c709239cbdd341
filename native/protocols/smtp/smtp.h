// SMTP: RFC 5321; chunks of RFC 3030, AUTH of RFC 4954, STARTTLS of RFC 3207. See README.md.
#pragma once

#include "flow/protocol.h"

namespace catenary::smtp {

// Yes to EHLO and HELO on any port and to what answers them; on the usual ports to a greeting or a command.
flow::Probe probe(const flow::ProbeInput& in) noexcept;

extern const flow::ProtocolInfo kProtocol;

}  // namespace catenary::smtp
