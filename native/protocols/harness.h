// For tests and fuzz targets: one flow whose two sides a test plays, byte by byte. A protocol that only others carry is
// carried by the harness: what a side sends is then one whole message.
//
//   Harness h(dns::kProtocol, 17, 40000, 53);
//   h.orig(hex("..."));
//   EXPECT_EQ(h.close(), R"({"kind":"dns",...})");
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "event/batch.h"
#include "event/weird_log.h"
#include "files/tracker.h"
#include "flow/dispatch.h"

namespace catenary::flow {

class Nested;

class Harness : event::DrainSink {
 public:
  Harness(const ProtocolInfo& protocol, std::uint8_t proto, std::uint16_t orig_port, std::uint16_t resp_port);
  ~Harness() override;

  // The next bytes of a side, in order; a datagram when the flow is UDP.
  void orig(Bytes bytes) { send(Dir::kOrig, bytes); }
  void resp(Bytes bytes) { send(Dir::kResp, bytes); }
  void orig(std::string_view text) { send(Dir::kOrig, as_bytes(text)); }
  void resp(std::string_view text) { send(Dir::kResp, as_bytes(text)); }
  void send(Dir dir, Bytes bytes);
  void gap(Dir dir, std::uint64_t bytes) { dispatcher_.on_lost(flow_, dir, bytes); }
  void finish(Dir dir) { dispatcher_.on_finished(flow_, dir); }
  // Of a carried protocol: how it ended, as the protocol around it says.
  void outcome(bool is_success, bool in_token);
  // The flow becomes the protocol as if another parser had handed it over.
  void upgrade(std::string_view protocol, const Upgrade& upgrade);
  // A second flow of the same transport beside it, as one that it announced; false when nobody reads it. Both addresses
  // are of the flow: `dir` says which of them opens it.
  bool open_beside(Dir dir, std::uint16_t resp_port);
  void send_beside(Dir dir, Bytes bytes);
  void gap_beside(Dir dir, std::uint64_t bytes) { dispatcher_.on_lost(beside_, dir, bytes); }
  void finish_beside(Dir dir) { dispatcher_.on_finished(beside_, dir); }
  // Ends it; the next one may be opened.
  void close_beside() { dispatcher_.close(beside_); }
  void wait(Nanos time) {
    events_.advance(events_.now() + time);
    dispatcher_.advance(events_.now());
  }

  // Ends the flow. Returns every event so far as JSON, one a line, in the order of kinds and time.
  std::string close();
  // The records of one kind, after close().
  std::vector<std::string> lines(Kind kind) const;
  std::uint64_t count(Kind kind) const { return events_.total(kind); }
  Flow& flow() { return flow_; }
  bool is_attached() const;

 private:
  void on_drain(std::span<const event::Batch> batches) override;
  Context context() { return {flow_, events_.now(), events_, files_, weirds_, nullptr, &dispatcher_}; }
  bool is_carried() const { return !protocol_->tcp && !protocol_->udp; }

  event::Batcher events_;
  event::WeirdLog weirds_;
  files::Tracker files_;
  Pool pool_;
  const ProtocolInfo* protocol_;
  std::vector<const ProtocolInfo*> nestable_;  // it, and all others, which it may carry
  Dispatcher dispatcher_;
  Flow flow_, beside_;
  std::unique_ptr<Nested> carried_;  // made with the first message
  std::vector<std::pair<Kind, std::string>> lines_;
  bool is_closed_ = false;
};

// The body of a protocol's fuzz target. The input is a run of chunks: one byte of control (bit 0: the
// side, bits 1-2: 0 bytes, 1 gap, 2 end, 3 bytes), two bytes of length, the bytes.
// `resp_port` 0: the usual one.
int fuzz_protocol(const ProtocolInfo& protocol, std::uint8_t proto, const std::uint8_t* data, std::size_t size,
                  std::uint16_t resp_port = 0);

}  // namespace catenary::flow
