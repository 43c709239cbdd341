// What an L7 protocol is to the rest: a probe that knows its first bytes, and a parser that turns a
// flow's bytes into events. One folder each under protocols/; the registry is generated.
//
// The framework keeps what a parser leaves unread, so a parser reads whole units and may stop
// anywhere: take a copy of the cursor, read a unit from the copy, assign it back when the unit was
// whole.
//
//   Step on_stream(Context& cx, Dir dir, Cursor& in) override {
//     while (!in.done()) {
//       Cursor unit = in;
//       const std::uint16_t len = unit.be16();
//       Cursor body = unit.sub(len);
//       if (!unit.ok()) return cx.need(dir, 2u + len), Step::kContinue;   // not all here yet
//       ...
//       in = unit;
//     }
//     return Step::kContinue;
//   }
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

#include "base/cursor.h"
#include "base/siphash.h"
#include "flow/context.h"

namespace catenary::flow {

// What a probe says of the first bytes of one direction.
enum class Probe : std::uint8_t { kNo, kMore, kYes };

// Where those bytes were found. `at_start` is false for a probe in mid-stream (see mid_stream).
struct ProbeInput {
  Dir dir;
  Bytes data;
  std::uint16_t orig_port, resp_port;
  bool is_tcp;
  bool at_start;
};

enum class Step : std::uint8_t {
  kContinue,  // go on; unread bytes are kept and come again with what follows them
  kDetach,    // this is not, or no longer, this protocol; no more calls but on_close
};

// What the parsers of one protocol on one worker share when a fact spans flows (a DHCP transaction), or what is too
// large to be held for each flow. Made with the worker, outlives every parser.
class Shared {
 public:
  virtual ~Shared() = default;
  // Packet time has reached `due`; called ahead of the packet of that time. Sets `due` again.
  virtual void on_time(Nanos /*now*/, event::Batcher&, event::WeirdLog&) {}
  // The input is over and every flow is closed: emit what is still held.
  virtual void on_finish(event::Batcher&, event::WeirdLog&) {}

  static constexpr Nanos kNever = INT64_MAX;
  Nanos due = kNever;
  SipKey key;  // of this worker's tables, for tables of its own
};

class Parser {
 public:
  // The protocol's shared state on this worker; null when it has none. Set before the first call.
  Shared* shared = nullptr;

  virtual ~Parser() = default;
  // This flow was announced in another one, with this token; called once, first. Nothing may have been sent on it.
  virtual void on_expected(Context&, std::uint64_t /*token*/) {}
  // Another protocol carries this one (flow/nested.h), in a place that it calls `where`; called once, first.
  virtual void on_nested(Context&, std::string_view /*where*/) {}
  // The protocol that carries this one says whether what was tried has succeeded (a login): by its own status, or in
  // the token itself.
  virtual void on_outcome(Context&, bool /*is_success*/, bool /*in_token*/) {}
  // The flow became this protocol by an agreement in the one before; called once, first.
  virtual void on_upgrade(Context&, const Upgrade&) {}
  // The unread bytes of one direction of a TCP stream, in order.
  virtual Step on_stream(Context&, Dir, Cursor&) { return Step::kDetach; }
  // One UDP datagram.
  virtual Step on_datagram(Context&, Dir, Cursor) { return Step::kDetach; }
  // `bytes` were lost for good; unread bytes before the gap are gone too.
  virtual Step on_gap(Context&, Dir, std::uint64_t /*bytes*/) { return Step::kDetach; }
  // One direction of a TCP stream has ended in order (FIN).
  virtual void on_end(Context&, Dir) {}
  // The flow is over, or the parser detached: emit what is still held. Called once, last.
  virtual void on_close(Context&) {}
};

struct ProtocolInfo {
  const char* name;  // the service name in conn
  bool tcp, udp;
  // Also ask the probe at later segment starts of a stream nobody has claimed: STARTTLS, CONNECT, SOCKS.
  bool mid_stream;
  // Unread bytes kept per direction; a parser that needs more is cut off with a weird.
  std::uint32_t unread_max;
  Probe (*probe)(const ProbeInput&) noexcept;
  std::size_t parser_size;
  Parser* (*construct)(void* at);
  std::unique_ptr<Shared> (*make_shared)();  // null: nothing is shared
};

// P is the parser, S the state its parsers share, if any.
template <class P, class S = void>
constexpr ProtocolInfo make_protocol(const char* name, bool tcp, bool udp, Probe (*probe)(const ProbeInput&) noexcept,
                                     std::uint32_t unread_max = 65536, bool mid_stream = false) {
  static_assert(alignof(P) <= alignof(std::max_align_t));
  ProtocolInfo info{name, tcp, udp, mid_stream, unread_max, probe, sizeof(P), nullptr, nullptr};
  info.construct = [](void* at) -> Parser* { return new (at) P(); };
  if constexpr (!std::is_void_v<S>) {
    info.make_shared = []() -> std::unique_ptr<Shared> { return std::make_unique<S>(); };
  }
  return info;
}

}  // namespace catenary::flow
