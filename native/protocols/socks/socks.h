// SOCKS 4, 4A and 5: RFC 1928, RFC 1929, and the memos of 1993 on version 4. See README.md.
#pragma once

#include "flow/protocol.h"

namespace catenary::socks {

// Yes to a first message that is exactly a client's: it waits for the answer then.
flow::Probe probe(const flow::ProbeInput& in) noexcept;

extern const flow::ProtocolInfo kProtocol;

}  // namespace catenary::socks
