#include "flow/sctp_tracker.h"

#include <cctype>

#include "flow/tcp_tracker.h"

namespace catenary::flow {
namespace {

using enum TcpState;

// Bits of Endpoint::hist_seen: each letter once an end.
constexpr std::uint32_t kHistInit = 1, kHistShutdown = 2, kHistAbort = 4, kHistData = 8, kHistAck = 16;

void history(Flow& f, Dir dir, std::uint32_t bit, char letter) noexcept {
  Endpoint& e = f.end(dir);
  if (e.hist_seen & bit) return;
  e.hist_seen |= bit;
  f.add_history(dir == Dir::kOrig ? letter : static_cast<char>(std::tolower(letter)));
}

bool is_handshake(TcpState s) noexcept { return s == kInactive || s == kSynSent || s == kPartial; }

void move(Endpoint& e, TcpState to) noexcept {
  if (e.state == to) return;
  e.prev_state = e.state;
  e.state = to;
}

}  // namespace

void track_sctp(Flow& f, Dir dir, const sctp::Packet& s, Nanos now) {
  Endpoint& e = f.end(dir);
  Endpoint& peer = f.end(other(dir));
  f.last = now;
  e.payload_bytes += s.data_bytes;
  if (s.has(sctp::kInit)) {
    history(f, dir, kHistInit, 'S');
    if (e.state == kInactive) move(e, kSynSent);
  }
  if (s.has(sctp::kInitAck)) {
    history(f, dir, kHistInit, 'H');
    if (is_handshake(e.state)) move(e, kEstablished);
    if (peer.state == kSynSent) move(peer, kEstablished);
  }
  if (s.has(sctp::kCookieEcho) || s.has(sctp::kCookieAck)) {
    history(f, dir, kHistAck, 'A');
    if (is_handshake(e.state)) move(e, kEstablished);
    if (s.has(sctp::kCookieAck) && is_handshake(peer.state)) move(peer, kEstablished);
  }
  if (s.data_bytes > 0) history(f, dir, kHistData, 'D');
  if (s.has(sctp::kSack)) history(f, dir, kHistAck, 'A');
  if (s.has(sctp::kShutdown) || s.has(sctp::kShutdownAck)) {
    history(f, dir, kHistShutdown, 'F');
    move(e, kClosed);
  }
  if (s.has(sctp::kShutdownComplete)) {
    // 9.2: the end that began says the last word.
    move(e, kClosed);
    move(peer, kClosed);
    f.delete_at = now + kTcpCloseDelay;
  }
  if (s.has(sctp::kAbort)) {
    history(f, dir, kHistAbort, 'R');
    move(e, kReset);
    f.delete_at = now + kTcpCloseDelay;
  }
  if (e.state == kInactive) move(e, kPartial);
  if (e.state == kEstablished && peer.state == kEstablished) f.inactivity = kSctpInactivity;
}

bool is_sctp_reuse(const Flow& f, const sctp::Packet& s) noexcept { return s.has(sctp::kInit) && f.delete_at != 0; }

bool is_sctp_answer(const sctp::Packet& s) noexcept { return s.has(sctp::kInitAck) || s.has(sctp::kCookieAck); }

}  // namespace catenary::flow
