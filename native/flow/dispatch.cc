#include "flow/dispatch.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <utility>

#include "decode/packet.h"

namespace catenary::flow {

event::WeirdSubject subject_of(const Flow& f) {
  event::WeirdSubject s;
  s.uid = f.uid;
  s.orig_h = f.orig_h;
  s.orig_p = f.orig_p;
  s.resp_h = f.resp_h;
  s.resp_p = f.resp_p;
  s.proto = f.proto;
  if (f.vlan_tags > 0) s.vlan = f.vlan;
  return s;
}

void Context::weird(Weird name, std::string_view addl) {
  if (weirds.counts(name)) weirds.write(name, subject_of(flow), addl);
}

void Context::need(Dir dir, std::size_t n) {
  flow.end(dir).stream.need = static_cast<std::uint32_t>(std::min<std::size_t>(n, 0xffffffff));
}

void Context::confirm(const char* service) {
  for (unsigned i = 0; i < flow.service_count; i++) {
    if (std::string_view(flow.services[i]) == service) return;
  }
  if (flow.service_count < kServicesMax) flow.services[flow.service_count++] = service;
}

void Context::hand_over() { flow.wants_hand_over = true; }

bool Context::hand_over_to(std::string_view protocol, const Upgrade& upgrade) {
  const ProtocolInfo* const p = nesting && !flow.next_parser ? nesting->find(protocol) : nullptr;
  Parser* const next = p ? nesting->construct(*p, flow.next_parser_cap) : nullptr;
  if (!next) return false;
  next->on_upgrade(*this, upgrade);
  flow.next_parser = next;
  flow.next_protocol = p;
  flow.wants_hand_over = true;
  return true;
}

void Context::expect(const Expectation& e) {
  if (expected && !expected->add(e, now)) weird(Weird::flow_expected_limit);
}

void Context::end_when_quiet() {
  if (flow.session_from == 0) flow.session_from = flow.first;
}

void Context::flip() {
  flow.swap_ends();
  flow.add_history('^');
}

void Dispatcher::on_stream_weird(Flow& f, Weird name) { context(f).weird(name); }

void Dispatcher::on_conflict(Flow& f, std::uint64_t seq, Bytes read, Bytes other) {
  constexpr std::size_t kShownMax = 32;
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<char, 48 + kShownMax * 4> text;
  std::size_t n = 0;
  const auto say = [&](std::string_view s) { n += s.copy(text.data() + n, s.size()); };
  const auto number = [&](std::uint64_t v) {
    n = static_cast<std::size_t>(std::to_chars(text.data() + n, text.data() + n + 20, v).ptr - text.data());
  };
  const auto hex = [&](Bytes b) {
    for (const std::uint8_t x : b.first(std::min(b.size(), kShownMax))) {
      text[n++] = kDigits[x >> 4];
      text[n++] = kDigits[x & 15];
    }
  };
  number(seq);
  say("+");
  number(read.size());
  say(" ");
  hex(read);
  say("|");
  hex(other);
  weirds_.add(Weird::tcp_overlap_conflict, subject_of(f), {text.data(), n});
}

void Dispatcher::forget(Flow& f, Dir dir) {
  Stream& s = f.end(dir).stream;
  if (s.unread) pool_.put(s.unread, s.unread_cap, pool_.source_of(f.address(dir)));
  s.unread = nullptr;
  s.unread_len = s.unread_cap = s.need = 0;
}

bool Dispatcher::keep(Flow& f, Dir dir, Bytes bytes, std::uint32_t max) {
  Stream& s = f.end(dir).stream;
  const std::size_t size = s.unread_len + bytes.size();
  if (bytes.empty()) return true;
  if (size > max || size > Pool::kLargest) return false;
  if (size > s.unread_cap) {
    std::uint32_t cap = 0;
    const Pool::Source source = pool_.source_of(f.address(dir));
    std::uint8_t* bigger = pool_.get(size, cap, source);
    if (!bigger) {
      if (pool_.is_spent(size, source)) weirds_.add(Weird::flow_source_memory_full, subject_of(f));
      return false;
    }
    if (s.unread_len > 0) std::memcpy(bigger, s.unread, s.unread_len);
    pool_.put(s.unread, s.unread_cap, source);
    s.unread = bigger;
    s.unread_cap = cap;
  }
  std::memcpy(s.unread + s.unread_len, bytes.data(), bytes.size());
  s.unread_len += static_cast<std::uint32_t>(bytes.size());
  return true;
}

const ProtocolInfo* Dispatcher::find(std::string_view name) const noexcept {
  const auto found =
      std::find_if(nestable_.begin(), nestable_.end(), [&](const ProtocolInfo* p) { return p->name == name; });
  return found == nestable_.end() ? nullptr : *found;
}

Parser* Dispatcher::construct(const ProtocolInfo& p, std::uint32_t& cap) {
  std::uint8_t* memory = pool_.get(p.parser_size, cap);
  if (!memory) return nullptr;
  Parser* const parser = p.construct(memory);
  if (p.make_shared) {
    const auto of_p = [&](const SharedState& s) { return s.protocol == &p; };
    parser->shared = std::find_if(shared_.begin(), shared_.end(), of_p)->state.get();
  }
  return parser;
}

void Dispatcher::destroy(Parser* parser, std::uint32_t cap) noexcept {
  parser->~Parser();
  pool_.put(parser, cap);
}

bool Dispatcher::attach(Flow& f, const ProtocolInfo& p) {
  std::uint32_t cap = 0;
  f.parser = construct(p, cap);
  if (!f.parser) {
    weirds_.add(Weird::flow_parser_memory_full, subject_of(f));
    f.detection = Detection::kClosed;
    return false;
  }
  f.protocol = &p;
  f.parser_cap = cap;
  f.detection = Detection::kAttached;
  return true;
}

void Dispatcher::detach(Flow& f) {
  if (!f.parser) return;
  Context cx = context(f);
  f.parser->on_close(cx);
  destroy(f.parser, f.parser_cap);
  f.parser = nullptr;
  f.protocol = nullptr;
  f.detection = Detection::kClosed;
}

void Dispatcher::take_next(Flow& f) {
  if (!f.next_parser) return;
  f.parser = std::exchange(f.next_parser, nullptr);
  f.protocol = f.next_protocol;
  f.parser_cap = f.next_parser_cap;
  f.detection = Detection::kAttached;
}

void Dispatcher::upgrade(Flow& f, std::string_view protocol, const Upgrade& upgrade) {
  Context cx = context(f);
  if (cx.hand_over_to(protocol, upgrade)) take_next(f);
  f.wants_hand_over = false;
}

void Dispatcher::begin(Flow& f) {
  const Expectation* found = expected_.find(f.orig_h, f.resp_h, f.resp_p, packet_time_);
  if (!found || !(f.proto == decode::ip_proto::kTcp ? found->protocol->tcp : found->protocol->udp)) return;
  const Expectation e = *found;
  if (!attach(f, *e.protocol)) return;
  f.parser->shared = e.shared;
  Context cx = context(f);
  f.parser->on_expected(cx, e.token);
}

void Dispatcher::close(Flow& f) {
  detach(f);
  for (const Dir each : {Dir::kOrig, Dir::kResp}) forget(f, each);
}

void Dispatcher::on_bytes(Flow& f, Dir dir, Bytes bytes) {
  if (f.parser) return feed(f, dir, bytes);
  if (f.detection == Detection::kOpen) detect(f, dir, bytes);
}

void Dispatcher::feed(Flow& f, Dir dir, Bytes fresh) {
  Stream& s = f.end(dir).stream;
  const bool is_joined = s.unread_len > 0;
  const bool must_wait = s.unread_len + fresh.size() < s.need;
  if (is_joined || must_wait) {
    if (!keep(f, dir, fresh, f.protocol->unread_max)) {
      weirds_.add(Weird::flow_unread_limit, subject_of(f));
      detach(f);
      return forget(f, dir);
    }
    if (must_wait) return;
  }
  s.need = 0;
  Cursor in(is_joined ? Bytes{s.unread, s.unread_len} : fresh);
  Context cx = context(f);
  const Step step = f.parser->on_stream(cx, dir, in);
  const std::size_t left = in.left();
  const bool was_handed_over = std::exchange(f.wants_hand_over, false);
  if (was_handed_over) {
    detach(f);
    f.detection = Detection::kOpen;
    f.probes_failed = 0;
    for (Endpoint& e : f.ends) e.stream.delivered_early = 0;
    take_next(f);
  } else if (step == Step::kDetach || !in.ok()) {
    detach(f);
    for (const Dir each : {Dir::kOrig, Dir::kResp}) forget(f, each);
    return;
  }
  if (is_joined) {
    const std::uint32_t used = s.unread_len - static_cast<std::uint32_t>(left);
    if (left > 0 && used > 0) std::memmove(s.unread, s.unread + used, left);
    s.unread_len = static_cast<std::uint32_t>(left);
    if (left == 0) {
      const std::uint32_t need = s.need;
      forget(f, dir);
      s.need = need;
    }
  } else if (left > 0) {
    const std::uint32_t max = f.protocol ? f.protocol->unread_max : kProbeBytesMax;
    if (!keep(f, dir, in.peek_rest(), max)) {
      weirds_.add(Weird::flow_unread_limit, subject_of(f));
      detach(f);
      return forget(f, dir);
    }
  }
  // Handed over: what is unread is the beginning of something else.
  if (s.unread_len == 0 || !was_handed_over) return;
  if (f.parser) return feed(f, dir, {});
  if (f.detection == Detection::kOpen) detect(f, dir, {});
}

void Dispatcher::detect(Flow& f, Dir dir, Bytes fresh) {
  Stream& s = f.end(dir).stream;
  const std::uint8_t bit = static_cast<std::uint8_t>(1 << index(dir));
  const bool at_start = !(f.probes_failed & bit);
  if (s.unread_len > 0 && !keep(f, dir, fresh, kProbeBytesMax + static_cast<std::uint32_t>(fresh.size()))) {
    f.detection = Detection::kClosed;
    return forget(f, dir);
  }
  const bool is_joined = s.unread_len > 0;
  const Bytes seen = is_joined ? Bytes{s.unread, s.unread_len} : fresh;
  const ProbeInput input{dir, seen, f.orig_p, f.resp_p, true, at_start};
  bool wants_more = false;
  for (const ProtocolInfo* p : protocols_) {
    if (!p->tcp || (!at_start && !p->mid_stream)) continue;
    const Probe r = p->probe(input);
    if (r == Probe::kMore) wants_more = true;
    if (r != Probe::kYes) continue;
    if (!attach(f, *p)) return;
    // What the other side said before comes first; in the middle of a stream it was said in another protocol.
    const Dir peer = other(dir);
    Stream& early = f.end(peer).stream;
    if (!at_start) forget(f, peer);
    if (early.unread_len > 0) feed(f, peer, {});
    return on_bytes(f, dir, is_joined ? Bytes{} : fresh);
  }
  // What is kept may be the end of a protocol nobody here knows, while this segment begins another (SOCKS, then TLS).
  const ProbeInput segment{dir, fresh, f.orig_p, f.resp_p, true, false};
  for (const ProtocolInfo* p : protocols_) {
    if (!is_joined || fresh.empty() || !p->tcp || !p->mid_stream || p->probe(segment) != Probe::kYes) continue;
    for (const Dir each : {Dir::kOrig, Dir::kResp}) forget(f, each);
    if (attach(f, *p)) on_bytes(f, dir, fresh);
    return;
  }
  if (wants_more && seen.size() < kProbeBytesMax) {
    if (!is_joined) keep(f, dir, fresh, kProbeBytesMax);
    return;
  }
  f.probes_failed |= bit;
  s.delivered_early += static_cast<std::uint32_t>(std::min<std::size_t>(seen.size(), kMidStreamBytesMax));
  forget(f, dir);
  if (s.delivered_early >= kMidStreamBytesMax) f.detection = Detection::kClosed;
}

void Dispatcher::on_lost(Flow& f, Dir dir, std::uint64_t bytes) {
  forget(f, dir);
  if (f.detection == Detection::kOpen) f.probes_failed |= static_cast<std::uint8_t>(1 << index(dir));
  if (!f.parser) return;
  Context cx = context(f);
  if (f.parser->on_gap(cx, dir, bytes) == Step::kDetach) detach(f);
}

void Dispatcher::on_finished(Flow& f, Dir dir) {
  Stream& s = f.end(dir).stream;
  if (s.is_finished) return;
  s.is_finished = true;
  if (!f.parser) return;
  Context cx = context(f);
  f.parser->on_end(cx, dir);
}

void Dispatcher::on_datagram(Flow& f, Dir dir, Bytes data) {
  if (f.detection == Detection::kOpen && !data.empty()) {
    const ProbeInput input{dir, data, f.orig_p, f.resp_p, false, f.probes_failed == 0};
    for (const ProtocolInfo* p : protocols_) {
      if (p->udp && p->probe(input) == Probe::kYes) {
        attach(f, *p);
        break;
      }
    }
    if (f.detection == Detection::kOpen && ++f.probes_failed == kProbeDatagramsMax) f.detection = Detection::kClosed;
  }
  if (!f.parser) return;
  Context cx = context(f);
  if (f.parser->on_datagram(cx, dir, Cursor(data)) == Step::kDetach) detach(f);
}

}  // namespace catenary::flow
