// The row of a handshake, and SSL 2.0, whose records are not handshake messages.
#include "flow/flow.h"
#include "protocols/tls/handshake.h"
#include "protocols/tls/names.h"
#include "protocols/tls/tls.gen.h"

namespace catenary::tls {

// SSL 2.0 draft, 2.5: lengths of cipher specs, session id and challenge, then they themselves. Clients of the 1990s
// sent it to be understood by old servers; the connection goes on as SSL 3.0 or TLS, RFC 5246 E.2.
bool Handshake::on_ssl2_client_hello(flow::Context& cx, std::uint16_t version, Cursor in) {
  const std::uint16_t ciphers = in.be16(), session_id = in.be16(), challenge = in.be16();
  in.skip(ciphers);
  const Bytes id = in.take(session_id);
  in.skip(challenge);
  if (!in.ok()) return false;
  begin(cx);
  cx.weird(Weird::tls_sslv2_hello);
  if (!cx.flow.is_partial) cx.confirm("tls");
  add_history(cx, true, 'c');
  if (!has_client_version_) client_version_ = version;
  has_client_version_ = true;
  if (id.empty() || id.size() > session_id_.size()) return true;
  std::copy(id.begin(), id.end(), session_id_.begin());
  has_session_id_ = true;
  return true;
}

// SSL 2.0 draft, 2.6, behind session id hit and certificate type.
bool Handshake::on_ssl2_server_hello(flow::Context& cx, Cursor in, Worker& worker) {
  const std::uint16_t version = in.be16(), certificate_length = in.be16(), ciphers = in.be16(), id_length = in.be16();
  const Bytes certificate = in.take(certificate_length);
  Cursor list = in.sub(ciphers);
  in.skip(id_length);
  if (!in.ok() || version != kSsl2) return false;
  begin(cx);
  version_ = chosen_version_ = server_version_ = version;
  cipher_ = list.has(3) ? list.be24() : 0;
  has_version_ = has_cipher_ = has_server_version_ = true;
  add_history(cx, false, 's');
  if (!certificate.empty()) on_certificate(cx, false, certificate, true, worker);
  return true;
}

// SSL 2.0 draft, 2.5: everything behind the master key is encrypted, on both sides.
void Handshake::on_ssl2_master_key(flow::Context& cx) {
  begin(cx);
  encrypted_.fill(true);
  established_ = true;
}

void Handshake::finish(flow::Context& cx) {
  if (first_ == 0 || is_written_) return;
  if (cx.flow.is_partial && !has_client_version_ && !has_server_version_) return;
  is_written_ = true;
  emit(cx);
}

void Handshake::emit(flow::Context& cx) {
  TlsEvent e;
  e.ts = micros(first_);
  e.is_dtls = is_dtls_;
  e.mid_stream = cx.flow.is_partial;
  e.established = established_;
  e.resumed = resumed_;
  e.ssl_history = std::string_view{history_.data(), history_size_};

  NameBuffer version, cipher, group, alert;
  if (has_version_) e.version = version_name(version_, version);
  if (has_cipher_) e.cipher = cipher_name(cipher_, cipher);
  if (has_group_) e.curve = group_name(group_, group);
  if (has_alert_) e.last_alert = alert_name(last_alert_, alert);
  if (has_server_name_) e.server_name = server_name_;
  if (!next_protocol_.empty()) e.next_protocol = next_protocol_;
  if (has_client_version_) e.client_version = client_version_;
  if (has_server_version_) e.server_version = server_version_;
  if (ja3_size_ > 0) e.ja3 = std::string_view{ja3_.data(), ja3_size_};
  if (ja3s_size_ > 0) e.ja3s = std::string_view{ja3s_.data(), ja3s_size_};
  if (ja4_size_ > 0) e.ja4 = std::string_view{ja4_.data(), ja4_size_};
  e.server_exts = server_extensions_;

  // Both chains as hexadecimal texts, in room that lives until the event is encoded.
  std::array<std::array<std::array<char, 64>, kChainMax>, 2> digits;
  std::array<std::array<std::string_view, kChainMax>, 2> texts;
  for (std::size_t side = 0; side < 2; side++) {
    for (std::size_t i = 0; i < chains_[side].size(); i++)
      texts[side][i] = files::hex_text(chains_[side][i], digits[side][i].data());
  }
  e.client_cert_chain_fps = {texts[0].data(), chains_[0].size()};
  e.cert_chain_fps = {texts[1].data(), chains_[1].size()};
  if (leaves_[1].is_read) {
    e.subject = leaves_[1].subject;
    e.issuer = leaves_[1].issuer;
  }
  if (leaves_[0].is_read) {
    e.client_subject = leaves_[0].subject;
    e.client_issuer = leaves_[0].issuer;
  }
  e.sni_matches_cert = name_matches_;

  ClientHello h;
  const bool has_hello = !hello_.empty() && read(Cursor(hello_), h);
  if (has_hello) {
    e.client_ciphers = h.ciphers.span();
    e.client_exts = h.extensions.types.span();
    e.client_alpns = h.extensions.protocols.span();
    e.client_sig_algs = h.signatures.span();
    e.client_curves = h.groups.span();
    e.client_supported_versions = h.versions.span();
  }
  e.cut = is_hello_dropped_ || (has_hello && (h.is_over_limit() || h.extensions.protocols.is_full));
  cx.emit(e);
}

}  // namespace catenary::tls
