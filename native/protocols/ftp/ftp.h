// FTP's control connection: RFC 959, RFC 2428 (EPRT, EPSV), RFC 4217 (AUTH TLS). See README.md.
#pragma once

#include "flow/protocol.h"

namespace catenary::ftp {

// Yes to a server's greeting or a client's command on the usual port; elsewhere to a greeting and an answer to USER.
flow::Probe probe(const flow::ProbeInput& in) noexcept;

extern const flow::ProtocolInfo kProtocol;

}  // namespace catenary::ftp
