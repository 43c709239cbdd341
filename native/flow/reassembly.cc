#include "flow/reassembly.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "flow/tcp_tracker.h"

namespace catenary::flow {

void Reassembler::deliver(Flow& f, Dir dir, Bytes bytes, std::uint32_t len) {
  Stream& s = f.end(dir).stream;
  s.next += len;
  if (len > 0 && bytes.size() == len) listener_.on_bytes(f, dir, bytes);
}

void Reassembler::lose(Flow& f, Dir dir, std::uint64_t bytes) {
  Endpoint& e = f.end(dir);
  e.stream.next += bytes;
  e.gap_bytes += bytes;
  if (is_cleanly_open(f)) {
    e.missed_bytes += bytes;
    scaled_history(f, dir, 'G', e.gaps, e.gap_next);
  }
  listener_.on_lost(f, dir, bytes);
}

void Reassembler::drop_first(Stream& s) {
  Pending* p = s.pending;
  s.pending = p->next;
  s.pending_count--;
  s.pending_bytes -= p->len;
  pool_.put(p, p->cap);
}

void Reassembler::deliver_pending(Flow& f, Dir dir) {
  Stream& s = f.end(dir).stream;
  while (s.pending && s.pending->seq <= s.next) {
    const Pending& p = *s.pending;
    const std::uint64_t skip = s.next - p.seq;
    if (skip < p.len) {
      const auto rest = static_cast<std::uint32_t>(p.len - skip);
      if (p.bytes)
        deliver(f, dir, Bytes{p.bytes + skip, rest}, rest);
      else if (listener_.wants_bytes(f))
        lose(f, dir, rest);  // its bytes were not kept: nobody wanted them when they came
      else
        s.next += rest;
    }
    drop_first(s);
  }
}

bool Reassembler::is_over_limit(const Flow& f, Dir dir) const noexcept {
  const Endpoint& e = f.end(dir);
  const Stream& s = e.stream;
  const bool nothing_acked = e.ack_seq == e.start_seq || e.ack_seq == e.start_seq + 1;
  return s.pending_count > kPendingMax || s.pending_bytes > kPendingBytesMax ||
         (nothing_acked && s.pending_bytes > kUnackedBytesMax);
}

void Reassembler::add(Flow& f, Dir dir, std::uint64_t seq, Bytes data, std::uint32_t len) {
  Stream& s = f.end(dir).stream;
  if (s.gave_up) return;
  if (data.size() < len) {
    listener_.on_stream_weird(f, Weird::tcp_payload_cut_by_snaplen);
    return;
  }
  const std::uint64_t end = seq + len;
  if (end <= s.next) return;
  if (seq <= s.next) {
    const std::uint64_t skip = s.next - seq;
    deliver(f, dir, data.subspan(skip), static_cast<std::uint32_t>(len - skip));
    if (s.pending) deliver_pending(f, dir);
    return;
  }
  keep(f, dir, seq, data, len);
  while (s.pending && is_over_limit(f, dir)) {
    listener_.on_stream_weird(f, Weird::tcp_hole_given_up);
    lose(f, dir, s.pending->seq - s.next);
    deliver_pending(f, dir);
  }
}

// Inserts what no waiting segment holds yet. The list is short (kPendingMax) and segments mostly come
// in rising order, so the walk is short as well.
void Reassembler::keep(Flow& f, Dir dir, std::uint64_t seq, Bytes data, std::uint32_t len) {
  Stream& s = f.end(dir).stream;
  const bool wants = listener_.wants_bytes(f);
  Pending** link = &s.pending;
  std::uint64_t at = seq;
  const std::uint64_t end = seq + len;
  while (at < end) {
    while (*link && (*link)->seq + (*link)->len <= at) link = &(*link)->next;
    Pending* ahead = *link;
    if (ahead && ahead->seq <= at) {
      const std::uint64_t same = std::min(end, ahead->seq + ahead->len) - at;
      if (ahead->bytes && std::memcmp(ahead->bytes + (at - ahead->seq), data.data() + (at - seq), same) != 0) {
        listener_.on_stream_weird(f, Weird::tcp_overlap_differs);
      }
      at += same;
      continue;
    }
    const std::uint64_t stop = ahead ? std::min(end, ahead->seq) : end;
    const auto n = static_cast<std::uint32_t>(stop - at);
    std::uint32_t cap = 0;
    std::uint8_t* memory = pool_.get(sizeof(Pending) + (wants ? n : 0), cap);
    if (!memory) {
      listener_.on_stream_weird(f, Weird::tcp_reassembly_memory_full);
      return;
    }
    Pending* p = new (memory) Pending{};
    p->seq = at;
    p->len = n;
    p->cap = cap;
    if (wants) {
      p->bytes = memory + sizeof(Pending);
      std::memcpy(p->bytes, data.data() + (at - seq), n);
    }
    p->next = ahead;
    *link = p;
    link = &p->next;
    s.pending_count++;
    s.pending_bytes += n;
    at = stop;
  }
}

void Reassembler::acknowledge(Flow& f, Dir dir, std::uint64_t seq) {
  Endpoint& e = f.end(dir);
  Stream& s = e.stream;
  if (e.fin_count > 0 && seq >= e.fin_seq) seq = e.fin_seq - 1;
  if (seq <= s.trimmed || s.gave_up) return;
  s.trimmed = seq;
  // The first byte of a connection seen from its middle is an assumption, not a byte.
  if (seq > s.next && !(seq <= 2 && f.is_partial)) {
    while (s.pending && s.pending->seq < seq) {
      if (s.pending->seq > s.next) lose(f, dir, s.pending->seq - s.next);
      deliver_pending(f, dir);
    }
    if (seq > s.next) lose(f, dir, seq - s.next);
    if (s.pending) deliver_pending(f, dir);
  }
  check_finished(f, dir);
}

bool Reassembler::is_missing(const Flow& f, Dir dir) const noexcept {
  const Endpoint& e = f.end(dir);
  if (e.stream.gave_up) return false;
  const std::uint64_t delivered = e.start_seq + e.stream.next;
  const std::uint64_t last = static_cast<std::uint64_t>(e.seq_wraps) << 32 | e.last_seq;
  return last >= delivered && delivered != last && delivered + 1 != last;
}

bool Reassembler::is_pending(const Flow& f, Dir dir) const noexcept {
  if (is_missing(f, dir)) return true;
  const Stream& peer = f.end(other(dir)).stream;
  return f.end(dir).state != TcpState::kReset && (peer.pending != nullptr || peer.next > peer.trimmed);
}

void Reassembler::check_finished(Flow& f, Dir dir) {
  Endpoint& e = f.end(dir);
  const bool said_so = e.fin_count > 0 || e.state == TcpState::kClosed || e.state == TcpState::kReset;
  if (e.did_eof || !said_so || is_missing(f, dir)) return;
  if (!e.stream.is_finished) {
    listener_.on_finished(f, dir);
    e.stream.is_finished = true;
  }
  if (is_pending(f, dir)) return;
  e.did_eof = true;
  if (f.close_deferred) close_tcp_end(f, dir);
}

void Reassembler::release(Flow& f) {
  for (Endpoint& e : f.ends) {
    while (e.stream.pending) drop_first(e.stream);
    pool_.put(e.stream.unread, e.stream.unread_cap);
    e.stream.unread = nullptr;
    e.stream.unread_len = e.stream.unread_cap = 0;
  }
}

}  // namespace catenary::flow
