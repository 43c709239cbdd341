// Syslog: RFC 3164, RFC 5424, over UDP (RFC 5426) and TCP (RFC 6587). See README.md.
#pragma once

#include "flow/protocol.h"

namespace catenary::syslog {

// Of a message; the schema's cap. Longer ones are cut.
inline constexpr std::size_t kMessageBytesMax = 8192;

// Yes to a priority and what may stand behind one; on the usual UDP port to any text.
flow::Probe probe(const flow::ProbeInput& in) noexcept;

extern const flow::ProtocolInfo kProtocol;

}  // namespace catenary::syslog
