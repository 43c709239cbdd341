#include "protocols/tls/tls.h"

#include <algorithm>

#include "flow/flow.h"
#include "protocols/tls/names.h"

namespace catenary::tls {
namespace {

enum ContentType : std::uint8_t {
  kChangeCipherSpec = 20,
  kAlert = 21,
  kHandshake = 22,
  kApplicationData = 23,
  kHeartbeat = 24,
};
// The first record's type may be one that is not assigned yet: 20 to 30 were ever spoken of.
constexpr std::uint8_t kTypeLast = 30;

enum Ssl2Type : std::uint8_t { kSsl2Error = 0, kSsl2ClientHello = 1, kSsl2MasterKey = 2, kSsl2ServerHello = 4 };

constexpr bool is_record_version(std::uint16_t v) noexcept { return v >= kSsl3 && v <= kTls12; }

// The first bytes of a ClientHello or ServerHello in a record; the rest of it is the parser's to judge.
flow::Probe probe_hello(Cursor in, bool at_start) noexcept {
  const std::uint8_t type = in.u8();
  const std::uint16_t version = in.be16(), length = in.be16();
  if (type != kHandshake || (in.ok() && !is_record_version(version))) return flow::Probe::kNo;
  const std::uint8_t message = in.u8();
  const std::uint32_t message_length = in.be24();
  const std::uint16_t hello_version = in.be16();
  if (!in.ok()) return flow::Probe::kMore;
  const bool is_hello = message == kClientHello || message == kServerHello;
  // 38 bytes are the least: version, random, an empty session id and, for a server, cipher suite and compression.
  if (!is_hello || message_length < 38 || message_length > kHandshakeBytesMax) return flow::Probe::kNo;
  if (length < 4 || length > kRecordBytesMax) return flow::Probe::kNo;
  const bool is_draft_server = message == kServerHello && is_draft13(hello_version);
  if (!(hello_version >= kSsl3 && hello_version <= kTls13) && !is_draft_server) return flow::Probe::kNo;
  in.skip(32);
  const std::uint8_t session_id = in.u8();
  if (is_draft_server || (in.ok() && session_id <= kSessionIdBytes)) return flow::Probe::kYes;
  // In the middle of a stream other data may look like a record's head: there the random has to be there too.
  return in.ok() || !at_start ? flow::Probe::kNo : flow::Probe::kYes;
}

// SSL 2.0 draft, 2.5 and RFC 5246 E.2: lengths of three lists that fill the record exactly.
flow::Probe probe_ssl2(Cursor in) noexcept {
  const std::uint16_t length = in.be16() & 0x7fff;
  const std::uint8_t type = in.u8();
  const std::uint16_t version = in.be16();
  if (in.ok() && (type != kSsl2ClientHello || !(version == kSsl2 || is_record_version(version))))
    return flow::Probe::kNo;
  const std::uint16_t ciphers = in.be16(), session_id = in.be16(), challenge = in.be16();
  if (!in.ok()) return flow::Probe::kMore;
  const bool fills = std::size_t{9} + ciphers + session_id + challenge == length;
  const bool is_good =
      ciphers > 0 && ciphers % 3 == 0 && (session_id == 0 || session_id == 16) && challenge >= 16 && challenge <= 32;
  return fills && is_good ? flow::Probe::kYes : flow::Probe::kNo;
}

flow::Probe probe_datagram(Cursor in) noexcept {
  const std::uint8_t type = in.u8();
  const std::uint16_t version = in.be16(), epoch = in.be16();
  in.skip(6);
  Cursor body = in.sub(in.be16());
  const std::uint8_t message = body.u8();
  const std::uint32_t length = body.be24();
  body.be16();
  const std::uint32_t offset = body.be24(), piece = body.be24();
  if (!in.ok() || !body.ok() || type != kHandshake || epoch != 0) return flow::Probe::kNo;
  if (version != kDtls10 && version != kDtls12) return flow::Probe::kNo;
  if (message < kClientHello || message > kHelloVerifyRequest || piece > body.left()) return flow::Probe::kNo;
  if (std::uint64_t{offset} + piece > length || length > kFragmentedBytesMax) return flow::Probe::kNo;
  if (offset != 0) return flow::Probe::kYes;
  const std::uint16_t hello_version = body.be16();
  return hello_version == kDtls10 || hello_version == kDtls12 ? flow::Probe::kYes : flow::Probe::kNo;
}

}  // namespace

flow::Probe probe(const flow::ProbeInput& in) noexcept {
  if (in.data.empty()) return flow::Probe::kMore;
  if (!in.is_tcp) return probe_datagram(Cursor(in.data));
  if (in.data[0] == kHandshake) return probe_hello(Cursor(in.data), in.at_start);
  if ((in.data[0] & 0x80) && in.at_start && in.dir == flow::Dir::kOrig) return probe_ssl2(Cursor(in.data));
  return flow::Probe::kNo;
}

Parser::Header Parser::read_ssl2_header(flow::Context& cx, flow::Dir dir, Bytes head, Record& out) {
  const bool is_orig = dir == flow::Dir::kOrig;
  const std::size_t length = ((head[0] & 0x7fu) << 8) | head[1];
  out.is_ssl2 = true;
  out.type = head[2];
  out.detail = static_cast<std::uint16_t>((head[3] << 8) | head[4]);
  const bool is_hello =
      out.type == kSsl2ClientHello && is_orig && (out.detail == kSsl2 || is_record_version(out.detail));
  const bool is_answer = out.type == kSsl2ServerHello && !is_orig && head[4] < 2;
  if (record_version_ != kSsl2 && !is_hello && !is_answer) {
    cx.weird(Weird::tls_record_version_unknown);
    return Header::kBad;
  }
  if (is_answer) record_version_ = kSsl2;
  // The three bytes behind the length are read already.
  if (length < 3) return Header::kBad;
  out.length = length - 3;
  return Header::kGood;
}

Parser::Header Parser::read_header(flow::Context& cx, flow::Dir dir, Cursor& in, Record& out) {
  const Bytes head = in.take(kRecordHeaderBytes);
  if (!in.ok()) return Header::kWait;
  if (record_version_ == kSsl2 || (record_version_ == 0 && (head[0] & 0x80)))
    return read_ssl2_header(cx, dir, head, out);
  const auto version = static_cast<std::uint16_t>((head[1] << 8) | head[2]);
  if (!is_record_version(version)) {
    cx.weird(Weird::tls_record_version_unknown);
    return Header::kBad;
  }
  out.type = head[0];
  if (record_version_ == 0 && (out.type < kChangeCipherSpec || out.type > kTypeLast)) {
    cx.weird(Weird::tls_record_type_unknown);
    return Header::kBad;
  }
  record_version_ = version;
  out.length = (std::size_t{head[3]} << 8) | head[4];
  if (out.length > kRecordBytesMax) {
    cx.weird(Weird::tls_record_too_long);
    return Header::kBad;
  }
  return Header::kGood;
}

flow::Step Parser::on_stream(flow::Context& cx, flow::Dir dir, Cursor& in) {
  constexpr std::uint8_t kUdp = 17;
  if (cx.flow.proto == kUdp) handshake_.set_quic();
  Side& side = sides_[flow::index(dir)];
  while (!in.done()) {
    if (side.skip > 0) {
      const std::size_t n = std::min<std::size_t>(side.skip, in.left());
      in.skip(n);
      side.skip -= static_cast<std::uint32_t>(n);
      if (side.skip > 0) break;
      if (side.skips_encrypted && is_done(cx)) return flow::Step::kDetach;
      continue;
    }
    Cursor unit = in;
    Record r;
    const Header header = read_header(cx, dir, unit, r);
    if (header == Header::kBad) return flow::Step::kDetach;
    if (header == Header::kWait) {
      cx.need(dir, kRecordHeaderBytes);
      break;
    }
    // TLS 1.0 sends empty records ahead of data, against CVE-2011-3389.
    if (r.length == 0) {
      in = unit;
      continue;
    }
    const bool is_data = r.type == kApplicationData && !r.is_ssl2;
    side.skips_encrypted = handshake_.is_encrypted(dir, is_data);
    if (r.type == kHeartbeat && !r.is_ssl2) on_heartbeat_record(cx, dir, r.length);
    if (side.skips_encrypted || is_data) {
      if (!side.skips_encrypted) handshake_.on_early_data(cx);
      side.skip = static_cast<std::uint32_t>(r.length);
      in = unit;
      continue;
    }
    const Bytes body = unit.take(r.length);
    if (!unit.ok()) {
      cx.need(dir, kRecordHeaderBytes + r.length);
      break;
    }
    in = unit;
    if (!(r.is_ssl2 ? on_ssl2_record(cx, r, body) : on_record(cx, dir, r.type, body))) return flow::Step::kDetach;
  }
  return flow::Step::kContinue;
}

bool Parser::is_done(flow::Context& cx) {
  if (!handshake_.on_encrypted()) return false;
  if (!handshake_.has_heartbeats() || is_overread_told_ || ++watched_ > kWatchedRecordsMax) return true;
  handshake_.finish(cx);
  return false;
}

// RFC 6520 4: what is answered is what was asked, so that an answer is no longer than its question. It was for servers
// that trusted the length inside (CVE-2014-0160). Where records are encrypted their lengths are all there is, and
// enough.
void Parser::on_heartbeat_record(flow::Context& cx, flow::Dir dir, std::size_t length) {
  const std::size_t asked = heartbeats_[1 - flow::index(dir)];
  heartbeats_[flow::index(dir)] = length;
  const bool is_stunted = sides_[flow::index(dir)].skips_encrypted && length < kSealedHeartbeatMin;
  if (is_stunted || (asked != 0 && length > asked + kHeartbeatSlack)) tell_overread(cx);
}

void Parser::tell_overread(flow::Context& cx) {
  if (!is_overread_told_) cx.weird(Weird::tls_heartbeat_overread);
  is_overread_told_ = true;
}

flow::Step Parser::on_gap(flow::Context&, flow::Dir dir, std::uint64_t bytes) {
  Side& side = sides_[flow::index(dir)];
  if (bytes > side.skip) return flow::Step::kDetach;
  side.skip -= static_cast<std::uint32_t>(bytes);
  const bool is_whole = side.skip == 0 && side.skips_encrypted;
  return is_whole && handshake_.on_encrypted() ? flow::Step::kDetach : flow::Step::kContinue;
}

bool Parser::on_record(flow::Context& cx, flow::Dir dir, std::uint16_t type, Bytes body) {
  handshake_.begin(cx);
  switch (type) {
    case kChangeCipherSpec:
      handshake_.on_change_cipher_spec(cx, dir);
      // One byte is all of it, RFC 5246 7.1; what is behind it is encrypted already.
      return body.size() == 1 || !handshake_.on_encrypted();
    case kAlert: return on_alerts(cx, dir, body);
    case kHandshake: return on_handshake(cx, dir, body);
    case kHeartbeat:
      // RFC 6520 4: type and length at least.
      if (body.size() < 3) cx.weird(Weird::tls_handshake_malformed);
      if (body.size() < 3) return false;
      handshake_.on_heartbeat(cx, dir);
      // In the clear the lie itself can be read: type 1 asks, with a payload that leaves no room for the padding.
      if (body[0] == 1 && kHeartbeatPlainMin + ((std::size_t{body[1]} << 8) | body[2]) > body.size()) tell_overread(cx);
      return true;
    default: cx.weird(Weird::tls_record_type_unknown); return false;
  }
}

// RFC 8446 5.1: an alert is never fragmented and stands alone; older versions allow several in a record.
bool Parser::on_alerts(flow::Context& cx, flow::Dir dir, Bytes body) {
  const std::size_t most = 2 * (handshake_.is_13() ? 1 : kAlertsMax);
  if (body.size() > most) cx.weird(Weird::tls_alert_malformed);
  Cursor in(body.first(std::min(body.size(), most)));
  while (!in.done()) {
    in.u8();  // the level; the description implies it, RFC 8446 6
    const std::uint8_t description = in.u8();
    if (!in.ok()) {
      cx.weird(Weird::tls_alert_malformed);
      return false;
    }
    handshake_.on_alert(cx, dir, description);
  }
  return true;
}

// The message that began in an earlier record: takes what it still needs. False: stop.
bool Parser::continue_message(flow::Context& cx, flow::Dir dir, Cursor& in) {
  constexpr std::size_t kHeader = 4;
  std::vector<std::uint8_t>& partial = sides_[flow::index(dir)].partial;
  const auto take = [&](std::size_t until) {
    const Bytes more = in.take(std::min(until - partial.size(), in.left()));
    partial.insert(partial.end(), more.begin(), more.end());
    return partial.size() == until;
  };
  if (partial.size() < kHeader && !take(kHeader)) return true;
  const std::size_t length = (std::size_t{partial[1]} << 16) | (std::size_t{partial[2]} << 8) | partial[3];
  if (length > kHandshakeBytesMax) {
    handshake_.on_skipped_message(cx, dir, partial[0]);
    sides_[flow::index(dir)].too_long = static_cast<std::uint32_t>(length);
    partial.clear();
    return true;
  }
  if (!take(kHeader + length)) return true;
  const bool goes_on = handshake_.on_message(cx, dir, partial[0], Bytes(partial).subspan(kHeader), worker());
  partial.clear();
  return goes_on;
}

bool Parser::on_handshake(flow::Context& cx, flow::Dir dir, Bytes body) {
  Side& side = sides_[flow::index(dir)];
  Cursor in(body);
  while (!in.done()) {
    if (side.too_long > 0) {
      const std::size_t n = std::min<std::size_t>(side.too_long, in.left());
      in.skip(n);
      side.too_long -= static_cast<std::uint32_t>(n);
      continue;
    }
    Cursor unit = in;
    const std::uint8_t type = unit.u8();
    const Bytes message = unit.take(unit.be24());
    if (!side.partial.empty() || !unit.ok()) {
      if (!continue_message(cx, dir, in)) return false;
      continue;
    }
    in = unit;
    if (!handshake_.on_message(cx, dir, type, message, worker())) return false;
  }
  return true;
}

bool Parser::on_ssl2_record(flow::Context& cx, const Record& r, Bytes body) {
  switch (r.type) {
    case kSsl2ClientHello:
      if (handshake_.on_ssl2_client_hello(cx, r.detail, Cursor(body))) return true;
      break;
    case kSsl2ServerHello:
      if (handshake_.on_ssl2_server_hello(cx, Cursor(body), worker())) return true;
      break;
    case kSsl2MasterKey: handshake_.on_ssl2_master_key(cx); return false;
    case kSsl2Error: handshake_.on_alert(cx, flow::Dir::kResp, r.detail); return true;
    default: cx.weird(Weird::tls_record_type_unknown); return false;
  }
  cx.weird(Weird::tls_handshake_malformed);
  return false;
}

}  // namespace catenary::tls
