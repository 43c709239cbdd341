// A protocol inside another one's messages: RPC in a named pipe of SMB, NTLM in a security token. The outer parser
// holds a Nested and feeds it what it unpacked; the inner parser is one like any other, and its events belong to the
// same flow. So protocols carry each other without knowing each other.
//
//   if (pipe.open(cx, "dce_rpc", name)) pipe.bytes(cx, dir, data);
//   ...
//   pipe.close(cx);
//
// What a parser leaves unread is kept here, up to its protocol's unread_max, in the dispatcher's pool.
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "flow/nesting.h"
#include "flow/protocol.h"

namespace catenary::flow {

class Nested {
 public:
  Nested() = default;
  Nested(Nested&& o) noexcept { swap(o); }
  Nested& operator=(Nested&& o) noexcept {
    swap(o);
    return *this;
  }
  // What was not closed has no context to end in: its memory goes back, its last events do not come.
  ~Nested() { release(); }

  // Makes the parser. `where` is what the outer protocol calls the place (a pipe's name); the parser may read it during
  // the call. Open already: nothing happens. False: no such protocol, or no memory; bytes are then ignored.
  bool open(Context& cx, std::string_view protocol, std::string_view where = {});
  bool is_open() const noexcept { return parser_ != nullptr; }
  // The next bytes of a stream; units may end anywhere.
  void bytes(Context& cx, Dir dir, Bytes bytes);
  // One whole message.
  void message(Context& cx, Dir dir, Bytes message);
  // Bytes of the stream that never came.
  void gap(Context& cx, Dir dir, std::uint64_t bytes);
  void outcome(Context& cx, bool is_success, bool in_token) {
    if (parser_) parser_->on_outcome(cx, is_success, in_token);
  }
  void close(Context& cx);

 private:
  struct Unread {
    std::uint8_t* bytes = nullptr;
    std::uint32_t size = 0, cap = 0;
    std::size_t need = 0;
  };

  void swap(Nested& o) noexcept {
    std::swap(nesting_, o.nesting_);
    std::swap(protocol_, o.protocol_);
    std::swap(parser_, o.parser_);
    std::swap(cap_, o.cap_);
    std::swap(unread_, o.unread_);
  }
  bool keep(Unread& u, Bytes more);
  void forget(Unread& u) noexcept;
  void release() noexcept;

  Nesting* nesting_ = nullptr;
  const ProtocolInfo* protocol_ = nullptr;
  Parser* parser_ = nullptr;
  std::uint32_t cap_ = 0;
  std::array<Unread, 2> unread_;
};

}  // namespace catenary::flow
