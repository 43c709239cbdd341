// SPINE 1: the path of a packet through native/.
//
//   capture -> decode -> flow -> protocols -> event batches
//                         └ packets, beside
//
// One pipeline is one worker: it shares nothing, runs on one thread and takes packets in order.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "capture/source.h"
#include "decode/decoder.h"
#include "decode/icmp/icmp.h"
#include "decode/ipsec/ipsec.h"
#include "event/batch.h"
#include "event/weird_log.h"
#include "files/store.h"
#include "files/tracker.h"
#include "flow/dispatch.h"
#include "flow/reassembly.h"
#include "flow/table.h"
#include "flow/tcp_tracker.h"
#include "packets/writer.h"
#include "sensor/classes.h"
#include "sensor/content.h"
#include "sensor/crumb.h"

namespace catenary::sensor {

struct PipelineOptions {
  std::size_t flows_max = 1 << 20;
  std::size_t stream_bytes_max = std::size_t{512} << 20;  // parsers, unread bytes, segments out of order
  // As Zeek: a flow's time is up by the newest packet seen, so that where the time of a capture goes back each packet
  // is a flow of its own. Otherwise by its own packets.
  bool ends_late_flows = false;
  bool parses = true;                               // false: flows only, no protocol in them; for measuring
  ContentListener* content = nullptr;               // reads what flows carry in the place of protocols
  bool hashes = true;                               // false: files without their digests; for measuring
  SipKey key;                                       // of every hash table; from the system's random source
  std::optional<packets::WriterOptions> packets{};  // where packets are kept; not at all when unset
  std::optional<files::StoreOptions> files{};       // where files are kept; not at all when unset
  Crumb* crumb = nullptr;                           // where the flow being parsed is named; nowhere when null
  std::vector<Crumb> quarantined{};                 // flows whose content is not looked at
};

struct Counters {
  std::uint64_t packets = 0;         // decoded
  std::uint64_t wire_bytes = 0;      // their length on the wire
  std::uint64_t captured_bytes = 0;  // what of it was captured
  std::uint64_t ip_packets = 0;      // reached an IP payload
  std::uint64_t malformed = 0;       // whole, and some header contradicts itself
  std::uint64_t truncated = 0;       // cut by the capture, and a header is not all there
  std::uint64_t gap_bytes = 0;       // of ended flows: acknowledged, and never seen
  Nanos first = 0, last = 0;
};

class Pipeline final : decode::Sink, flow::FlowEnder {
 public:
  Pipeline(const PipelineOptions& options, event::DrainSink& sink);

  void packet(const capture::RawPacket& raw);
  // The clock of packets stepped, or a stamp was not believed: how far it was ahead.
  void clock_jumped(Nanos ahead);
  // Time passes without packets (live): flows time out, what is collected goes out.
  void tick(Nanos now);
  // Ends every flow and hands over what is left.
  void finish();

  event::Batcher& events() noexcept { return events_; }
  const event::Batcher& events() const noexcept { return events_; }
  const Counters& counters() const noexcept { return counters_; }
  std::uint64_t flows() const noexcept { return table_.created(); }
  std::uint64_t flows_evicted() const noexcept { return table_.evicted(); }
  std::size_t flows_active() const noexcept { return table_.active(); }
  std::uint64_t weirds() const noexcept { return weirds_.total(); }
  std::uint64_t weirds_suppressed() const noexcept { return weirds_.suppressed(); }
  std::uint64_t fragments_active() const noexcept { return decoder_.fragments().active(); }
  std::uint64_t fragments_evicted() const noexcept { return decoder_.fragments().evicted(); }
  // Of flows, parsers and bytes out of order.
  std::size_t memory_bytes() const noexcept { return pool_.used(); }
  const Classes& classes() const noexcept { return classes_; }
  // Null when packets are not kept.
  packets::Writer* packets() noexcept { return packets_.get(); }
  // Null when files are not kept.
  const files::Store* file_store() const noexcept { return store_.get(); }

 private:
  void on_ip(const decode::Packet& p) override;
  void on_arp(ArpEvent& arp, const decode::Packet& p) override;
  void on_neighbour(NeighbourEvent& neighbour, const decode::Packet& p) override;
  void on_weird(Weird name, const decode::Packet& p) override;
  void on_flow_end(flow::Flow& flow) override;

  void on_tcp(const decode::Packet& p);
  void acknowledge(flow::Flow& flow, flow::Dir dir, std::uint64_t seq);
  // Whether the peer reads the segment's data, as far as that can be known; what cannot is a weird.
  enum class Reading : std::uint8_t { kNever, kNow, kOnceAcknowledged };
  Reading reading_of(flow::Flow& flow, flow::Dir dir, const tcp::Segment& s, const flow::TcpOutcome& out,
                     const decode::Packet& p);
  // A SYN, FIN or RST with a wrong checksum, which its peer does not see; counted, and told.
  bool is_forged(flow::Flow& flow, flow::Dir dir, const tcp::Segment& s, const decode::Packet& p);
  // A SYN within an open connection waits for what the peer makes of it.
  void hold_syn(flow::Flow& flow, flow::Dir dir, const tcp::Segment& s, const decode::Packet& p);
  // The peer has taken it up: ends the flow, and begins the one of that SYN.
  flow::Flow& begin_held(flow::Flow& flow, const decode::Packet& answer);
  void on_udp(const decode::Packet& p);
  void on_icmp(const decode::Packet& p);
  void on_sctp(const decode::Packet& p);
  void on_udp_lite(const decode::Packet& p);
  void on_igmp(const decode::Packet& p);
  void on_esp(const decode::Packet& p);
  // An index that this end had not sent is an event.
  void on_association(flow::Flow& flow, flow::Dir dir, bool is_ah, const ipsec::Association& a, bool in_udp, Nanos at);
  void on_other(const decode::Packet& p);
  // The flow of a protocol without ports, or a new one.
  flow::Flow& flow_of(const flow::Tuple& t, const decode::Packet& p, flow::Dir& dir);
  flow::Flow* find(const flow::Tuple& t, const decode::Packet& p, flow::Dir& dir);
  flow::Flow& create(const flow::Tuple& t, const decode::Packet& p, bool flip, flow::Dir& dir);
  std::optional<Uid> quoted_uid(const IcmpEvent& e, const decode::Packet& p);
  std::string_view end_reason(const flow::Flow& flow) const noexcept;
  void keep(const capture::RawPacket& raw);
  void count(flow::Flow& flow, flow::Dir dir, const decode::Packet& p, std::uint32_t print = 0);

  const bool ends_late_flows_;
  Nanos newest_ = 0;  // packet that Zeek can read
  Counters counters_;
  Classes classes_;
  event::Batcher events_;
  event::WeirdLog weirds_;
  std::unique_ptr<files::Store> store_;
  files::Tracker files_;
  flow::Pool pool_;
  flow::Dispatcher dispatcher_;
  flow::Reassembler reassembler_;
  flow::Table table_;
  decode::Decoder decoder_;
  ContentListener* content_;
  Crumb unread_crumb_;
  Crumb* crumb_;
  std::vector<Crumb> quarantined_;
  bool is_finishing_ = false;
  bool has_weird_ = false;  // the packet being decoded
  std::unique_ptr<packets::Writer> packets_;
  std::array<packets::FlowShare, packets::kFlowsPerPacketMax> shares_{};  // flows of the packet being decoded
  std::size_t share_count_ = 0;
};

}  // namespace catenary::sensor
