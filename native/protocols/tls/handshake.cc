#include "protocols/tls/handshake.h"

#include <algorithm>

#include "files/tracker.h"
#include "flow/flow.h"
#include "protocols/tls/names.h"

namespace catenary::tls {
namespace {

constexpr std::size_t kServerNameBytesMax = 512;  // the schema's cap

// What a hello's version field may hold; anything else is another protocol, or a fuzzer.
bool is_hello_version(std::uint16_t v) noexcept {
  switch (v) {
    case kSsl2:
    case kSsl3:
    case kTls10:
    case kTls11:
    case kTls12:
    case kTls13:
    case kDtls10:
    case kDtls12:
    case kDtls13: return true;
    default: return is_draft13(v);
  }
}

bool is_classic(std::uint16_t v) noexcept {
  return v == kSsl2 || v == kSsl3 || v == kTls10 || v == kTls11 || v == kTls12;
}

// Zeek's letters of ssl_history; 0: a message it does not know.
char letter_of(std::uint8_t type) noexcept {
  switch (type) {
    case kHelloRequest: return 'h';
    case kClientHello: return 'c';
    case kServerHello: return 's';
    case kHelloVerifyRequest: return 'v';
    case kNewSessionTicket: return 't';
    case kCertificate: return 'x';
    case kServerKeyExchange: return 'k';
    case kCertificateRequest: return 'r';
    case kServerHelloDone: return 'n';
    case kCertificateVerify: return 'y';
    case kClientKeyExchange: return 'g';
    case kFinished: return 'f';
    case kCertificateUrl: return 'w';
    case kCertificateStatus: return 'u';
    default: return 0;
  }
}

template <class Array>
bool is_all_zero(const Array& a) noexcept {
  return std::all_of(a.begin(), a.end(), [](std::uint8_t b) { return b == 0; });
}

}  // namespace

void Handshake::add_history(flow::Context& cx, bool is_client, char letter) {
  if (history_size_ == kHistoryMax) return;
  history_[history_size_++] = is_client ? static_cast<char>(letter - 'a' + 'A') : letter;
  if (history_size_ == kHistoryMax) cx.weird(Weird::tls_history_limit);
}

// The client may be the responder of the flow: a DTLS connection that STUN set up, a capture that began late.
void Handshake::check_direction(flow::Context& cx, flow::Dir dir, bool from_orig) {
  const bool is_orig = dir == flow::Dir::kOrig;
  if (flipped_ != (from_orig == is_orig)) return;
  begin(cx);
  if (history_size_ < kHistoryMax) history_[history_size_++] = '^';
  flipped_ = !flipped_;
  if (!flipped_ && !told_unclear_) {
    told_unclear_ = true;
    cx.weird(Weird::tls_direction_unclear);
  }
}

bool Handshake::on_body(flow::Context& cx, flow::Dir dir, std::uint8_t type, Bytes body, Worker& worker) {
  switch (type) {
    case kHelloRequest: check_direction(cx, dir, false); return true;
    case kClientHello: check_direction(cx, dir, true); return on_client_hello(cx, body, worker);
    case kServerHello: check_direction(cx, dir, false); return on_server_hello(cx, body, worker);
    case kHelloVerifyRequest: {
      // RFC 6347 4.2.1: version and cookie.
      Cursor in(body);
      in.skip(2);
      in.skip(in.u8());
      return in.ok();
    }
    case kNewSessionTicket: return body.size() >= 4;  // RFC 5077 3.3: a lifetime at least
    case kCertificate: return on_certificates(cx, dir, body, worker);
    case kServerKeyExchange: return on_server_key_exchange(body);
    case kCertificateStatus: return on_certificate_status(cx, dir, body);
    case kClientKeyExchange: key_exchange_seen_ |= is_client(dir); return true;
    default: return true;
  }
}

bool Handshake::on_message(flow::Context& cx, flow::Dir dir, std::uint8_t type, Bytes body, Worker& worker) {
  begin(cx);
  const char letter = letter_of(type);
  if (letter == 0) {
    cx.weird(Weird::tls_handshake_type_unknown);
    return false;
  }
  // RFC 5246 7.3: a server says nothing of its own ahead of its hello.
  const bool is_early = type >= kCertificate && type <= kServerHelloDone && !is_client(dir) && !has_cipher_;
  if (is_early) cx.weird(Weird::tls_handshake_out_of_order);
  if (!on_body(cx, dir, type, body, worker)) {
    cx.weird(Weird::tls_handshake_malformed);
    return false;
  }
  const bool is_retry = type == kServerHello && retry_seen_;
  if (is_retry) retry_seen_ = false;
  add_history(cx, is_client(dir), is_retry ? 'j' : letter);
  return true;
}

void Handshake::on_skipped_message(flow::Context& cx, flow::Dir dir, std::uint8_t type) {
  cx.weird(Weird::tls_handshake_too_long);
  begin(cx);
  if (const char letter = letter_of(type)) add_history(cx, is_client(dir), letter);
}

void Handshake::on_change_cipher_spec(flow::Context& cx, flow::Dir dir) {
  begin(cx);
  // RFC 8446 D.4: in TLS 1.3 it is sent for the sake of old middleboxes and means nothing.
  if (!is_13()) set_encrypted(dir);
  add_history(cx, is_client(dir), 'i');
  // RFC 5077 3.1: the server took the ticket when the client switches without a key exchange.
  if (is_client(dir) && ticket_without_id_ && !key_exchange_seen_) resumed_ = true;
}

void Handshake::on_alert(flow::Context& cx, flow::Dir dir, std::uint16_t description) {
  begin(cx);
  add_history(cx, is_client(dir), 'l');
  last_alert_ = description;
  has_alert_ = true;
}

void Handshake::on_heartbeat(flow::Context& cx, flow::Dir dir) {
  begin(cx);
  add_history(cx, is_client(dir), 'b');
}

void Handshake::on_early_data(flow::Context& cx) {
  begin(cx);
  if (has_version_) cx.weird(Weird::tls_early_application_data);
}

bool Handshake::is_13() const noexcept { return chosen_version_ == kTls13 || is_draft13(chosen_version_); }

bool Handshake::is_dtls13() const noexcept { return chosen_version_ == kDtls13; }

bool Handshake::is_encrypted(flow::Dir dir, bool is_application_data) noexcept {
  bool& encrypted = encrypted_[flow::index(dir)];
  if (is_application_data && !is_classic(chosen_version_)) encrypted = true;
  return encrypted;
}

bool Handshake::on_encrypted() noexcept {
  if (encrypted_[0] && encrypted_[1]) established_ = true;
  return established_;
}

void Handshake::keep_hello(const ClientHello& h, Bytes body, Worker& worker) {
  files::Hasher& hasher = worker.certificates.hasher();
  ja3_size_ = static_cast<std::uint8_t>(ja3(h, hasher, ja3_).size());
  ja4_size_ = static_cast<std::uint8_t>(ja4(h, is_dtls_ ? 'd' : is_quic_ ? 'q' : 't', hasher, ja4_).size());
  if (body.size() <= kHelloKeptMax)
    hello_.assign(body.begin(), body.end());
  else
    is_hello_dropped_ = true;
}

bool Handshake::on_client_hello(flow::Context& cx, Bytes body, Worker& worker) {
  ClientHello h;
  const bool is_good = read(Cursor(body), h);
  if (h.server_name) {
    server_name_.assign(h.server_name->substr(0, kServerNameBytesMax + 1));
    has_server_name_ = true;
  }
  if (h.has_ticket) ticket_without_id_ = true;
  psk_offered_ |= h.has_psk;
  if (h.server_names > 1) cx.weird(Weird::tls_server_names_many);
  if (h.extensions.is_repeated) cx.weird(Weird::tls_extension_repeated);
  if (h.extensions.length_differs) cx.weird(Weird::tls_extension_malformed);
  if (!is_good || !is_hello_version(h.version)) return false;

  // Where the beginning of the flow was not seen, one hello alone may be other data that looks like it.
  if (!cx.flow.is_partial) cx.confirm("tls");
  if (!is_all_zero(h.session_id)) {
    session_id_ = h.session_id;
    has_session_id_ = true;
    ticket_without_id_ = false;
  }
  if (has_client_version_) return true;  // after a retry, a cookie or a hello request: the first one counts
  has_client_version_ = true;
  client_version_ = h.version;
  if (h.is_over_limit()) cx.weird(Weird::tls_hello_limit);
  keep_hello(h, body, worker);
  return true;
}

bool Handshake::on_server_hello(flow::Context& cx, Bytes body, Worker& worker) {
  ServerHello s;
  const bool is_good = read(Cursor(body), s);
  if (s.selected_version) {
    version_ = *s.selected_version;
    has_version_ = true;
    if (chosen_version_ == 0) chosen_version_ = version_;
  }
  if (s.group) {
    group_ = *s.group;
    has_group_ = true;
  }
  if (s.extensions.protocols.size > 0) next_protocol_.assign(s.extensions.protocols.items[0]);
  if (s.extensions.types.has(kPreSharedKey) && psk_offered_) resumed_ = true;
  if (s.extensions.is_repeated) cx.weird(Weird::tls_extension_repeated);
  if (s.extensions.length_differs) cx.weird(Weird::tls_extension_malformed);
  if (!is_good || !is_hello_version(s.version)) return false;

  if (chosen_version_ == 0) chosen_version_ = s.version;
  if (!has_version_) version_ = s.version;
  has_version_ = true;
  if (has_cipher_ && !has_retried_) cx.weird(Weird::tls_handshake_out_of_order);
  has_retried_ = s.is_retry;
  retry_seen_ = s.is_retry;
  cipher_ = s.cipher;
  has_cipher_ = true;
  // RFC 5246 7.4.1.3: the server says the client's session id back when it resumes; in TLS 1.3 it always does.
  const bool is_13 = version_ == kTls13 || is_draft13(version_);
  if (has_session_id_ && s.session_id == session_id_ && !is_13) resumed_ = true;
  if (!has_server_version_ || !s.is_retry) {
    has_server_version_ = true;
    server_version_ = s.version;
    const auto types = s.extensions.types.span();
    server_extensions_.assign(
        types.begin(), types.begin() + static_cast<std::ptrdiff_t>(std::min(types.size(), kServerExtensionsMax)));
    has_heartbeats_ = s.extensions.types.has(kHeartbeatMode);
    ja3s_size_ = static_cast<std::uint8_t>(ja3s(s, worker.certificates.hasher(), ja3s_).size());
  }
  if (has_both_hellos()) cx.confirm("tls");
  compare_hellos(cx, s);
  return true;
}

// RFC 8446 4.1.3: a server chooses among what it was offered.
void Handshake::compare_hellos(flow::Context& cx, const ServerHello& s) {
  ClientHello h;
  if (hello_.empty() || !read(Cursor(hello_), h)) return;
  if (!h.ciphers.is_full && !h.ciphers.has(s.cipher)) cx.weird(Weird::tls_cipher_not_offered);
  const bool is_offered = h.versions.size > 0      ? h.versions.has(version_) || h.versions.is_full
                          : tls::is_dtls(version_) ? version_ >= h.version
                                                   : version_ <= h.version;
  if (!is_offered) cx.weird(Weird::tls_version_not_offered);
}

// RFC 5246 7.4.2. The list is fenced first: of a broken one nothing is shown.
bool Handshake::on_certificates(flow::Context& cx, flow::Dir dir, Bytes body, Worker& worker) {
  Cursor in(body);
  const Bytes list = in.take(in.be24());
  Cursor fence(list);
  while (!fence.done()) fence.skip(fence.be24());
  if (!in.ok() || !fence.ok()) return false;
  Cursor each(list);
  for (std::size_t place = 0; !each.done(); place++) {
    const Bytes der = each.take(each.be24());
    if (place == kChainMax) {
      cx.weird(Weird::tls_certificate_chain_too_long);
      break;
    }
    if (der.empty())
      cx.weird(Weird::tls_certificate_empty);
    else
      on_certificate(cx, is_client(dir), der, place == 0, worker);
  }
  return true;
}

void Handshake::on_certificate(flow::Context& cx, bool from_client, Bytes der, bool is_host, Worker& worker) {
  const std::size_t side = from_client ? 0 : 1;
  Leaf& leaf = leaves_[side];
  const bool is_leaf = !leaf.was_shown;
  leaf.was_shown = true;
  x509::Seen seen;
  if (!worker.certificates.see(cx, der, {.is_host = is_host, .is_client = from_client}, seen)) return;
  if (chains_[side].size() < kChainMax) chains_[side].push_back(seen.fingerprint);
  if (!is_leaf) return;
  x509::NameText subject, issuer;
  x509::name_text(seen.certificate.subject, subject);
  x509::name_text(seen.certificate.issuer, issuer);
  leaf.subject.assign(subject.view());
  leaf.issuer.assign(issuer.view());
  leaf.is_read = true;
  if (!from_client && has_server_name_) name_matches_ = x509::matches_host(seen.certificate, server_name_);
}

// RFC 8422 5.4, RFC 5489 2: the group is in the clear up to TLS 1.2.
bool Handshake::on_server_key_exchange(Bytes body) {
  constexpr std::uint8_t kNamedCurve = 3;
  if (!has_cipher_) return true;
  const KeyExchange kind = key_exchange_of(cipher_);
  if (kind == KeyExchange::kOther) return true;
  Cursor in(body);
  if (kind == KeyExchange::kEcdhePsk) in.skip(in.be16());
  if (in.u8() != kNamedCurve) return in.ok();
  const std::uint16_t group = in.be16();
  in.skip(in.u8());
  if (kind == KeyExchange::kEcdhe) {
    // RFC 5246 7.4.3: with the signature's algorithm from TLS 1.2 on.
    if (chosen_version_ > kTls11 && chosen_version_ != kDtls10) in.skip(2);
    in.skip(in.be16());
  }
  if (!in.ok()) return false;
  group_ = group;
  has_group_ = true;
  return true;
}

// RFC 6066 8: the stapled OCSP response is a file of its own.
bool Handshake::on_certificate_status(flow::Context& cx, flow::Dir dir, Bytes body) {
  constexpr std::uint8_t kOcsp = 1;
  Cursor in(body);
  const std::uint8_t type = in.u8();
  in.be24();
  if (!in.ok()) return false;
  const Bytes response = in.rest();
  if (response.empty()) cx.weird(Weird::tls_stapled_response_empty);
  if (type != kOcsp || response.empty()) return true;
  files::File* file =
      cx.files.open(cx, {.source = "SSL", .dir = dir, .ordinal = files_++, .mime_type = "application/ocsp-response"});
  cx.files.bytes(cx, file, response);
  cx.files.close(cx, file, files::End::kComplete);
  return true;
}

}  // namespace catenary::tls
