// Follows the two ends of a TCP connection: states, sequence space, history. No bytes pass here.
//
// The state machine, the history letters and the byte counts are Zeek's, so that conn_state,
// history, orig_bytes and missed_bytes mean in Catenary what they mean to everyone who reads
// conn.log: see README.md in this folder for the rules and where they come from.
#pragma once

#include "decode/tcp/tcp.h"
#include "flow/flow.h"

namespace catenary::flow {

inline constexpr Nanos kTcpAttemptDelay = 5 * kSecond;
inline constexpr Nanos kTcpCloseDelay = 5 * kSecond;
inline constexpr Nanos kTcpDoubtDelay = 60 * kSecond;  // after a RST that the peer may not take
inline constexpr Nanos kTcpInactivity = 300 * kSecond;
inline constexpr Nanos kUdpInactivity = 60 * kSecond;

// What one segment means for the bytes of the stream.
struct TcpOutcome {
  std::uint64_t data_seq = 0;   // relative sequence number of the first payload byte
  std::uint64_t acked = 0;      // relative sequence number the peer's bytes are acknowledged to; 0: no news
  bool is_deliverable = false;  // the payload belongs to the stream
  bool closes = false;          // this end has just said it is done
  bool went_on = false;         // after a RST of this end: the connection lives
  bool flipped = false;         // the two ends changed roles: Dir of this segment is now the other
  Weird weird{};
  bool has_weird = false;
};

// Feeds one segment from `dir`. Updates both endpoints, the history and the timers of the flow.
TcpOutcome track_tcp(Flow& flow, Dir dir, const tcp::Segment& segment, Nanos now);

// A SYN on an existing flow that starts a new connection on the same tuple.
bool is_tcp_reuse(const Flow& flow, const tcp::Segment& segment) noexcept;

// A flow begins with this segment, which is an answer: its sender is the responder.
bool is_tcp_answer(const tcp::Segment& segment) noexcept;

// A SYN that would begin a new connection while both ends are in the middle of this one. A peer that follows RFC 5961,
// section 4, does not take it.
bool is_doubtful_syn(const Flow& flow, const tcp::Segment& segment) noexcept;
// This SYN-ACK takes up the SYN that was held.
bool takes_up_held_syn(const Flow& flow, Dir dir, const tcp::Segment& segment) noexcept;

// PAWS (RFC 7323, section 5.3): whether the receiver drops the segment for its timestamp; follows them otherwise.
bool is_old_timestamp(Flow& flow, Dir dir, const tcp::Segment& segment, std::uint64_t seq) noexcept;

// The end has closed and all its bytes are delivered: arms the timer that ends the flow.
void close_tcp_end(Flow& flow, Dir dir);

// Both ends went the regular way: gaps are real losses then, and not artefacts of a partial view.
bool is_cleanly_open(const Flow& flow) noexcept;

// Adds `letter` at the 1st, 10th, 100th ... time.
void scaled_history(Flow& flow, Dir dir, char letter, std::uint32_t& count, std::uint32_t& next) noexcept;

}  // namespace catenary::flow
