// One flow: both directions of one conversation, from its first packet to its end.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/net.h"
#include "decode/tcp/tcp.h"
#include "decode/tunnel.h"
#include "flow/context.h"

namespace catenary::flow {

class Parser;
struct ProtocolInfo;

// Names as in Zeek: what one endpoint of a TCP connection has done so far.
enum class TcpState : std::uint8_t { kInactive, kSynSent, kSynAckSent, kPartial, kEstablished, kClosed, kReset };

// Segments that came before their turn, or the ranges of them when nobody reads the bytes.
struct Pending {
  Pending* next = nullptr;
  std::uint64_t seq = 0;  // relative to the initial sequence number
  std::uint32_t len = 0;
  std::uint32_t cap = 0;
  std::uint8_t* bytes = nullptr;  // null: only the range is kept
  bool is_joined = false;         // continues the segment before it, and is one with it: see reassembly.cc
};

// One direction's bytes on their way to a parser.
struct Stream {
  std::uint64_t next = 1;     // relative sequence number of the next byte in order; the SYN is 0
  std::uint64_t trimmed = 1;  // acknowledged up to here
  Pending* pending = nullptr;
  Pending* last_pending = nullptr;
  std::uint32_t pending_count = 0;
  std::uint32_t pending_bytes = 0;
  // Bytes in order that the parser left unread.
  std::uint8_t* unread = nullptr;
  std::uint32_t unread_len = 0, unread_cap = 0;
  std::uint32_t need = 0;
  std::uint32_t delivered_early = 0;  // bytes offered to detection so far
  bool is_finished = false;           // on_end was called
  bool gave_up = false;               // holes without end: delivery stopped
  bool has_doubtful = false;          // the first of pending is in order, and may never be read
  std::uint64_t urgent = 0;           // place of the urgent byte; 0: none
};

// Copies of a packet are looked for among the last few that its end sent.
struct Recent {
  static constexpr std::size_t kPacketsMax = 4;
  std::array<std::uint32_t, kPacketsMax> prints{}, times{};  // time: microseconds, the lower 32 bits
  std::uint8_t next = 0;
};

struct Endpoint {
  std::uint64_t packets = 0, ip_bytes = 0;
  std::uint64_t payload_bytes = 0;  // UDP, ICMP: sum of payloads
  bool has_sent = false;            // UDP, ICMP: at least one packet

  TcpState state = TcpState::kInactive, prev_state = TcpState::kInactive;
  std::uint32_t start_seq = 0, last_seq = 0, ack_seq = 0;
  std::uint32_t seq_wraps = 0, ack_wraps = 0;
  std::uint64_t fin_seq = 0;
  std::uint32_t fin_count = 0;
  bool did_close = false, did_eof = false;
  std::uint32_t hist_seen = 0;
  std::uint64_t hist_last_syn = 0, hist_last_fin = 0, hist_last_rst = 0;
  // Letters that repeat at every power of ten.
  std::uint32_t rexmits = 0, rexmit_next = 1, gaps = 0, gap_next = 1, zero_windows = 0, zero_window_next = 1;
  std::uint64_t missed_bytes = 0;
  std::uint64_t gap_bytes = 0;

  // IPsec: the last index of AH and of ESP, and how many were told. ICMP: the last echo asked for, and its payload.
  std::array<std::uint32_t, 2> spi{};
  std::uint8_t spi_count = 0;
  std::uint32_t echo = 0, echo_print = 0;

  Recent recent;
  std::uint32_t copies = 0;  // packets that came more than once, as SPAN ports send them

