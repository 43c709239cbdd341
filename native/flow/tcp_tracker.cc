#include "flow/tcp_tracker.h"

#include <algorithm>
#include <cctype>

#include "decode/packet.h"
#include "flow/server_ports.h"

namespace catenary::flow {
namespace {

using enum TcpState;

constexpr std::int32_t kTrustedJump = 1 << 20;  // SYN and RST sequence numbers further off are not believed

// Bits of Endpoint::hist_seen.
constexpr std::uint32_t kHistSyn = 1, kHistFin = 2, kHistRst = 4, kHistData = 8, kHistAck = 16, kHistMulti = 32,
                        kHistFinRst = 64;

std::int32_t delta(std::uint32_t a, std::uint32_t b) noexcept { return static_cast<std::int32_t>(a - b); }

bool is_handshake(TcpState s) noexcept { return s == kInactive || s == kSynSent || s == kSynAckSent; }

char cased(Dir dir, char letter) noexcept {
  return dir == Dir::kOrig ? letter : static_cast<char>(std::tolower(letter));
}

// True when the letter had been seen from this end before.
bool history_once(Flow& f, Dir dir, std::uint32_t bit, char letter) noexcept {
  Endpoint& e = f.end(dir);
  if (e.hist_seen & bit) return true;
  e.hist_seen |= bit;
  f.add_history(cased(dir, letter));
  return false;
}

// S, F and R repeat when their sequence number is a new one.
void history_each(Flow& f, Dir dir, std::uint32_t bit, char letter, std::uint64_t seq, std::uint64_t& last) noexcept {
  if (history_once(f, dir, bit, letter) && seq != last) f.add_history(cased(dir, letter));
  last = seq;
}

void set_state(Flow& f, Dir dir, TcpState to) noexcept {
  Endpoint& e = f.end(dir);
  if (e.state == to) return;
  const bool both_shake = is_handshake(e.state) && is_handshake(f.end(other(dir)).state);
  if (!is_handshake(to) && both_shake) f.inactivity = kTcpInactivity;
  e.prev_state = e.state;
  e.state = to;
}

void start_at(Endpoint& e, std::uint32_t seq, std::uint32_t last) noexcept {
  e.start_seq = e.ack_seq = seq;
  e.last_seq = last;
  e.seq_wraps = e.ack_wraps = 0;
}

// Relative sequence number of `seq`; underflow when it lies before the start.
std::uint64_t relative(const Endpoint& e, std::uint32_t seq, std::uint32_t last, std::uint32_t wraps,
                       bool& underflow) noexcept {
  const std::int32_t d = delta(seq, last);
  if (d < 0 && wraps > 0 && seq > last) wraps--;
  if (d > 0 && seq < last) wraps++;
  if (wraps == 0) {
    const std::int32_t from_start = delta(seq, e.start_seq);
    underflow = from_start < 0;
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(from_start));
  }
  return (static_cast<std::uint64_t>(wraps) << 32 | seq) - e.start_seq;
}

void advance(std::uint32_t& seq, std::uint32_t& wraps, std::uint32_t to) noexcept {
  if (to < seq) wraps++;
  seq = to;
}

// The first sequence numbers of an end, or new ones when a SYN says the old were wrong.
void init_sequence(Endpoint& e, const tcp::Segment& s, std::uint32_t past, TcpOutcome& out) noexcept {
  const bool is_syn = s.has(tcp::kSyn);
  if (e.state == kInactive) {
    // Without a SYN, number as though one had just gone by.
    if (is_syn)
      start_at(e, s.seq, past);
    else
      start_at(e, s.seq - 1, s.seq);
    return;
  }
  if (!is_syn) return;
  const bool jumps = s.seq != e.start_seq;
  if (e.state == kReset ? e.prev_state == kInactive : e.state != kClosed) {
    if (jumps && e.state != kReset) {
      out.weird = Weird::tcp_syn_seq_jump;
      out.has_weird = true;
    }
    if (jumps || e.state == kEstablished || e.state == kPartial || e.state == kReset) {
      start_at(e, s.seq, past);
    }
  }
}

void record_history(Flow& f, Dir dir, const tcp::Segment& s, std::uint64_t seq) noexcept {
  Endpoint& e = f.end(dir);
  const bool syn = s.has(tcp::kSyn), fin = s.has(tcp::kFin), rst = s.has(tcp::kRst);
  if (syn + fin + rst > 1) {
    history_once(f, dir, fin && rst ? kHistFinRst : kHistMulti, fin && rst ? 'I' : 'Q');
  } else if (syn) {
    history_each(f, dir, kHistSyn, s.has(tcp::kAck) ? 'H' : 'S', seq, e.hist_last_syn);
  } else if (fin) {
    history_each(f, dir, kHistFin, 'F', seq + s.len, e.hist_last_fin);
  } else if (rst) {
    history_each(f, dir, kHistRst, 'R', seq, e.hist_last_rst);
  } else if (s.len > 0) {
    history_once(f, dir, kHistData, 'D');
  } else if (s.has(tcp::kAck)) {
    history_once(f, dir, kHistAck, 'A');
  }
}

// A window of zero says nothing with or after a RST, or once the peer has sent its FIN.
void record_window(Flow& f, Dir dir, const tcp::Segment& s) noexcept {
  Endpoint& e = f.end(dir);
  if (s.window != 0 || s.has(tcp::kRst) || f.end(other(dir)).state == kClosed || e.state == kReset) return;
  scaled_history(f, dir, 'W', e.zero_windows, e.zero_window_next);
}

void from_inactive(Flow& f, Dir& dir, const tcp::Segment& s, Nanos now, TcpOutcome& out) noexcept {
  const bool is_ack = s.has(tcp::kAck);
  Dir peer = other(dir);
  if (s.has(tcp::kSyn)) {
    if (dir == Dir::kOrig) {
      set_state(f, dir, is_ack ? kSynAckSent : kSynSent);
      f.attempt_at = now + kTcpAttemptDelay;
    } else {
      if (!is_ack && f.end(peer).state == kSynAckSent && s.seq == f.end(dir).start_seq) {
        // The SYN-ACK overtook its SYN on the way to us: the roles are the other way round.
        f.is_partial = false;
        f.swap_ends();
        f.first_seen |= 1;
        f.add_history('^');
        std::swap(dir, peer);
        out.flipped = true;
        set_state(f, peer, kEstablished);
      }
      if (f.end(peer).state == kSynSent) set_state(f, peer, kEstablished);
      set_state(f, dir, kEstablished);
    }
  }
  if (s.has(tcp::kFin)) {
    set_state(f, dir, kClosed);
    out.closes = true;
  }
  if (s.has(tcp::kRst)) {
    set_state(f, dir, kReset);
    out.closes = true;
  }
  if (f.end(dir).state != kInactive) return;
  // No control flag. Some stacks acknowledge a SYN before they answer it: that is no partial view.
  if (dir == Dir::kResp && s.len == 0 && f.end(Dir::kOrig).state == kSynSent) return;
  if (is_ack && f.end(peer).state == kEstablished) {
    set_state(f, dir, kEstablished);  // only the originator's SYN was missed
    f.is_partial = false;
    f.first_seen |= static_cast<std::uint8_t>(1 << index(dir));
  } else {
    set_state(f, dir, kPartial);
  }
}

void from_open(Flow& f, Dir dir, const tcp::Segment& s, TcpOutcome& out) noexcept {
  Endpoint& e = f.end(dir);
  Endpoint& peer = f.end(other(dir));
  if (s.has(tcp::kSyn) && !s.has(tcp::kAck) && e.state == kPartial && peer.state == kInactive) {
    set_state(f, dir, kSynSent);
  }
  if (s.has(tcp::kFin) && !s.has(tcp::kRst)) {
    set_state(f, dir, kClosed);
    // FIN then RST from the peer was an ordinary end after all.
    if (peer.state == kReset && peer.prev_state == kClosed) set_state(f, other(dir), kClosed);
    out.closes = true;
  }
  if (s.has(tcp::kRst)) {
    set_state(f, dir, kReset);
    out.closes = true;
  }
}

void step(Flow& f, Dir& dir, const tcp::Segment& s, Nanos now, TcpOutcome& out) noexcept {
  Endpoint& e = f.end(dir);
  switch (e.state) {
    case kInactive: return from_inactive(f, dir, s, now, out);
    case kSynSent:
    case kSynAckSent:
      if (s.has(tcp::kFin)) {
        set_state(f, dir, kClosed);
        out.closes = true;
      }
      if (s.has(tcp::kRst)) {
        set_state(f, dir, kReset);
        out.closes = true;
      }
      return;
    case kEstablished:
    case kPartial: return from_open(f, dir, s, out);
    case kClosed:
      if (s.has(tcp::kRst) && f.end(other(dir)).state != kClosed) {
        set_state(f, dir, kReset);
        if (!e.did_close) out.closes = true;
      }
      return;
    case kReset: return;
  }
}

// A SYN-ACK came first, and the ports did not say who asked. What follows it shows a real connection: only a scan with
// SYN-ACKs is answered with a RST. The history is then told from the other side.
void turn_round(Flow& f) noexcept {
  f.swap_ends();
  const std::string_view said = f.history_text();
  std::array<char, kHistoryMax> turned = {'^'};
  f.history_len = static_cast<std::uint8_t>(std::min(said.size() + 1, kHistoryMax));
  for (std::size_t i = 1; i < f.history_len; i++) turned[i] = static_cast<char>(std::tolower(said[i - 1]));
  f.history = turned;
  f.is_partial = false;
  set_state(f, Dir::kResp, kEstablished);
}

void update_last_seq(Flow& f, Dir dir, const tcp::Segment& s, std::uint32_t past) noexcept {
  Endpoint& e = f.end(dir);
  const std::int32_t d = delta(past, e.last_seq);
  if ((s.has(tcp::kSyn) || s.has(tcp::kRst)) && (d > kTrustedJump || d < -kTrustedJump)) return;
  if (s.has(tcp::kFin) && e.last_seq == e.start_seq + 1) {
    // Only SYN and FIN were seen: the FIN tells the size even past 2 GB.
    advance(e.last_seq, e.seq_wraps, past);
  } else if (e.state == kReset) {
    return;
  } else if (d > 0) {
    advance(e.last_seq, e.seq_wraps, past);
  } else if (s.len > 0) {
    scaled_history(f, dir, 'T', e.rexmits, e.rexmit_next);
  }
}

// RFC 5961, section 3.2: a receiver takes a RST at exactly its next sequence number, which is what it has acknowledged
// or what is in order here.
void judge_reset(Flow& f, Dir dir, TcpOutcome& out) noexcept {
  Endpoint& e = f.end(dir);
  if (e.state != kEstablished || f.end(other(dir)).state != kEstablished) return;
  const std::uint64_t acked = static_cast<std::uint64_t>(e.ack_wraps) << 32 | e.ack_seq;
  e.rst_seq = out.data_seq;
  e.rst_is_doubtful = out.data_seq != e.stream.next && out.data_seq + e.start_seq != acked;
  if (!e.rst_is_doubtful || out.has_weird) return;
  out.weird = Weird::tcp_rst_out_of_place;
  out.has_weird = true;
}

// Data from an end that had sent a RST: it had not, or its peer did not take it. After one in its place only what comes
// behind it counts: before it, it was overtaken.
void go_on(Flow& f, Dir dir, TcpOutcome& out) noexcept {
  Endpoint& e = f.end(dir);
  if (e.prev_state != kEstablished || (!e.rst_is_doubtful && out.data_seq < e.rst_seq)) return;
  if (!e.went_on) {
    e.went_on = true;
    out.weird = Weird::tcp_goes_on_after_reset;
    out.has_weird = true;
  }
  if (!e.rst_is_doubtful) return;
  e.state = kEstablished;
  e.rst_is_doubtful = false;
  e.did_close = false;
  f.delete_at = 0;
  out.went_on = true;
}

}  // namespace

