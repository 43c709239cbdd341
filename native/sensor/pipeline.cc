#include "sensor/pipeline.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "decode/arp/arp.gen.h"
#include "decode/icmp/icmp.gen.h"
#include "decode/tcp/tcp.h"
#include "decode/udp/udp.h"
#include "event/gen/neighbour.gen.h"
#include "flow/conn.h"
#include "flow/duplicate.h"
#include "flow/server_ports.h"
#include "flow/tcp_tracker.h"
#include "protocols/protocols.gen.h"

namespace catenary::sensor {

using decode::Packet;
using flow::Dir;
using flow::Flow;
using flow::Tuple;

namespace {

// Messages of one flow that become events; the rest of a ping or a flood is in its conn record.
constexpr std::uint64_t kIcmpEventsPerEnd = 8;

// Zeek has libpcap's seconds, 32 bits and signed, and passes over the packets of January 2038 and later.
constexpr Nanos kZeekTimeEnd = (Nanos{1} << 31) * kSecond;

constexpr Ip kBroadcast{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

}  // namespace

Pipeline::Pipeline(const PipelineOptions& options, event::DrainSink& sink)
    : ends_late_flows_(options.ends_late_flows),
      classes_(protocols::all()),
      events_(sink),
      weirds_(events_),
      store_(options.files ? std::make_unique<files::Store>(*options.files) : nullptr),
      files_(events_, {.hashes = options.hashes}, store_.get()),
      pool_(options.stream_bytes_max),
      dispatcher_(pool_, events_, weirds_, files_,
                  options.parses && !options.content ? protocols::all() : std::span<const flow::ProtocolInfo* const>{},
                  options.key),
      reassembler_(pool_, options.content ? static_cast<flow::StreamListener&>(*options.content) : dispatcher_),
      table_(options.key, options.flows_max, *this),
      decoder_(*this, options.key),
      content_(options.content),
      crumb_(options.crumb ? options.crumb : &unread_crumb_),
      quarantined_(options.quarantined) {
  if (options.packets) packets_ = std::make_unique<packets::Writer>(*options.packets);
}

void Pipeline::packet(const capture::RawPacket& raw) {
  counters_.packets++;
  counters_.wire_bytes += raw.wire_len;
  counters_.captured_bytes += raw.data.size();
  if (counters_.packets == 1) counters_.first = raw.ts;
  counters_.last = std::max(counters_.last, raw.ts);
  if (raw.ts < kZeekTimeEnd) newest_ = std::max(newest_, raw.ts);
  events_.advance(raw.ts);
  table_.advance(events_.now());
  dispatcher_.advance(events_.now());
  dispatcher_.at(raw.ts);

  Packet p;
  p.ts = raw.ts;
  p.wire_len = raw.wire_len;
  p.frame = raw.data;
  has_weird_ = false;
  share_count_ = 0;
  decoder_.link(raw.linktype, p);
  crumb_->clear();
  keep(raw);
  if (has_weird_) (raw.data.size() < raw.wire_len ? counters_.truncated : counters_.malformed)++;
  events_.drain_if_full();
}

void Pipeline::keep(const capture::RawPacket& raw) {
  if (!packets_) return;
  // A packet of a file that is kept is kept, however much its flow has had.
  const Uid carved = files_.take_carved();
  for (std::size_t i = 0; i < share_count_; i++)
    if (carved.value != 0 && shares_[i].uid == carved) shares_[i].bytes_before = 0;
  packets_->packet(raw, {shares_.data(), share_count_});
}

void Pipeline::clock_jumped(Nanos ahead) {
  std::array<char, 32> text;
  char* const end = std::to_chars(text.data(), text.data() + text.size(), ahead / kSecond).ptr;
  end[0] = 's';
  weirds_.add(Weird::clock_jump, {}, {text.data(), static_cast<std::size_t>(end + 1 - text.data())});
}

void Pipeline::tick(Nanos now) {
  events_.advance(now);
  table_.advance(events_.now());
  dispatcher_.advance(events_.now());
  if (packets_) packets_->tick(events_.now());
  events_.drain();
}

void Pipeline::finish() {
  is_finishing_ = true;
  table_.end_all();
  dispatcher_.finish();
  if (packets_) packets_->finish();
  events_.drain();
}

void Pipeline::on_ip(const Packet& p) {
  counters_.ip_packets++;
  switch (p.ip_proto) {
    case decode::ip_proto::kTcp: return on_tcp(p);
    case decode::ip_proto::kUdp: return on_udp(p);
    case decode::ip_proto::kIcmp:
    case decode::ip_proto::kIcmp6: return on_icmp(p);
    case decode::ip_proto::kSctp: return on_sctp(p);
    case decode::ip_proto::kUdpLite: return on_udp_lite(p);
    case decode::ip_proto::kIgmp: return on_igmp(p);
    case decode::ip_proto::kEsp: return on_esp(p);
    case decode::ip_proto::kNone: return;  // nothing follows (RFC 8200, 4.7): no flow either
    default: return on_other(p);
  }
}

Flow* Pipeline::find(const Tuple& t, const Packet& p, Dir& dir) {
  return table_.find(t, ends_late_flows_ ? newest_ : p.ts, dir);
}

Flow& Pipeline::flow_of(const Tuple& t, const Packet& p, Dir& dir) {
  Flow* f = find(t, p, dir);
  return f ? *f : create(t, p, false, dir);
}

Flow& Pipeline::create(const Tuple& t, const Packet& p, bool flip, Dir& dir) {
  Tuple as_flow = t;
  if (flip) {
    std::swap(as_flow.src, as_flow.dst);
    std::swap(as_flow.src_port, as_flow.dst_port);
  }
  dir = flip ? Dir::kResp : Dir::kOrig;
  Flow& f = table_.create(as_flow, p.ts);
  f.uid = flow::uid_of(f);
  f.inactivity = flow::kUdpInactivity;
  f.ip_version = p.ip_version;
  f.vlan = p.vlan;
  f.inner_vlan = p.inner_vlan;
  f.vlan_tags = p.vlan_tags;
  f.tunnels = p.tunnels;
  f.has_macs = p.has_macs;
  if (flip) f.add_history('^');
  if (!quarantined_.empty()) {
    Crumb it;
    it.set(f);
    if (std::find(quarantined_.begin(), quarantined_.end(), it) != quarantined_.end())
      f.detection = flow::Detection::kClosed;
  }
  table_.reschedule(f);
  return f;
}

void Pipeline::count(Flow& f, Dir dir, const Packet& p, std::uint32_t print) {
  if (packets_) {
    // Tunnels inside tunnels: the innermost flow takes the last place.
    share_count_ = std::min(share_count_ + 1, shares_.size());
    shares_[share_count_ - 1] = {
        f.uid, f.ends[0].ip_bytes + f.ends[1].ip_bytes - f.kept_base, {f.orig_h, f.resp_h}, {f.orig_p, f.resp_p}};
  }
  flow::Endpoint& e = f.end(dir);
  if (e.packets++ == 0) {
    e.ttl = p.ttl;
    e.mac = p.src_mac;
  }
  e.ip_bytes += p.ip_len;
  crumb_->set(f);
  classes_.of(f.protocol).packets++;
  if (flow::is_copy(e.recent, print, p.ts)) e.copies++;
  if (p.has_ah) on_association(f, dir, true, {p.ah_spi, p.ah_sequence}, false, p.ts);
  if (f.is_embryonic && flow::is_grown(f)) table_.grow_up(f);
  if (p.ts - f.last_update >= flow::kUpdateInterval) flow::emit_conn_update(f, events_);
}

void Pipeline::on_tcp(const Packet& p) {
  tcp::Segment s;
  const tcp::Header header = tcp::parse(Cursor(p.payload), p.payload_len, s);
  if (header == tcp::Header::kTooShort) return on_weird(Weird::tcp_header_too_short, p);
  const Tuple t = flow::tuple_of(p, s.src_port, s.dst_port);
  Dir dir = Dir::kOrig;
  Flow* f = find(t, p, dir);
  if (f && (s.flags & (tcp::kSyn | tcp::kFin | tcp::kRst)) != 0 && header == tcp::Header::kOk &&
      is_forged(*f, dir, s, p))
    return;
  if (f && flow::takes_up_held_syn(*f, dir, s)) {
    f = &begin_held(*f, p);
    dir = Dir::kResp;
  } else if (f && flow::is_tcp_reuse(*f, s)) {
    if (flow::is_doubtful_syn(*f, s)) return hold_syn(*f, dir, s, p);
    table_.end(*f);
    f = nullptr;
  }
  if (!f) f = &create(t, p, flow::is_tcp_answer(s), dir);
  // Somebody has tried to talk to somebody; the packet counts for nothing.
  if (header == tcp::Header::kMalformed) return on_weird(Weird::tcp_header_malformed, p);
  count(*f, dir, p, flow::print_of(p, s));
  const bool is_new = f->ends[0].packets + f->ends[1].packets == 1;
  const flow::TcpOutcome out = flow::track_tcp(*f, dir, s, p.ts);
  if (out.flipped) dir = flow::other(dir);
  if (is_new && f->detection == flow::Detection::kOpen) dispatcher_.begin(*f);
  if (out.has_weird) dispatcher_.on_stream_weird(*f, out.weird);
  if (out.acked > 0) acknowledge(*f, flow::other(dir), out.acked);
  switch (reading_of(*f, dir, s, out, p)) {
    case Reading::kNow: reassembler_.add(*f, dir, out.data_seq, s.data, s.len); break;
    case Reading::kOnceAcknowledged: reassembler_.hold(*f, dir, out.data_seq, s.data, s.len); break;
    case Reading::kNever: break;
  }
  reassembler_.check_finished(*f, dir);
  if (out.closes) {
    // A FIN that overtook data: the end is closed when the data is there.
    if (reassembler_.is_pending(*f, dir))
      f->close_deferred = true;
    else
      flow::close_tcp_end(*f, dir);
  }
  if (f->delete_at != 0 || out.went_on || (s.has(tcp::kSyn) && f->attempt_at != 0)) table_.reschedule(*f);
}

void Pipeline::acknowledge(Flow& f, Dir dir, std::uint64_t seq) {
  // The class before: a parser that ends at the gap had these bytes all the same.
  ClassCount& c = classes_.of(f.protocol);
  const std::uint64_t before = f.end(dir).stream.trimmed, gap = f.end(dir).gap_bytes;
  reassembler_.acknowledge(f, dir, seq);
  c.acks += f.end(dir).stream.trimmed != before;
  c.ack_gaps += f.end(dir).gap_bytes != gap;
}

void Pipeline::on_udp(const Packet& p) {
  udp::Datagram d;
  if (!udp::parse(Cursor(p.payload), p.payload_len, d)) return on_weird(Weird::udp_header_too_short, p);
  if (d.length_differs) on_weird(Weird::udp_length_differs, p);
  const Tuple t = flow::tuple_of(p, d.src_port, d.dst_port);
  Dir dir = Dir::kOrig;
  Flow* f = find(t, p, dir);
  if (!f) {
    // Nobody asked from the broadcast address: a DHCP server that answers everybody is the originator.
    const bool flip = flow::is_server_port(p.ip_proto, d.src_port) && !flow::is_server_port(p.ip_proto, d.dst_port) &&
                      t.dst != kBroadcast;
    f = &create(t, p, flip, dir);
    if (f->detection == flow::Detection::kOpen) dispatcher_.begin(*f);
  }
  const Nanos deadline = flow::deadline_of(*f);
  count(*f, dir, p, flow::print_of(p, d));
  f->last = p.ts;
  flow::Endpoint& e = f->end(dir);
  if (!e.has_sent) f->add_history(dir == Dir::kOrig ? 'D' : 'd');
  e.has_sent = true;
  e.payload_bytes += d.len;
  if (content_) content_->on_datagram(*f, dir, d.data);
  if (f->resp_p == ipsec::kNatPort || f->orig_p == ipsec::kNatPort) {
    ipsec::Association a;
    if (ipsec::is_esp_in_udp(Cursor(d.data)) && ipsec::parse_esp(Cursor(d.data), a))
      on_association(*f, dir, false, a, true, p.ts);
  }
  dispatcher_.on_datagram(*f, dir, d.data);
  // A parser may know how long silence lasts in its protocol.
  if (flow::deadline_of(*f) < deadline) table_.reschedule(*f);
  // Last: flows made inside may evict this one.
  const bool is_named = f->service_count > 0;
  const bool is_both = f->ends[0].has_sent && f->ends[1].has_sent;
  const std::string_view service = decode::tunnel_service(f->orig_p, f->resp_p, is_both);
  const Uid carrier = f->uid;
  if (!decoder_.udp_tunnel(f->orig_p, f->resp_p, carrier, d.data, d.len, p) || is_named || service.empty()) return;
  f = find(t, p, dir);
  if (!f || f->uid != carrier) return;
  flow::Context cx{*f, p.ts, events_, files_, weirds_};
  cx.confirm(service.data());
}

void Pipeline::on_icmp(const Packet& p) {
  const bool v6 = p.ip_proto == decode::ip_proto::kIcmp6;
  icmp::Header h;
  if (!icmp::parse_header(Cursor(p.payload), v6, h)) return on_weird(Weird::icmp_header_too_short, p);
  Tuple t = flow::tuple_of(p, h.type, h.counterpart);
  t.is_one_way = h.is_one_way;
  Dir dir = Dir::kOrig;
  Flow& f = flow_of(t, p, dir);
  count(f, dir, p);
  f.last = p.ts;
  flow::Endpoint& e = f.end(dir);
  e.has_sent = true;
  e.payload_bytes += p.payload_len - 8;
  if (content_) content_->on_datagram(f, dir, p.payload.subspan(std::min<std::size_t>(8, p.payload.size())));
  if (e.packets > kIcmpEventsPerEnd) return;
  IcmpEvent event;
  const icmp::Oddities odd = icmp::describe(Cursor(p.payload), {v6, p.src, p.dst, p.ttl, p.payload_len}, event);
  event.ts = micros(p.ts);
  event.is_orig = dir == Dir::kOrig;
  event.payload_bytes = p.payload_len - 8;
  if (event.quoted_proto) event.quoted_uid = quoted_uid(event, p);
  flow::Context cx{f, p.ts, events_, files_, weirds_};
  for (const Weird w : odd) cx.weird(w);
  // A reply sends back what was asked (RFC 792, RFC 4443, 4.2): otherwise the two talk to each other.
  if (h.is_echo && p.payload.size() == p.payload_len) {
    flow::Endpoint& asked = f.end(h.is_reply ? flow::other(dir) : dir);
    const std::uint32_t echo = static_cast<std::uint32_t>(*event.id) << 16 | *event.seq;
    const std::uint32_t print = icmp::echo_print(Cursor(p.payload));
    if (!h.is_reply) {
      asked.echo = echo;
      asked.echo_print = print;
    } else if (asked.echo_print != 0 && asked.echo == echo && asked.echo_print != print) {
      cx.weird(Weird::icmp_echo_payload_differs);
    }
  }
  cx.emit(event);
}

// The flow that an error is about, which may have been seen from either end.
std::optional<Uid> Pipeline::quoted_uid(const IcmpEvent& e, const Packet& p) {
  if (!e.quoted_orig_h || !e.quoted_resp_h) return {};
  const Tuple t{*e.quoted_orig_h,
                *e.quoted_resp_h,
                e.quoted_orig_p.value_or(0),
                e.quoted_resp_p.value_or(0),
                *e.quoted_proto,
                p.tunnels.key,
                false};
  Dir dir = Dir::kOrig;
  const Flow* f = find(t, p, dir);
  return f ? std::optional<Uid>(f->uid) : std::nullopt;
}

void Pipeline::on_arp(ArpEvent& arp, const Packet&) { events_.emit(arp); }

void Pipeline::on_neighbour(NeighbourEvent& neighbour, const Packet&) { events_.emit(neighbour); }

void Pipeline::on_weird(Weird name, const Packet& p) {
  has_weird_ = true;
  event::WeirdSubject s;
  if (p.ip_version != 0) {
    s.orig_h = p.src;
    s.resp_h = p.dst;
    s.proto = p.ip_proto;
  }
  if (p.vlan_tags > 0) s.vlan = p.vlan;
  weirds_.add(name, s);
}

void Pipeline::on_flow_end(Flow& f) {
  crumb_->set(f);
  if (content_) content_->on_end(f);
  dispatcher_.close(f);
  reassembler_.release(f);
  counters_.gap_bytes += f.ends[0].gap_bytes + f.ends[1].gap_bytes;
  flow::emit_conn(f, end_reason(f), events_);
  crumb_->clear();
}

std::string_view Pipeline::end_reason(const Flow& f) const noexcept {
  if (is_finishing_) return "shutdown";
  if (f.was_evicted) return "evicted";
  if (f.delete_at == 0) return "timeout";
  const bool is_reset = f.ends[0].state == flow::TcpState::kReset || f.ends[1].state == flow::TcpState::kReset;
  return is_reset ? "reset" : "closed";
}

}  // namespace catenary::sensor
