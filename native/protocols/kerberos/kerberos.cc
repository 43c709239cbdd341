#include "protocols/kerberos/kerberos.h"

#include <algorithm>

#include "flow/flow.h"
#include "protocols/kerberos/kerberos.gen.h"

namespace catenary::kerberos {

using flow::Probe;
using flow::Step;

namespace {

constexpr std::size_t kFrameBytes = 4;
// As Zeek: names of the service where a message came by itself, and in a frame.
constexpr const char* kDatagramService = "krb";
constexpr const char* kStreamService = "krb_tcp";
constexpr std::uint32_t kForwardable = 0x40000000, kRenewable = 0x00800000;  // RFC 4120 5.4.1: bits 1 and 8
// Texts with which servers ask for a proof of the password: the client asks again with one, and that is what counts.
constexpr std::string_view kDemands[] = {"NEEDED_PREAUTH", "Need to use PA-ENC-TIMESTAMP/PA-PK-AS-REQ"};

bool is_demand(const Message& m) noexcept {
  return m.text && std::find(std::begin(kDemands), std::end(kDemands), *m.text) != std::end(kDemands);
}

bool is_request(Type t) noexcept { return t == Type::kAsRequest || t == Type::kTgsRequest; }

std::optional<std::string_view> view(const std::optional<std::string>& s) noexcept {
  return s ? std::optional<std::string_view>(*s) : std::nullopt;
}

}  // namespace

Probe probe(const flow::ProbeInput& in) noexcept {
  if (!in.is_tcp) return message_size(in.data) == in.data.size() ? Probe::kYes : Probe::kNo;
  Cursor c(in.data);
  const std::uint32_t length = c.be32();
  if (!c.ok()) return in.data.empty() || in.data[0] == 0 ? Probe::kMore : Probe::kNo;
  if (length < 16 || length > kMessageBytesMax) return Probe::kNo;
  const Bytes head = c.rest();
  if (head.size() < 12) return head.empty() || (head[0] >> 5) == 3 ? Probe::kMore : Probe::kNo;
  return message_size(head) == length ? Probe::kYes : Probe::kNo;
}

Step Parser::on_stream(flow::Context& cx, flow::Dir dir, Cursor& in) {
  while (!in.done()) {
    Cursor unit = in;
    const std::uint32_t length = unit.be32();
    if (!unit.ok()) return cx.need(dir, kFrameBytes), Step::kContinue;
    // RFC 4120 7.2.2: the first bit is for extensions; nobody has any.
    if (length > kMessageBytesMax) {
      cx.weird(Weird::kerberos_message_too_long);
      return Step::kDetach;
    }
    const Bytes message = unit.take(length);
    if (!unit.ok()) return cx.need(dir, kFrameBytes + length), Step::kContinue;
    in = unit;
    on_message(cx, message, kStreamService);
  }
  return Step::kContinue;
}

Step Parser::on_datagram(flow::Context& cx, flow::Dir, Cursor in) {
  on_message(cx, in.rest(), kDatagramService);
  return Step::kContinue;
}

void Parser::on_message(flow::Context& cx, Bytes bytes, const char* service) {
  Message m;
  if (!read(bytes, m)) return cx.weird(Weird::kerberos_malformed);
  cx.confirm(service);
  if (m.type == Type::kApReply) return;
  if (is_request(m.type) || m.type == Type::kApRequest) {
    // The same again is sent when no answer came.
    const bool is_again =
        request_ && request_->type == m.type && request_->client == m.client && request_->service == m.service;
    if (request_ && !is_again) emit(cx, nullptr);
    if (!is_again) asked_ = cx.now;
    request_ = std::move(m);
    return;
  }
  if (!request_) {
    // An error may answer what another protocol carried.
    if (!is_nested_) cx.weird(Weird::kerberos_answer_unasked);
    asked_ = cx.now;
  }
  emit(cx, &m);
}

void Parser::emit(flow::Context& cx, const Message* answer) {
  const Message none;
  const Message& asked = request_ ? *request_ : none;
  const Message& said = answer ? *answer : none;
  const bool is_error = answer && said.type == Type::kError;
  KerberosEvent e;
  e.ts = micros(asked_);
  const Type kind = request_ ? asked.type : answer ? said.type : Type::kApRequest;
  // Without a request Zeek does not say which kind a reply is of, and no error can.
  if (request_ && kind == Type::kAsRequest) e.request_type = "AS";
  if (request_ && kind == Type::kTgsRequest) e.request_type = "TGS";
  std::string client;
  if (request_ && kind == Type::kAsRequest) {
    client = asked.client.value_or("") + "/" + asked.realm.value_or("");
  } else if (answer && (said.client || said.realm)) {
    if (!is_error || said.client) client = said.client.value_or("") + "/";
    client += said.realm.value_or("");
  }
  if (!client.empty()) e.client = client;
  e.service = view(answer && said.service ? said.service : asked.service);
  if (answer) e.success = !is_error;
  if (is_error) {
    e.error_code = said.error;
    if (said.text)
      e.error_msg = *said.text;
    else if (!error_name(said.error).empty())
      e.error_msg = error_name(said.error);
  }
  e.from = asked.from;
  e.till = asked.till;
  if (asked.options) {
    e.kdc_options = *asked.options;
    e.forwardable = (*asked.options & kForwardable) != 0;
    e.renewable = (*asked.options & kRenewable) != 0;
  }
  std::string cipher, ticket_cipher, preauth_cipher;
  if (said.ticket_cipher) e.cipher = cipher = cipher_name(*said.ticket_cipher);
  if (asked.ticket_cipher) e.ticket_cipher = ticket_cipher = cipher_name(*asked.ticket_cipher);
  if (asked.preauth_cipher || said.preauth_cipher) {
    preauth_cipher = cipher_name(asked.preauth_cipher ? *asked.preauth_cipher : *said.preauth_cipher);
    e.preauth_cipher = preauth_cipher;
  }
  std::array<std::string, kListMax> cipher_texts, preauth_texts;
  std::array<std::string_view, kListMax> ciphers, preauth;
  for (std::size_t i = 0; i < asked.ciphers.size(); i++) ciphers[i] = cipher_texts[i] = cipher_name(asked.ciphers[i]);
  for (std::size_t i = 0; i < asked.preauth.size(); i++) preauth[i] = preauth_texts[i] = preauth_name(asked.preauth[i]);
  e.request_ciphers = std::span<const std::string_view>(ciphers.data(), asked.ciphers.size());
  e.preauth = std::span<const std::string_view>(preauth.data(), asked.preauth.size());
  e.for_user = view(asked.for_user);
  e.ordinal = told_ + 1;
  if (!is_error || !is_demand(said)) told_++;
  cx.emit(e);
  request_.reset();
}

void Parser::on_close(flow::Context& cx) {
  if (request_) emit(cx, nullptr);
}

}  // namespace catenary::kerberos
