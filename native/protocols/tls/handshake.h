// What the handshake of one connection shows, TLS and DTLS alike: it takes whole handshake messages and the signs of
// other records, and becomes one `tls` event, with Zeek's meaning of every field (scripts/base/protocols/ssl).
//
// The event is written once: when both sides have switched to encryption and one more record came (`established`), when
// something contradicts the protocol, or when the flow ends.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "files/x509/x509.h"
#include "flow/protocol.h"
#include "protocols/tls/fingerprint.h"

namespace catenary::tls {

// A message longer than this is skipped. The longest in the field are chains of a dozen certificates, under 30 kB.
inline constexpr std::size_t kHandshakeBytesMax = 128 * 1024;
// A ClientHello is kept until the event is written, to list what it offers; a longer one gives its fingerprints only.
inline constexpr std::size_t kHelloKeptMax = 16 * 1024;
// Certificates of one message that are looked at, and as many fingerprints in the event.
inline constexpr std::size_t kChainMax = 16;
inline constexpr std::size_t kHistoryMax = 100;
inline constexpr std::size_t kServerExtensionsMax = 64;

enum MessageType : std::uint8_t {
  kHelloRequest = 0,
  kClientHello = 1,
  kServerHello = 2,
  kHelloVerifyRequest = 3,
  kNewSessionTicket = 4,
  kCertificate = 11,
  kServerKeyExchange = 12,
  kCertificateRequest = 13,
  kServerHelloDone = 14,
  kCertificateVerify = 15,
  kClientKeyExchange = 16,
  kFinished = 20,
  kCertificateUrl = 21,
  kCertificateStatus = 22,
};

// One a worker.
struct Worker final : flow::Shared {
  x509::Register certificates;
};

class Handshake {
 public:
  void set_dtls() noexcept { is_dtls_ = true; }
  // Within QUIC, which has its own packets in place of records.
  void set_quic() noexcept { is_quic_ = true; }

  // One whole handshake message. False: it cannot be what it says; nothing more is to be read of this flow.
  bool on_message(flow::Context& cx, flow::Dir dir, std::uint8_t type, Bytes body, Worker& worker);
  // A message too long to be read: it leaves its letter.
  void on_skipped_message(flow::Context& cx, flow::Dir dir, std::uint8_t type);
  void on_change_cipher_spec(flow::Context& cx, flow::Dir dir);
  void on_alert(flow::Context& cx, flow::Dir dir, std::uint16_t description);
  void on_heartbeat(flow::Context& cx, flow::Dir dir);
  // Application data where nothing is encrypted yet.
  void on_early_data(flow::Context& cx);
  // A whole encrypted record. True: the handshake is over, and this shows that it went well.
  bool on_encrypted() noexcept;

  // SSL 2.0 has no handshake messages; its records come here.
  bool on_ssl2_client_hello(flow::Context& cx, std::uint16_t version, Cursor in);
  bool on_ssl2_server_hello(flow::Context& cx, Cursor in, Worker& worker);
  void on_ssl2_master_key(flow::Context& cx);

  // Any record in the clear: the flow is worth a row.
  void begin(flow::Context& cx) noexcept {
    if (first_ == 0) first_ = std::max<Nanos>(cx.now, 1);
  }
  // Whether both sides have said hello.
  bool has_both_hellos() const noexcept { return has_client_version_ && has_server_version_; }
  // Whether the server agreed to heartbeats, RFC 6520 2.
  bool has_heartbeats() const noexcept { return has_heartbeats_; }
  bool is_13() const noexcept;
  bool is_dtls13() const noexcept;
  void set_encrypted(flow::Dir dir) noexcept { encrypted_[flow::index(dir)] = true; }
  // Whether a record of this side is encrypted. TLS 1.3 has no sign in the clear for the switch: the first application
  // data is it.
  bool is_encrypted(flow::Dir dir, bool is_application_data) noexcept;
  // Writes the event unless nothing was seen or it is written.
  void finish(flow::Context& cx);

 private:
  using Fingerprints = std::vector<files::Sha256>;
  // The first certificate a side showed.
  struct Leaf {
    std::string subject, issuer;
    bool was_shown = false, is_read = false;
  };

  void add_history(flow::Context& cx, bool is_client, char letter);
  bool is_client(flow::Dir dir) const noexcept { return (dir == flow::Dir::kOrig) != flipped_; }
  void check_direction(flow::Context& cx, flow::Dir dir, bool from_orig);
  bool on_client_hello(flow::Context& cx, Bytes body, Worker& worker);
  bool on_server_hello(flow::Context& cx, Bytes body, Worker& worker);
  void compare_hellos(flow::Context& cx, const ServerHello& s);
  bool on_certificates(flow::Context& cx, flow::Dir dir, Bytes body, Worker& worker);
  void on_certificate(flow::Context& cx, bool from_client, Bytes der, bool is_host, Worker& worker);
  bool on_server_key_exchange(Bytes body);
  bool on_certificate_status(flow::Context& cx, flow::Dir dir, Bytes body);
  bool on_body(flow::Context& cx, flow::Dir dir, std::uint8_t type, Bytes body, Worker& worker);
  void keep_hello(const ClientHello& h, Bytes body, Worker& worker);
  void emit(flow::Context& cx);

  Nanos first_ = 0;  // when the first sign was seen; 0: none
  bool is_dtls_ = false, is_quic_ = false;
  bool is_written_ = false;
  bool established_ = false, resumed_ = false;
  bool flipped_ = false, told_unclear_ = false;
  bool retry_seen_ = false;   // by the ServerHello that is being read
  bool has_retried_ = false;  // the last ServerHello was one
  std::array<bool, 2> encrypted_{};

  bool has_version_ = false, has_cipher_ = false, has_group_ = false, has_alert_ = false;
  bool has_client_version_ = false, has_server_version_ = false;
  bool is_hello_dropped_ = false, has_heartbeats_ = false;
  std::uint16_t version_ = 0;         // as the row says
  std::uint16_t chosen_version_ = 0;  // the first that the server named; 0: none
  std::uint16_t group_ = 0, last_alert_ = 0, client_version_ = 0, server_version_ = 0;
  std::uint32_t cipher_ = 0;

  bool has_session_id_ = false, ticket_without_id_ = false, key_exchange_seen_ = false, psk_offered_ = false;
  std::array<std::uint8_t, kSessionIdBytes> session_id_{};

  std::array<char, kHistoryMax> history_;
  std::size_t history_size_ = 0;
  std::array<char, kJa3Bytes> ja3_, ja3s_;
  std::array<char, kJa4Bytes> ja4_;
  std::uint8_t ja3_size_ = 0, ja3s_size_ = 0, ja4_size_ = 0;

  std::vector<std::uint8_t> hello_;  // the first ClientHello
  std::vector<std::uint16_t> server_extensions_;
  std::string server_name_, next_protocol_;
  bool has_server_name_ = false;
  std::array<Fingerprints, 2> chains_;  // 0: the client's, 1: the server's
  std::array<Leaf, 2> leaves_;
  std::optional<bool> name_matches_;
  std::uint32_t files_ = 0;
};

}  // namespace catenary::tls
