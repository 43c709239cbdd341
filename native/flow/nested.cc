#include "flow/nested.h"

#include <algorithm>
#include <cstring>

#include "flow/flow.h"
#include "flow/pool.h"

namespace catenary::flow {

bool Nested::open(Context& cx, std::string_view protocol, std::string_view where) {
  if (parser_) return true;
  if (!cx.nesting) return false;
  protocol_ = cx.nesting->find(protocol);
  if (!protocol_) return false;
  nesting_ = cx.nesting;
  parser_ = nesting_->construct(*protocol_, cap_);
  if (!parser_) {
    cx.weird(Weird::flow_parser_memory_full);
    return false;
  }
  parser_->on_nested(cx, where);
  return true;
}

bool Nested::keep(Unread& u, Bytes more) {
  const std::size_t size = u.size + more.size();
  if (size > protocol_->unread_max || size > Pool::kLargest) return false;
  if (size > u.cap) {
    std::uint32_t cap = 0;
    std::uint8_t* const bigger = nesting_->pool().get(size, cap);
    if (!bigger) return false;
    if (u.size > 0) std::memcpy(bigger, u.bytes, u.size);
    nesting_->pool().put(u.bytes, u.cap);
    u.bytes = bigger;
    u.cap = cap;
  }
  if (!more.empty()) std::memcpy(u.bytes + u.size, more.data(), more.size());
  u.size = static_cast<std::uint32_t>(size);
  return true;
}

void Nested::forget(Unread& u) noexcept {
  if (u.bytes) nesting_->pool().put(u.bytes, u.cap);
  u = {};
}

void Nested::release() noexcept {
  if (!parser_) return;
  nesting_->destroy(parser_, cap_);
  parser_ = nullptr;
  for (Unread& u : unread_) forget(u);
}

void Nested::close(Context& cx) {
  if (parser_) parser_->on_close(cx);
  release();
}

void Nested::bytes(Context& cx, Dir dir, Bytes fresh) {
  if (!parser_ || fresh.empty()) return;
  Unread& u = unread_[index(dir)];
  // The needs of the outer stream are its own: an inner parser states its needs through the same context.
  Stream& outer = cx.flow.end(dir).stream;
  const std::uint32_t outer_need = outer.need;
  const bool is_joined = u.size > 0;
  const bool must_wait = u.size + fresh.size() < u.need;
  if ((is_joined || must_wait) && !keep(u, fresh)) {
    cx.weird(Weird::flow_unread_limit);
    return close(cx);
  }
  if (must_wait) return;
  Cursor in(is_joined ? Bytes{u.bytes, u.size} : fresh);
  outer.need = 0;
  const Step step = parser_->on_stream(cx, dir, in);
  const std::size_t need = std::exchange(outer.need, outer_need);
  const Bytes left = in.peek_rest();
  if (step == Step::kDetach || !in.ok()) return close(cx);
  if (left.empty()) {
    forget(u);
  } else if (is_joined) {
    std::memmove(u.bytes, left.data(), left.size());
    u.size = static_cast<std::uint32_t>(left.size());
  } else if (!keep(u, left)) {
    cx.weird(Weird::flow_unread_limit);
    return close(cx);
  }
  u.need = need;
}

void Nested::message(Context& cx, Dir dir, Bytes message) {
  if (parser_ && parser_->on_datagram(cx, dir, Cursor(message)) == Step::kDetach) close(cx);
}

void Nested::gap(Context& cx, Dir dir, std::uint64_t bytes) {
  if (!parser_) return;
  forget(unread_[index(dir)]);
  if (parser_->on_gap(cx, dir, bytes) == Step::kDetach) close(cx);
}

}  // namespace catenary::flow