  std::uint8_t ttl = 0;
  std::uint8_t data_ttl = 0;  // of its first packet with data
  bool has_odd_ttl = false;   // told
  bool is_verified = false;   // checksums of its SYN were right: what has wrong ones is not read
  bool rst_is_doubtful = false;
  bool went_on = false;         // after its RST: told
  std::uint64_t rst_seq = 0;    // relative
  std::uint32_t ts_recent = 0;  // RFC 7323, 4.3
  std::uint16_t syn_window = 0;
  tcp::SynOptions syn_options;
  Mac mac{};
  Stream stream;
};

// Flows of questions and answers end early, as Zeek's DNS sessions do: looked at every kSessionTick,
// over when silent for kSessionQuiet.
inline constexpr Nanos kSessionTick = 10 * kSecond;
inline constexpr Nanos kSessionQuiet = 9 * kSecond;

inline constexpr std::size_t kHistoryMax = 64;
inline constexpr std::size_t kServicesMax = 6;

// A SYN within an open connection, until it is seen whether the other end takes it for a new one.
struct HeldSyn {
  Nanos at = 0;  // 0: none
  std::uint32_t seq = 0;
  std::uint16_t window = 0;
  Dir dir = Dir::kOrig;
};

enum class Detection : std::uint8_t { kOpen, kAttached, kClosed };

struct Flow {
  // Identity: originator and responder as decided by the first packet.
  Ip orig_h, resp_h;
  std::uint16_t orig_p = 0, resp_p = 0;
  std::uint8_t proto = 0;
  std::uint16_t vlan = 0, inner_vlan = 0;
  std::uint8_t vlan_tags = 0;
  std::uint8_t ip_version = 4;
  Tunnels tunnels;
  Uid uid;

  Nanos first = 0, last = 0;  // packet times
  Nanos last_update = 0;      // of conn_update
  std::uint32_t updates = 0;
  std::array<Endpoint, 2> ends;
  Endpoint& end(Dir d) noexcept { return ends[index(d)]; }
  const Endpoint& end(Dir d) const noexcept { return ends[index(d)]; }
  const Ip& address(Dir d) const noexcept { return d == Dir::kOrig ? orig_h : resp_h; }

  std::array<char, kHistoryMax> history{};
  std::uint8_t history_len = 0;

  // IP bytes up to the last of a file that is being kept: what may be cut off of the packets counts from here.
  std::uint64_t kept_base = 0;

  // Timers, as packet times; 0: not set.
  Nanos attempt_at = 0;    // a lone SYN is given up here
  Nanos delete_at = 0;     // closed: the record is written here
  Nanos inactivity = 0;    // how long silence may last
  Nanos session_from = 0;  // set by Context::end_when_quiet
  bool is_partial = false;
  HeldSyn held_syn;
  std::uint8_t first_seen = 0;  // bit per direction: a packet has come
  bool close_deferred = false;
  bool has_macs = false;

  Detection detection = Detection::kOpen;
  std::uint8_t probes_failed = 0;  // UDP datagrams, or bit per TCP direction
  bool wants_hand_over = false;
  Parser* next_parser = nullptr;  // has the flow once the present one has left it
  const ProtocolInfo* next_protocol = nullptr;
  std::uint32_t next_parser_cap = 0;
  const ProtocolInfo* protocol = nullptr;
  Parser* parser = nullptr;
  std::uint32_t parser_cap = 0;  // bytes of the pool it lives in
  std::array<const char*, kServicesMax> services{};
  std::uint8_t service_count = 0;

  // Table links.
  std::uint64_t hash = 0;
  std::uint32_t next_in_bucket = 0, wheel_next = 0, wheel_prev = 0;
  std::uint16_t wheel_slot = 0;
  std::uint32_t newer = 0, older = 0;  // among the embryonic
  bool is_embryonic = false;
  bool in_use = false;
  bool was_evicted = false;

  void add_history(char c) noexcept {
    if (history_len < kHistoryMax) history[history_len++] = c;
  }
  // Originator and responder change roles.
  void swap_ends() noexcept {
    std::swap(ends[0], ends[1]);
    std::swap(orig_h, resp_h);
    std::swap(orig_p, resp_p);
    first_seen = static_cast<std::uint8_t>((first_seen & 1) << 1 | (first_seen & 2) >> 1);
  }
  std::string_view history_text() const noexcept { return {history.data(), history_len}; }
  // Only one end was heard, and it answers what was not: the tap shows one direction.
  bool is_one_way() const noexcept;
  std::uint64_t tcp_size(Dir d) const noexcept;
  std::string_view conn_state() const noexcept;
};

template <class E>
void Context::emit(E& e) {
  e.uid = flow.uid;
  e.orig_h = flow.orig_h;
  e.orig_p = flow.orig_p;
  e.resp_h = flow.resp_h;
  e.resp_p = flow.resp_p;
  e.proto = flow.proto;
  if (flow.vlan_tags > 0) e.vlan = flow.vlan;
  events.emit(e);
}

}  // namespace catenary::flow
