// Pipeline: segments that are meant for the sensor and not for the peer (Ptacek and Newsham, "Insertion, Evasion, and
// Denial of Service", 1998). What Linux does with them was asked: native/flow/oracle/evasions.py.
#include "sensor/pipeline.h"

namespace catenary::sensor {

using decode::Packet;
using flow::Dir;
using flow::Flow;

namespace {

// Routes change by a hop or two; what is to die on the way has to die before the peer.
constexpr std::uint8_t kTtlSlack = 3;

// Segments put together on their way in (GRO) have a checksum that is to be completed: no sign of anything.
bool has_wrong_checksum(const flow::Endpoint& e, const tcp::Segment& s, const Packet& p) {
  return e.is_verified && p.payload.size() == p.payload_len && !tcp::is_checksum_right(p.src, p.dst, p.payload) &&
         !tcp::is_checksum_partial(p.src, p.dst, s, p.payload_len);
}

}  // namespace

Pipeline::Reading Pipeline::reading_of(Flow& f, Dir dir, const tcp::Segment& s, const flow::TcpOutcome& out,
                                       const Packet& p) {
  flow::Endpoint& e = f.end(dir);
  // An end whose SYN has a right checksum computes them; where that is left to the network card, that of the SYN is
  // wrong.
  if (s.has(tcp::kSyn))
    e.is_verified = p.payload.size() == p.payload_len && tcp::is_checksum_right(p.src, p.dst, p.payload);
  const bool is_old = flow::is_old_timestamp(f, dir, s, out.data_seq);
  if (!out.is_deliverable) return Reading::kNever;
  if (!s.has(tcp::kAck) && !s.has(tcp::kSyn)) {
    dispatcher_.on_stream_weird(f, Weird::tcp_data_without_ack);
    return Reading::kNever;
  }
  if (e.data_ttl == 0) e.data_ttl = p.ttl;
  if (p.ttl + kTtlSlack < e.data_ttl && !e.has_odd_ttl) {
    e.has_odd_ttl = true;
    dispatcher_.on_stream_weird(f, Weird::tcp_ttl_differs);
  }
  if (is_old) {
    dispatcher_.on_stream_weird(f, Weird::tcp_timestamp_old);
    return Reading::kOnceAcknowledged;
  }
  // Without a cookie it is not read (RFC 7413, 4.2.2).
  if (s.has(tcp::kSyn) && !s.has(tcp::kAck)) {
    dispatcher_.on_stream_weird(f, Weird::tcp_syn_with_data);
    return Reading::kOnceAcknowledged;
  }
  if (f.end(flow::other(dir)).packets > 0 && dispatcher_.wants_bytes(f) && has_wrong_checksum(e, s, p)) {
    dispatcher_.on_stream_weird(f, Weird::tcp_checksum_wrong);
    return Reading::kOnceAcknowledged;
  }
  // RFC 9293, 3.8.5; Linux reads the pointer as RFC 793 first had it, to the byte behind the urgent one.
  if (s.has(tcp::kUrg)) {
    const std::uint64_t at = out.data_seq + (s.urgent > 0 ? s.urgent - 1 : 0);
    if (at >= e.stream.next && at > e.stream.urgent) {
      e.stream.urgent = at;
      dispatcher_.on_stream_weird(f, Weird::tcp_urgent_data);
    }
  }
  return Reading::kNow;
}

bool Pipeline::is_forged(Flow& f, Dir dir, const tcp::Segment& s, const Packet& p) {
  if (!has_wrong_checksum(f.end(dir), s, p)) return false;
  count(f, dir, p);
  dispatcher_.on_stream_weird(f, Weird::tcp_checksum_wrong);
  return true;
}

void Pipeline::hold_syn(Flow& f, Dir dir, const tcp::Segment& s, const Packet& p) {
  count(f, dir, p);
  f.last = p.ts;
  f.held_syn = {p.ts, s.seq, s.window, dir};
  dispatcher_.on_stream_weird(f, Weird::tcp_syn_in_connection);
}

Flow& Pipeline::begin_held(Flow& f, const Packet& answer) {
  const flow::HeldSyn held = f.held_syn;
  const bool is_turned = held.dir == Dir::kResp;
  flow::Tuple t{f.orig_h, f.resp_h, f.orig_p, f.resp_p, f.proto, f.tunnels.key, false};
  if (is_turned) {
    std::swap(t.src, t.dst);
    std::swap(t.src_port, t.dst_port);
  }
  table_.end(f);
  Packet asked = answer;
  asked.ts = held.at;
  Dir dir = Dir::kOrig;
  Flow& fresh = create(t, asked, false, dir);
  tcp::Segment syn;
  syn.flags = tcp::kSyn;
  syn.seq = held.seq;
  syn.window = held.window;
  flow::track_tcp(fresh, dir, syn, held.at);
  return fresh;
}

}  // namespace catenary::sensor
