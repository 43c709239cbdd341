// Follows the two ends of an SCTP association, in the words of TCP: INIT is its SYN, SHUTDOWN its FIN, ABORT its RST,
// so that conn_state and history mean the same for both. RFC 9260, sections 5 and 9.
#pragma once

#include "decode/sctp/sctp.h"
#include "flow/flow.h"

namespace catenary::flow {

// As long as TCP's: a path without data has a HEARTBEAT every 30 s (RFC 9260, 16).
inline constexpr Nanos kSctpInactivity = 300 * kSecond;

void track_sctp(Flow& flow, Dir dir, const sctp::Packet& packet, Nanos now);

// An INIT on a flow that is over.
bool is_sctp_reuse(const Flow& flow, const sctp::Packet& packet) noexcept;
// Only the end that was asked sends this.
bool is_sctp_answer(const sctp::Packet& packet) noexcept;

}  // namespace catenary::flow
