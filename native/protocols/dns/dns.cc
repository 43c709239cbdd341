#include "protocols/dns/dns.h"

#include <algorithm>

#include "protocols/dns/names.h"

namespace catenary::dns {
namespace {

constexpr std::uint8_t kUdp = 17;
constexpr std::uint16_t kDnsPort = 53, kNetbiosPort = 137, kMdnsPort = 5353, kLlmnrPort = 5355;

bool is_expected_at(std::uint16_t port, bool is_tcp) noexcept {
  return port == kDnsPort || (!is_tcp && (port == kNetbiosPort || port == kMdnsPort || port == kLlmnrPort));
}

Manner manner_at(bool is_tcp, std::uint16_t orig_port, std::uint16_t resp_port) noexcept {
  return {!is_tcp && resp_port == kNetbiosPort, !is_tcp && (orig_port == kMdnsPort || resp_port == kMdnsPort)};
}
Manner manner_of(const flow::Flow& f) noexcept { return manner_at(f.proto != kUdp, f.orig_p, f.resp_p); }

bool is_multicast(const Ip& ip) noexcept { return ip.is_v4() ? ip.bytes[12] >> 4 == 14 : ip.bytes[0] == 0xff; }

// As in Zeek: other kinds of message are counted as DNS, but not told.
bool is_told(std::uint8_t opcode) noexcept {
  return opcode == opcode::kQuery || opcode == opcode::kNotify || opcode == opcode::kUpdate;
}

}  // namespace

flow::Probe probe(const flow::ProbeInput& in) noexcept {
  Bytes message = in.data;
  std::size_t size = in.data.size();
  if (in.is_tcp) {  // RFC 1035 4.2.2
    Cursor c(in.data);
    size = c.be16();
    if (!c.ok()) return flow::Probe::kMore;
    if (size < kHeaderBytes) return flow::Probe::kNo;
    message = c.peek_rest();
  }
  Header h;
  if (!read_header(message, h)) return in.is_tcp ? flow::Probe::kMore : flow::Probe::kNo;
  if (!is_plausible_header(h, manner_at(in.is_tcp, in.orig_port, in.resp_port))) return flow::Probe::kNo;
  if (is_expected_at(in.resp_port, in.is_tcp)) return flow::Probe::kYes;
  if (message.size() < size) return flow::Probe::kMore;
  return is_surely_dns(message.first(size)) ? flow::Probe::kYes : flow::Probe::kNo;
}

flow::Step Parser::on_datagram(flow::Context& cx, flow::Dir dir, Cursor in) { return on_message(cx, dir, in.rest()); }

flow::Step Parser::on_stream(flow::Context& cx, flow::Dir dir, Cursor& in) {
  while (!in.done()) {
    Cursor unit = in;
    const std::uint16_t size = unit.be16();
    const Bytes bytes = unit.take(size);
    if (!unit.ok()) {
      cx.need(dir, 2u + size);  // a size that is not there yet reads as 0
      return flow::Step::kContinue;
    }
    if (must_resync_[index(dir)] && !is_surely_dns(bytes)) return flow::Step::kDetach;
    must_resync_[index(dir)] = false;
    in = unit;
    if (on_message(cx, dir, bytes) == flow::Step::kDetach) return flow::Step::kDetach;
  }
  return flow::Step::kContinue;
}

// Where the next message begins is not known any more: what comes next has to look like one.
flow::Step Parser::on_gap(flow::Context&, flow::Dir dir, std::uint64_t) {
  must_resync_[index(dir)] = true;
  return flow::Step::kContinue;
}

// A message whose end never came is told as far as it goes.
void Parser::on_end(flow::Context& cx, flow::Dir dir) {
  flow::Stream& s = cx.flow.end(dir).stream;
  Cursor in(Bytes{s.unread, s.unread_len});
  in.skip(2);
  if (in.has(kHeaderBytes) && !must_resync_[index(dir)]) on_message(cx, dir, in.rest());
}

void Parser::on_close(flow::Context& cx) {
  while (Held* h = queries_.oldest()) tell_alone(cx, queries_, h);
  while (Held* h = responses_.oldest()) tell_alone(cx, responses_, h);
}

void Parser::begin(flow::Context& cx, flow::Dir dir, const Header& h) {
  is_begun_ = true;
  if (cx.flow.proto != kUdp) return;
  if (is_expected_at(cx.flow.resp_p, false)) cx.end_when_quiet();
  if (h.is_response() && dir == flow::Dir::kOrig && !is_multicast(cx.flow.resp_h)) cx.flip();
}

flow::Step Parser::on_message(flow::Context& cx, flow::Dir dir, Bytes bytes) {
  Header h;
  if (!read_header(bytes, h)) {
    cx.weird(Weird::dns_header_truncated);
    return flow::Step::kContinue;
  }
  if (!is_begun_) begin(cx, dir, h);
  const Manner manner = manner_of(cx.flow);
  if (!is_confirmed_ && is_well_formed(bytes, manner)) {
    cx.confirm(kProtocol.name);
    is_confirmed_ = true;
  }
  if (opcode_name(h.opcode(), manner.is_netbios).empty()) cx.weird(Weird::dns_opcode_unknown);
  if (!is_told(h.opcode())) return flow::Step::kContinue;
  give_up_old(cx, queries_);
  give_up_old(cx, responses_);
  if (h.is_response())
    on_response(cx, h, bytes);
  else
    on_query(cx, h, bytes);
  const bool is_other_protocol = h.questions > manner.questions_max() && !is_confirmed_;
  return is_other_protocol ? flow::Step::kDetach : flow::Step::kContinue;
}

void Parser::on_query(flow::Context& cx, const Header& h, Bytes bytes) {
  Held* answer = responses_.find(h.id);
  if (!answer) return hold(cx, queries_, h, bytes);
  emit(cx, {bytes, cx.now}, {answer->message(), answer->at}, true);
  responses_.remove(answer, workshop().budget);
}

void Parser::on_response(flow::Context& cx, const Header& h, Bytes bytes) {
  if (Held* query = queries_.find(h.id)) {
    emit(cx, {query->message(), query->at}, {bytes, cx.now}, false);
    queries_.remove(query, workshop().budget);
    return;
  }
  // Answers to what was asked of a group come from somebody else's address, in a flow of their own.
  const Manner manner = manner_of(cx.flow);
  const bool is_usual = manner.is_mdns || manner.is_netbios || cx.flow.resp_p == kLlmnrPort;
  if (!is_usual) cx.weird(Weird::dns_response_without_query);
  hold(cx, responses_, h, bytes);
}

template <class List>
void Parser::give_up_old(flow::Context& cx, List& list) {
  while (Held* h = list.before(cx.now - kPendingAgeMax)) tell_alone(cx, list, h);
}

template <class List>
void Parser::hold(flow::Context& cx, List& list, const Header& h, Bytes bytes) {
  PendingBudget& budget = workshop().budget;
  while (Held* victim = list.victim(bytes, budget)) {
    cx.weird(Weird::dns_pending_evicted);
    tell_alone(cx, list, victim);
  }
  if (list.add(h.id, cx.now, bytes, budget)) return;
  cx.weird(Weird::dns_pending_evicted);
  const Message message{bytes, cx.now};
  h.is_response() ? emit(cx, {}, message, true) : emit(cx, message, {}, false);
}

template <class List>
void Parser::tell_alone(flow::Context& cx, List& list, Held* held) {
  const Message message{held->message(), held->at};
  Header h;
  read_header(message.bytes, h);
  h.is_response() ? emit(cx, {}, message, true) : emit(cx, message, {}, false);
  list.remove(held, workshop().budget);
}

void Parser::emit(flow::Context& cx, const Message& query, const Message& response, bool is_answer_first) {
  Notes notes(cx);
  Composer composer(workshop(), manner_of(cx.flow), notes);
  if (!query.bytes.empty()) composer.add_query(query.bytes);
  const bool has_answer = !response.bytes.empty() && composer.add_response(response.bytes, query.bytes);
  DnsEvent& e = composer.finish();
  e.ts = micros(is_answer_first ? response.at : query.at);
  // As in Zeek: no time of an answer without a record, nor one that took no time.
  if (has_answer && !is_answer_first && response.at != query.at) e.rtt = seconds(response.at - query.at);
  cx.emit(e);
}

}  // namespace catenary::dns
