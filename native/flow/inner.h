// A parser within a parser: what one protocol uncovers of another in its own framing (the TLS handshake in QUIC's
// packets). Where the rest of a flow is another protocol, Context::hand_over() is the way.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "flow/context.h"

namespace catenary::flow {

class Parser;
struct ProtocolInfo;

// Who has memory and protocols.
class InnerHost {
 public:
  virtual ~InnerHost() = default;
  // Null: no such protocol.
  virtual const ProtocolInfo* find_inner(std::string_view protocol) const = 0;
  // Null: no memory. `cap` is for the release.
  virtual Parser* open_inner(const ProtocolInfo& protocol, std::uint32_t& cap) = 0;
  virtual void release_inner(Parser* parser, std::uint32_t cap) = 0;
};

// Held by the outer parser, which closes it in its own on_close at the latest.
class Inner {
 public:
  // False when it cannot be had; nothing is read then.
  bool open(Context& cx, std::string_view protocol);
  bool is_open() const noexcept { return parser_ != nullptr; }
  // Whole units, in order, of one direction: what the inner parser leaves unread is gone. False: it has left.
  bool feed(Context& cx, Dir dir, Bytes bytes);
  void close(Context& cx);

 private:
  Parser* parser_ = nullptr;
  std::uint32_t cap_ = 0;
};

}  // namespace catenary::flow
