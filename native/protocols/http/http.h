// HTTP/0.9, 1.0 and 1.1: RFC 9110, RFC 9112. See README.md.
#pragma once

#include "flow/protocol.h"

namespace catenary::http {

extern const flow::ProtocolInfo kProtocol;

}  // namespace catenary::http
