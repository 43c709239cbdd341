// TLS 1.0 to 1.3 (RFC 8446, RFC 5246), SSL 3.0 (RFC 6101), SSL 2.0 hellos, and DTLS 1.0 to 1.2 (RFC 6347): the records.
//
//   TLS   type (1) | version (2) | length (2) | body        content types: 20 change cipher spec, 21 alert,
//   DTLS  type (1) | version (2) | epoch (2) | sequence     22 handshake, 23 application data, 24 heartbeat
//         number (6) | length (2) | body
//   SSL2  80 + length (2) | type (1) | body                 of a first record only
//
// Records of the handshake in the clear are read whole; what is encrypted is stepped over, however long, and never
// copied. When the handshake is over the parser leaves the flow: application data costs nothing at all from then on.
#pragma once

#include "base/ranges.h"
#include "protocols/tls/handshake.h"

namespace catenary::tls {

// RFC 5246 6.2.3: 2^14 bytes, compressed and encrypted; RFC 8446 5.2 allows less.
inline constexpr std::size_t kRecordBytesMax = (1 << 14) + 2048;
inline constexpr std::size_t kRecordHeaderBytes = 5;
// A record that is not all there, and the largest segment that can come behind it.
inline constexpr std::uint32_t kUnreadMax = 96 * 1024;
// Alerts of one record that are looked at.
inline constexpr std::size_t kAlertsMax = 10;
// A DTLS message in fragments is put together up to this length, of this many pieces.
inline constexpr std::size_t kFragmentedBytesMax = 32 * 1024;
inline constexpr std::size_t kFragmentsMax = 32;

// Records that are looked at after the handshake where heartbeats were agreed on: whoever abuses them does so at once.
inline constexpr std::size_t kWatchedRecordsMax = 64;
// A heartbeat comes back with padding of its sender's choice, RFC 6520 4: at least 16 bytes, and nobody sends much
// more.
inline constexpr std::size_t kHeartbeatSlack = 256;
// Type, length and padding of a heartbeat without payload; and the least that any cipher suite adds, a tag of 16 bytes.
inline constexpr std::size_t kHeartbeatPlainMin = 1 + 2 + 16;
inline constexpr std::size_t kSealedHeartbeatMin = kHeartbeatPlainMin + 16;

flow::Probe probe(const flow::ProbeInput& in) noexcept;

// One side's DTLS message whose fragments are still coming, RFC 6347 4.2.3.
class Fragments {
 public:
  // Whether this fragment makes the message whole, which happens once for each. False also for what cannot be taken.
  bool add(std::uint16_t sequence, std::uint32_t length, std::uint32_t offset, Bytes piece);
  Bytes message() const noexcept { return {message_.data(), message_.size()}; }

 private:
  std::vector<std::uint8_t> message_;
  RangeSet<kFragmentsMax> ranges_;
  std::uint16_t sequence_ = 0;
  bool is_open_ = false, is_whole_ = false;
};

class Parser final : public flow::Parser {
 public:
  flow::Step on_stream(flow::Context& cx, flow::Dir dir, Cursor& in) override;
  flow::Step on_datagram(flow::Context& cx, flow::Dir dir, Cursor in) override;
  // Inside an encrypted record nothing was to be read. Elsewhere what is missing may be a hello, or the next record's
  // header: what came before is told.
  flow::Step on_gap(flow::Context& cx, flow::Dir dir, std::uint64_t bytes) override;
  void on_close(flow::Context& cx) override { handshake_.finish(cx); }

 private:
  struct Side {
    std::uint32_t skip = 0;  // of an encrypted record, still to come
    bool skips_encrypted = false;
    std::vector<std::uint8_t> partial;  // a handshake message that is not whole yet, with its header
    std::uint32_t too_long = 0;         // of a message that is not kept, still to come
    Fragments fragments;
  };
  struct Record {
    std::uint16_t type = 0;
    std::uint16_t detail = 0;  // SSL 2.0: the two bytes behind the type
    std::size_t length = 0;
    bool is_ssl2 = false;
  };
  enum class Header : std::uint8_t { kGood, kWait, kBad };

  Header read_header(flow::Context& cx, flow::Dir dir, Cursor& in, Record& out);
  Header read_ssl2_header(flow::Context& cx, flow::Dir dir, Bytes head, Record& out);
  // False: the handshake is over, or this is no TLS.
  bool on_record(flow::Context& cx, flow::Dir dir, std::uint16_t type, Bytes body);
  bool on_ssl2_record(flow::Context& cx, const Record& r, Bytes body);
  bool on_alerts(flow::Context& cx, flow::Dir dir, Bytes body);
  bool on_handshake(flow::Context& cx, flow::Dir dir, Bytes body);
  bool continue_message(flow::Context& cx, flow::Dir dir, Cursor& in);
  // Whether nothing more is to be read: the handshake is over, and heartbeats need not be watched.
  bool is_done(flow::Context& cx);
  // The length of a heartbeat's record, encrypted or not.
  void on_heartbeat_record(flow::Context& cx, flow::Dir dir, std::size_t length);
  void tell_overread(flow::Context& cx);
  bool on_datagram_record(flow::Context& cx, flow::Dir dir, std::uint8_t type, Cursor body);
  bool on_fragment(flow::Context& cx, flow::Dir dir, Cursor& in);
  Worker& worker() noexcept { return *static_cast<Worker*>(shared); }

  Handshake handshake_;
  std::array<Side, 2> sides_;
  std::array<std::size_t, 2> heartbeats_{};  // bytes of each side's last one; 0: none
  std::size_t watched_ = 0;                  // records since the handshake was over
  bool is_overread_told_ = false;
  std::uint16_t record_version_ = 0;  // of the first record; 0: none yet
};

inline constexpr flow::ProtocolInfo kProtocol =
    flow::make_protocol<Parser, Worker>("tls", true, true, probe, kUnreadMax, true);

}  // namespace catenary::tls