void scaled_history(Flow& f, Dir dir, char letter, std::uint32_t& count, std::uint32_t& next) noexcept {
  if (++count != next) return;
  f.add_history(cased(dir, letter));
  if (next < 1'000'000'000) next *= 10;
}

TcpOutcome track_tcp(Flow& f, Dir dir, const tcp::Segment& s, Nanos now) {
  TcpOutcome out;
  if (f.ends[0].state == kSynAckSent && f.ends[1].state == kInactive && !s.has(tcp::kSyn) && !s.has(tcp::kRst)) {
    turn_round(f);
    dir = other(dir);
    out.flipped = true;
  }
  const std::uint8_t bit = static_cast<std::uint8_t>(1 << index(dir));
  if (!(f.first_seen & bit)) {
    if (dir == Dir::kOrig)
      f.is_partial = !s.has(tcp::kSyn) || s.has(tcp::kAck);
    else if (!f.is_partial)
      f.is_partial = !s.has(tcp::kSyn);
  }
  // SYN and FIN take a sequence number each; the data of a RST is not part of the stream.
  const bool is_rst = s.has(tcp::kRst);
  const std::uint32_t length = (is_rst ? 0 : s.len) + (s.has(tcp::kSyn) ? 1 : 0) + (s.has(tcp::kFin) ? 1 : 0);
  const std::uint32_t past = s.seq + length;

  init_sequence(f.end(dir), s, past, out);
  bool underflow = false;
  {
    Endpoint& e = f.end(dir);
    const std::uint64_t seq = relative(e, s.seq, e.last_seq, e.seq_wraps, underflow);
    record_history(f, dir, s, seq);
    record_window(f, dir, s);
    if (!f.ends[0].did_close || !f.ends[1].did_close) f.last = now;
    if (s.has(tcp::kSyn)) {
      e.syn_options = tcp::parse_syn_options(s.options);
      e.syn_window = s.window;
    }
    if (s.has(tcp::kFin)) {
      e.fin_count++;
      e.fin_seq = seq + length;
    }
    out.data_seq = seq + (s.has(tcp::kSyn) ? 1 : 0);
  }
  if (underflow && !is_rst && !out.has_weird) {
    out.weird = Weird::tcp_seq_before_start;
    out.has_weird = true;
  }
  if (s.has(tcp::kAck)) {
    Endpoint& peer = f.end(other(dir));
    if (peer.state == kInactive) {
      out.acked = 1;
      start_at(peer, s.ack - 1, s.ack - 1);
    } else {
      bool ack_underflow = false;
      out.acked = relative(peer, s.ack, peer.ack_seq, peer.ack_wraps, ack_underflow);
      if (ack_underflow) {
        out.acked = 0;
      } else if (!is_rst) {
        const std::int32_t d = delta(s.ack, peer.ack_seq);
        const bool is_broken_zero = s.ack == 0 && d > kTrustedJump;
        if (d > 0 && !is_broken_zero) advance(peer.ack_seq, peer.ack_wraps, s.ack);
      }
    }
  }
  if (is_rst && !underflow) judge_reset(f, dir, out);
  if (f.end(dir).state == kReset && !is_rst && !s.has(tcp::kSyn) && s.len > 0) go_on(f, dir, out);
  update_last_seq(f, dir, s, past);
  step(f, dir, s, now, out);
  f.first_seen |= static_cast<std::uint8_t>(1 << index(dir));
  out.is_deliverable = s.len > 0 && !is_rst && !underflow;
  return out;
}

bool is_tcp_reuse(const Flow& f, const tcp::Segment& s) noexcept {
  if (!s.has(tcp::kSyn)) return false;
  const Endpoint& orig = f.end(Dir::kOrig);
  const Endpoint& resp = f.end(Dir::kResp);
  const Endpoint* starter = &orig;
  if (s.has(tcp::kAck)) {
    if (orig.state != kInactive) return false;
    starter = &resp;
  }
  if (orig.did_close || resp.did_close) return true;
  if (s.seq == starter->start_seq) return false;
  const bool is_overtaken_syn =
      !s.has(tcp::kAck) && starter->state == kSynAckSent && resp.state == kInactive && s.seq == resp.start_seq;
  return !is_overtaken_syn;
}

bool is_doubtful_syn(const Flow& f, const tcp::Segment& s) noexcept {
  const Endpoint& orig = f.end(Dir::kOrig);
  const Endpoint& resp = f.end(Dir::kResp);
  const bool is_open = orig.state == kEstablished && resp.state == kEstablished && !f.is_partial;
  return is_open && s.has(tcp::kSyn) && !s.has(tcp::kAck) && !s.has(tcp::kRst);
}

bool takes_up_held_syn(const Flow& f, Dir dir, const tcp::Segment& s) noexcept {
  return f.held_syn.at != 0 && dir != f.held_syn.dir && s.has(tcp::kSyn) && s.has(tcp::kAck) &&
         s.ack == f.held_syn.seq + 1;
}

bool is_old_timestamp(Flow& f, Dir dir, const tcp::Segment& s, std::uint64_t seq) noexcept {
  Endpoint& e = f.end(dir);
  if (!e.syn_options.ts_value || !f.end(other(dir)).syn_options.ts_value) return false;
  const std::optional<std::uint32_t> value = tcp::timestamp_of(s.options);
  if (!value || s.has(tcp::kRst)) return false;
  if (s.has(tcp::kSyn)) {
    e.ts_recent = *value;
    return false;
  }
  if (e.ts_recent != 0 && delta(*value, e.ts_recent) < 0) return true;
  if (seq <= e.stream.next) e.ts_recent = *value;
  return false;
}

// Of two plausible servers the lower port is the likelier one, but a SYN-ACK may be half of a scan and is then left as
// it stands, until more is seen.
bool is_tcp_answer(const tcp::Segment& s) noexcept {
  if (s.has(tcp::kSyn) && !s.has(tcp::kAck)) return false;
  if (!is_server_port(6, s.src_port)) return false;
  return !is_server_port(6, s.dst_port) || (!s.has(tcp::kSyn) && s.src_port < s.dst_port);
}

void close_tcp_end(Flow& f, Dir dir) {
  Endpoint& e = f.end(dir);
  const Endpoint& peer = f.end(other(dir));
  f.close_deferred = false;
  if (e.did_close) return;
  e.did_close = true;
  if (e.state == kReset || peer.did_close || peer.state == kInactive)
    f.delete_at = f.last + (e.rst_is_doubtful ? kTcpDoubtDelay : kTcpCloseDelay);
}

bool is_cleanly_open(const Flow& f) noexcept {
  for (const Endpoint& e : f.ends) {
    if (e.state != kEstablished && !(e.state == kClosed && e.prev_state == kEstablished)) return false;
  }
  return true;
}

std::uint64_t Flow::tcp_size(Dir dir) const noexcept {
  const Endpoint& e = end(dir);
  const bool nothing_acked = e.ack_seq == e.start_seq || e.ack_seq == e.start_seq + 1;
  // A SYN answered by nothing and then reset: an ACK number is no sign of data there.
  if (e.prev_state == kSynSent && e.state == kReset && end(other(dir)).state == kInactive && !nothing_acked) return 0;
  const std::uint64_t sent = static_cast<std::uint64_t>(e.seq_wraps) << 32 | e.last_seq;
  const std::uint64_t acked = static_cast<std::uint64_t>(e.ack_wraps) << 32 | e.ack_seq;
  std::uint64_t size = (sent > acked ? sent : acked) - e.start_seq;
  if (size != 0) size--;                     // the SYN, or the one we imagined
  if (e.fin_count > 0 && size != 0) size--;  // the FIN
  return size;
}

bool Flow::is_one_way() const noexcept {
  if (proto != 6 || (ends[0].packets == 0) == (ends[1].packets == 0)) return false;
  const Endpoint& heard = ends[ends[0].packets == 0];
  return heard.packets > 1 && (heard.hist_seen & (kHistData | kHistAck)) != 0;
}

// A SYN and a reset from the originator, nothing of weight between.
static bool is_lone_syn_reset(std::string_view h) noexcept {
  if (h.starts_with('^')) h.remove_prefix(1);
  if (!h.starts_with('S')) return false;
  for (const char c : h.substr(1)) {
    if (c == 'R') return true;
    if (std::string_view("HAFGIQ").find(c) != std::string_view::npos) return false;
  }
  return false;
}

std::string_view Flow::conn_state() const noexcept {
  const Endpoint& o = ends[0];
  const Endpoint& r = ends[1];
  if (proto == decode::ip_proto::kUdp || proto == decode::ip_proto::kUdpLite) {
    if (o.has_sent) return r.has_sent ? "SF" : "S0";
    return r.has_sent ? "SHR" : "OTH";
  }
  if (proto != decode::ip_proto::kTcp && proto != decode::ip_proto::kSctp) return "OTH";
  const bool no_orig = o.state == kInactive || o.state == kPartial;
  const bool no_resp = r.state == kInactive || r.state == kPartial;
  if (r.state == kReset) {
    if (o.state == kSynSent || o.state == kSynAckSent) return "REJ";
    if (o.state == kReset && tcp_size(Dir::kOrig) == 0 && tcp_size(Dir::kResp) == 0) return "REJ";
    return no_orig ? "RSTRH" : "RSTR";
  }
  if (o.state == kReset) {
    if (no_resp) return is_lone_syn_reset(history_text()) ? "RSTOS0" : "OTH";
    return "RSTO";
  }
  if (o.state == kClosed && r.state == kClosed) return "SF";
  if (o.state == kClosed) return no_resp ? "SH" : "S2";
  if (r.state == kClosed) return no_orig ? "SHR" : "S3";
  if (o.state == kSynSent && r.state == kInactive) return "S0";
  if (o.state == kEstablished && r.state == kEstablished) return "S1";
  return "OTH";
}

}  // namespace catenary::flow
