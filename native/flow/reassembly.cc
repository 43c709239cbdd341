#include "flow/reassembly.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "flow/tcp_tracker.h"

namespace catenary::flow {

void Reassembler::deliver(Flow& f, Dir dir, Bytes bytes, std::uint32_t len) {
  Stream& s = f.end(dir).stream;
  const std::uint64_t at = s.next;
  s.next += len;
  if (len == 0 || bytes.size() != len) return;
  // An urgent byte is not in the stream that a receiver reads, unless it asks for that (RFC 6093, 3.1; SO_OOBINLINE).
  if (s.urgent < at || s.urgent >= s.next) return listener_.on_bytes(f, dir, bytes);
  const std::size_t before = s.urgent - at;
  if (before > 0) listener_.on_bytes(f, dir, bytes.first(before));
  if (before + 1 < len) listener_.on_bytes(f, dir, bytes.subspan(before + 1));
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

void Reassembler::drop_first(Flow& f, Dir dir) {
  Stream& s = f.end(dir).stream;
  Pending* p = s.pending;
  s.pending = p->next;
  if (!s.pending) s.last_pending = nullptr;
  s.pending_count--;
  s.pending_bytes -= p->len;
  pool_.put(p, p->cap, pool_.source_of(f.address(dir)));
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
    drop_first(f, dir);
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
  if (s.has_doubtful) settle(f, dir, seq, data);
  const std::uint64_t end = seq + len;
  if (end <= s.next) return;
  // Behind a FIN that is in order nothing is read (RFC 9293, 3.10.7.4: CLOSE-WAIT and later).
  if (f.end(dir).fin_count > 0 && s.next + 1 == f.end(dir).fin_seq) {
    listener_.on_stream_weird(f, Weird::tcp_data_after_fin);
    return;
  }
  if (seq <= s.next) {
    const std::uint64_t skip = s.next - seq;
    for (const Pending* p = s.pending; p && p->seq < end; p = p->next) compare(f, *p, seq, data, false);
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

// Only what is next in order: behind a hole, what is not kept is a hole as well.
void Reassembler::hold(Flow& f, Dir dir, std::uint64_t seq, Bytes data, std::uint32_t len) {
  Stream& s = f.end(dir).stream;
  if (s.gave_up || data.size() < len || seq != s.next || s.has_doubtful || s.pending) return;
  keep(f, dir, seq, data, len);
  s.has_doubtful = s.pending != nullptr;
}

// A segment meets what is held. Where the peer is not heard, an end that goes on behind it has been told that it
// arrived.
void Reassembler::settle(Flow& f, Dir dir, std::uint64_t seq, Bytes data) {
  Stream& s = f.end(dir).stream;
  const Pending& held = *s.pending;
  const std::uint64_t end = held.seq + held.len;
  const bool is_heard = f.end(other(dir)).packets > 0;
  if (seq >= end && (is_heard || seq > end)) return;
  s.has_doubtful = false;
  if (seq == end) return deliver_pending(f, dir);
  compare(f, held, seq, data, false);
  drop_first(f, dir);
}

void Reassembler::compare(Flow& f, const Pending& waiting, std::uint64_t seq, Bytes data, bool waiting_is_read) {
  const std::uint64_t from = std::max(seq, waiting.seq);
  const std::uint64_t to = std::min(seq + data.size(), waiting.seq + waiting.len);
  if (!waiting.bytes || from >= to) return;
  const Bytes old{waiting.bytes + (from - waiting.seq), to - from};
  const Bytes fresh = data.subspan(from - seq, to - from);
  if (std::memcmp(old.data(), fresh.data(), old.size()) == 0) return;
  listener_.on_conflict(f, from, waiting_is_read ? old : fresh, waiting_is_read ? fresh : old);
}

// As Linux (tcp_data_queue_ofo in net/ipv4/tcp_input.c), whose queue holds no segment within another: of two that
// overlap, the one that begins earlier is read where both are; a new one that is covered is dropped, and one that
// covers others takes their place. A segment that continues the one before it is joined to it, and the two are one in
// all this. Where one begins at the end of a segment that a third overlaps, the shape of Linux's tree decides whether
// they are joined; here they are not, and the conflict is told. The list is short (kPendingMax) and segments mostly
// come in rising order, so the walk is short as well.
void Reassembler::keep(Flow& f, Dir dir, std::uint64_t seq, Bytes data, std::uint32_t len) {
  Stream& s = f.end(dir).stream;
  const std::uint64_t end = seq + len;
  // The run (one segment and those joined to it) that begins last at or before seq, and where it ends.
  Pending* run = nullptr;
  Pending** run_link = nullptr;
  Pending** link = &s.pending;
  std::uint64_t run_end = 0;
  if (s.last_pending && seq >= s.last_pending->seq + s.last_pending->len) {  // behind all others: nothing overlaps
    run_end = s.last_pending->seq + s.last_pending->len;
    link = &s.last_pending->next;
  } else {
    while (*link && ((*link)->seq <= seq || (*link)->is_joined)) {
      if (!(*link)->is_joined) {
        run = *link;
        run_link = link;
      }
      run_end = (*link)->seq + (*link)->len;
      link = &(*link)->next;
    }
  }
  const bool is_covered = run && end <= run_end;
  const bool replaces = run && !is_covered && run->seq == seq;
  if (!replaces) {
    for (const Pending* p = run; p && p != *link; p = p->next) compare(f, *p, seq, data, true);
  }
  if (is_covered) return;
  const bool wants = listener_.wants_bytes(f);
  std::uint32_t cap = 0;
  const Pool::Source source = pool_.source_of(f.address(dir));
  const std::size_t size = sizeof(Pending) + (wants ? len : 0);
  std::uint8_t* memory = pool_.get(size, cap, source);
  if (!memory) {
    listener_.on_stream_weird(
        f, pool_.is_spent(size, source) ? Weird::flow_source_memory_full : Weird::tcp_reassembly_memory_full);
    return;
  }
  Pending* fresh = new (memory) Pending{};
  fresh->seq = seq;
  fresh->len = len;
  fresh->cap = cap;
  fresh->is_joined = run_end == seq;
  if (wants) {
    fresh->bytes = memory + sizeof(Pending);
    std::memcpy(fresh->bytes, data.data(), len);
  }
  if (replaces) link = run_link;
  fresh->next = *link;
  *link = fresh;
  s.pending_count++;
  s.pending_bytes += len;
  // Runs that begin behind it: the covered ones go, of the next one the part that both hold is not read.
  while (Pending* p = fresh->next) {
    if (p->seq >= end) break;
    Pending* last = p;
    while (last->next && last->next->is_joined) last = last->next;
    const bool is_replaced = last->seq + last->len <= end;
    for (Pending* q = p; q != last->next; q = q->next) {
      compare(f, *q, seq, data, false);
    }
    if (!is_replaced) break;
    Pending* const after = last->next;
    while (fresh->next != after) {
      Pending* gone = fresh->next;
      fresh->next = gone->next;
      s.pending_count--;
      s.pending_bytes -= gone->len;
      pool_.put(gone, gone->cap, source);
    }
  }
  if (!fresh->next) s.last_pending = fresh;
}

void Reassembler::acknowledge(Flow& f, Dir dir, std::uint64_t seq) {
  Endpoint& e = f.end(dir);
  Stream& s = e.stream;
  if (e.fin_count > 0 && seq >= e.fin_seq) seq = e.fin_seq - 1;
  if (seq <= s.trimmed || s.gave_up) return;
  s.trimmed = seq;
  // The peer takes what was doubted: its checksums are not what is computed here.
  if (std::exchange(s.has_doubtful, false)) e.is_verified = false;
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
  const bool is_reset = e.state == TcpState::kReset && !e.rst_is_doubtful;
  const bool said_so = e.fin_count > 0 || e.state == TcpState::kClosed || is_reset;
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
  for (const Dir dir : {Dir::kOrig, Dir::kResp}) {
    Endpoint& e = f.end(dir);
    while (e.stream.pending) drop_first(f, dir);
    if (e.stream.unread) pool_.put(e.stream.unread, e.stream.unread_cap, pool_.source_of(f.address(dir)));
    e.stream.unread = nullptr;
    e.stream.unread_len = e.stream.unread_cap = 0;
  }
}

}  // namespace catenary::flow
