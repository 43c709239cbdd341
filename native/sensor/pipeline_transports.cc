// Pipeline: what is neither TCP nor UDP nor ICMP.
#include "decode/igmp/igmp.gen.h"
#include "decode/igmp/igmp.h"
#include "decode/ipsec/ipsec.gen.h"
#include "decode/sctp/sctp.h"
#include "decode/udp_lite/udp_lite.h"
#include "flow/duplicate.h"
#include "flow/sctp_tracker.h"
#include "sensor/pipeline.h"

namespace catenary::sensor {

using decode::Packet;
using flow::Dir;
using flow::Flow;
using flow::Tuple;

namespace {

// Of one flow: a host joins a few groups; the rest of a flood is in its conn record.
constexpr std::uint64_t kIgmpMessagesPerEnd = 8;
// An association is renewed every few hours.
constexpr std::uint8_t kAssociationsPerEnd = 8;

}  // namespace

void Pipeline::on_sctp(const Packet& p) {
  sctp::Packet s;
  if (!sctp::parse(Cursor(p.payload), p.payload_len, s)) return on_weird(Weird::sctp_header_too_short, p);
  for (const Weird w : s.weirds) on_weird(w, p);
  const Tuple t = flow::tuple_of(p, s.src_port, s.dst_port);
  Dir dir = Dir::kOrig;
  Flow* f = find(t, p, dir);
  if (f && flow::is_sctp_reuse(*f, s)) {
    table_.end(*f);
    f = nullptr;
  }
  if (!f) f = &create(t, p, flow::is_sctp_answer(s), dir);
  count(*f, dir, p, flow::print_of(p, s.checksum, s.data_bytes > 0));
  flow::track_sctp(*f, dir, s, p.ts);
  if (content_) content_->on_datagram(*f, dir, p.payload);
  if (f->delete_at != 0) table_.reschedule(*f);
}

void Pipeline::on_udp_lite(const Packet& p) {
  udp_lite::Datagram d;
  if (!udp_lite::parse(Cursor(p.payload), p.payload_len, d)) return on_weird(Weird::udp_lite_header_too_short, p);
  if (d.is_coverage_wrong) on_weird(Weird::udp_lite_coverage_wrong, p);
  Dir dir = Dir::kOrig;
  Flow& f = flow_of(flow::tuple_of(p, d.src_port, d.dst_port), p, dir);
  count(f, dir, p, flow::print_of(p, d.checksum, false));
  f.last = p.ts;
  flow::Endpoint& e = f.end(dir);
  if (!e.has_sent) f.add_history(dir == Dir::kOrig ? 'D' : 'd');
  e.has_sent = true;
  e.payload_bytes += d.len;
  if (content_) content_->on_datagram(f, dir, p.payload);
}

void Pipeline::on_igmp(const Packet& p) {
  Dir dir = Dir::kOrig;
  Flow& f = flow_of(flow::tuple_of(p, 0, 0), p, dir);
  count(f, dir, p);
  f.last = p.ts;
  if (content_) content_->on_datagram(f, dir, p.payload);
  if (f.end(dir).packets > kIgmpMessagesPerEnd) return;
  flow::Context cx{f, p.ts, events_, files_, weirds_};
  igmp::Reader reader(Cursor(p.payload), p.payload_len, p.ttl);
  for (IgmpEvent e; reader.next(e);) {
    e.ts = micros(p.ts);
    e.is_orig = dir == Dir::kOrig;
    cx.emit(e);
  }
  for (const Weird w : reader.weirds()) cx.weird(w);
}

void Pipeline::on_esp(const Packet& p) {
  ipsec::Association a;
  const bool is_whole = ipsec::parse_esp(Cursor(p.payload), a);
  if (!is_whole) on_weird(Weird::ipsec_header_too_short, p);
  if (is_whole && a.spi < ipsec::kSpiMin) on_weird(Weird::ipsec_spi_reserved, p);
  Dir dir = Dir::kOrig;
  Flow& f = flow_of(flow::tuple_of(p, 0, 0), p, dir);
  count(f, dir, p);
  f.last = p.ts;
  if (content_) content_->on_datagram(f, dir, p.payload);
  if (is_whole) on_association(f, dir, false, a, false, p.ts);
}

void Pipeline::on_association(Flow& f, Dir dir, bool is_ah, const ipsec::Association& a, bool in_udp, Nanos at) {
  flow::Endpoint& e = f.end(dir);
  std::uint32_t& last = e.spi[is_ah];
  if ((last == a.spi && e.spi_count > 0) || e.spi_count == kAssociationsPerEnd) return;
  last = a.spi;
  e.spi_count++;
  IpsecEvent event;
  event.ts = micros(at);
  event.header = is_ah ? "ah" : "esp";
  event.is_orig = dir == Dir::kOrig;
  event.spi = a.spi;
  event.sequence = a.sequence;
  event.in_udp = in_udp;
  flow::Context{f, at, events_, files_, weirds_}.emit(event);
}

void Pipeline::on_other(const Packet& p) {
  Dir dir = Dir::kOrig;
  Flow& f = flow_of(flow::tuple_of(p, 0, 0), p, dir);
  count(f, dir, p);
  f.last = p.ts;
  if (content_) content_->on_datagram(f, dir, p.payload);
}

}  // namespace catenary::sensor
