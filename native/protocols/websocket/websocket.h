// WebSocket, RFC 6455: what HTTP's upgrade agreed on. See README.md.
#pragma once

#include "flow/protocol.h"

namespace catenary::websocket {

extern const flow::ProtocolInfo kProtocol;

}  // namespace catenary::websocket
