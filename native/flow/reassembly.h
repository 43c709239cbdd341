// Puts the segments of a TCP stream in order. RFC 9293, section 3.4.
//
// In-order bytes are handed on where they lie, without a copy. Bytes ahead of their turn wait in a
// list per direction. Where segments overlap the bytes are read that Linux reads (oracle/overlaps.inc, made by asking
// it), and where they differ, on_conflict has both. A hole is a loss once the receiver has acknowledged past it, or
// when more waits behind it than the limits allow.
#pragma once

#include "flow/flow.h"
#include "flow/pool.h"

namespace catenary::flow {

class StreamListener {
 public:
  virtual ~StreamListener() = default;
  virtual void on_bytes(Flow& flow, Dir dir, Bytes bytes) = 0;
  virtual void on_lost(Flow& flow, Dir dir, std::uint64_t bytes) = 0;
  virtual void on_finished(Flow& flow, Dir dir) = 0;
  // Whether anybody reads the bytes; if not only their ranges are kept.
  virtual bool wants_bytes(const Flow& flow) const = 0;
  virtual void on_stream_weird(Flow& flow, Weird name) = 0;
  // Two segments held different bytes for the same place of the stream: an end reads one of them, a sensor may be meant
  // to read the other. `read`: what is handed on; both of the same length.
  virtual void on_conflict(Flow& flow, std::uint64_t seq, Bytes read, Bytes other) = 0;
};

class Reassembler {
 public:
  static constexpr std::uint32_t kPendingMax = 512;             // segments waiting, per direction
  static constexpr std::uint32_t kPendingBytesMax = 1 << 20;    // bytes waiting, per direction
  static constexpr std::uint32_t kUnackedBytesMax = 64 * 1024;  // waiting, when no ACK ever came back

  Reassembler(Pool& pool, StreamListener& listener) : pool_(pool), listener_(listener) {}

  // A segment's payload. `data` may be shorter than `len` when the capture was cut: then it is a hole.
  void add(Flow& flow, Dir dir, std::uint64_t seq, Bytes data, std::uint32_t len);
  // Data that the peer may not read: it waits until that acknowledges it, or other data comes for its place.
  void hold(Flow& flow, Dir dir, std::uint64_t seq, Bytes data, std::uint32_t len);
  // The peer of `dir` has acknowledged up to `seq`.
  void acknowledge(Flow& flow, Dir dir, std::uint64_t seq);
  // `dir` said FIN or RST: tells the listener once all bytes before it are delivered.
  void check_finished(Flow& flow, Dir dir);
  // The end has said FIN, and is not closed yet: bytes before it are missing, or what the peer sent is not
  // acknowledged.
  bool is_pending(const Flow& flow, Dir dir) const noexcept;
  void release(Flow& flow);

 private:
  void deliver(Flow& flow, Dir dir, Bytes bytes, std::uint32_t len);
  void deliver_pending(Flow& flow, Dir dir);
  void lose(Flow& flow, Dir dir, std::uint64_t bytes);
  void keep(Flow& flow, Dir dir, std::uint64_t seq, Bytes data, std::uint32_t len);
  void settle(Flow& flow, Dir dir, std::uint64_t seq, Bytes data);
  void drop_first(Flow& flow, Dir dir);
  void compare(Flow& flow, const Pending& waiting, std::uint64_t seq, Bytes data, bool waiting_is_read);
  bool is_over_limit(const Flow& flow, Dir dir) const noexcept;
  bool is_missing(const Flow& flow, Dir dir) const noexcept;

  Pool& pool_;
  StreamListener& listener_;
};

}  // namespace catenary::flow
