#include "protocols/rdp/rdp.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/ber.h"
#include "base/utf16.h"
#include "files/x509/x509.h"
#include "flow/flow.h"
#include "protocols/rdp/names.h"
#include "protocols/rdp/rdp.gen.h"

namespace catenary::rdp {

using flow::Dir;
using flow::Probe;
using flow::Step;

namespace {

constexpr std::uint16_t kPort = 3389;
// A message of the beginning is a few hundred bytes, a few thousand with certificates.
constexpr std::uint32_t kUnreadMax = 65536 + 4;
constexpr std::size_t kTpktBytes = 4;

enum : std::uint8_t { kRequest = 0xe0, kConfirm = 0xd0, kData = 0xf0 };  // X.224 13.3, 13.4, 13.7
enum : std::uint8_t { kNegotiationRequest = 1, kNegotiationResponse = 2, kNegotiationFailure = 3 };
enum : std::uint16_t { kConnectInitial = 0x7f65, kConnectResponse = 0x7f66 };  // T.125 7, BER
enum : std::uint16_t { kClientCore = 0xc001, kClientNetwork = 0xc003, kServerSecurity = 0x0c02 };
constexpr std::string_view kCookie = "Cookie: mstshash=", kToken = "Cookie: msts=";

// What certificates of one worker have in common.
class Worker final : public flow::Shared {
 public:
  x509::Register certificates;
};

// T.124 8.7, PER of T.123: a length of one byte, or of two with the highest bit set.
std::size_t per_length(Cursor& in) noexcept {
  const std::size_t first = in.u8();
  return (first & 0x80) == 0 ? first : (first & 0x7f) << 8 | in.u8();
}

// The user data of MCS, behind a two-byte tag: what connects the GCC conference.
Bytes user_data(Cursor& in, bool is_initial) noexcept {
  // The length of the whole; what is inside has its own.
  const std::uint8_t length = in.u8();
  if (length > 0x80) in.skip(length - 0x80u);
  if (is_initial) {
    ber::expect(in, ber::kOctetString);  // calling and called domain
    ber::expect(in, ber::kOctetString);
    ber::expect(in, ber::kBoolean);
    for (int i = 0; i < 3; i++) ber::expect(in, ber::kSequence);  // parameters: target, minimum, maximum
  } else {
    ber::expect(in, ber::kEnumerated);
    ber::expect(in, ber::kInteger);
    ber::expect(in, ber::kSequence);
  }
  return ber::expect(in, ber::kOctetString);
}

// T.124 8.7: the object that names T.124, then the length of what it says.
Cursor conference(Bytes data) noexcept {
  constexpr std::size_t kObjectBytes = 7;  // 0, 5, 0.20.124.0.1
  Cursor in(data);
  in.skip(kObjectBytes);
  per_length(in);
  return in;
}

// The next of the blocks; fails `in` where its length contradicts it.
struct Block {
  std::uint16_t type = 0;
  Cursor body;
};
Block next_block(Cursor& in) noexcept {
  Block b;
  b.type = in.le16();
  const std::uint16_t length = in.le16();
  if (length < 4) in.fail();
  b.body = in.sub(in.ok() ? length - std::size_t{4} : 0);
  return b;
}

std::string utf16_text(Bytes le) {
  std::string out;
  append_utf16(le, kTextMax, out);
  return out;
}

// MS-RDPBCGR 2.2.1.3.2. All from the colour depth of later versions on is optional, in this order.
bool read_client_core(Session& s, Cursor in) {
  constexpr std::uint16_t kWant32 = 2;
  in.skip(4);
  const std::uint16_t width = in.le16(), height = in.le16();
  in.skip(4);
  const std::uint32_t layout = in.le32(), build = in.le32();
  const Bytes name = in.take(32);
  in.skip(4 + 4 + 4 + 64);
  if (!in.ok()) return false;
  s.width = width;
  s.height = height;
  s.layout = layout_name(layout);
  s.build = build_name(build);
  s.client_name = utf16_text(name);
  in.skip(2 + 2 + 4);
  const std::uint16_t high = in.le16();
  if (!in.ok()) return true;
  in.skip(2);
  const std::uint16_t early = in.le16();
  s.colors = in.ok() && (early & kWant32) != 0 ? "32bit" : color_name(high);
  const Bytes product = in.take(64);
  if (in.ok()) s.product = utf16_text(product);
  return true;
}

// MS-RDPBCGR 2.2.1.3.4.
bool read_client_network(Session& s, Cursor in) {
  const std::uint32_t count = in.le32();
  for (std::uint32_t i = 0; i < count && !in.done(); i++) {
    const std::string_view name = as_text(in.take(8));
    in.skip(4);
    if (!in.ok()) return false;
    if (s.channels.size() < kChannelsMax)
      s.channels.emplace_back(name.substr(0, name.find('\0')));
    else
      s.has_more_channels = true;
  }
  return in.ok();
}

}  // namespace

Probe probe(const flow::ProbeInput& in) noexcept {
  if (in.dir != Dir::kOrig) return Probe::kNo;
  Cursor c(in.data);
  const std::uint8_t version = c.u8(), reserved = c.u8();
  const std::uint16_t length = c.be16();
  const std::uint8_t header = c.u8(), type = c.u8();
  if (!c.ok()) return version == 3 ? Probe::kMore : Probe::kNo;
  if (version != 3 || reserved != 0 || length < 7) return Probe::kNo;
  if (type == kRequest) {
    c.skip(5);
    if (length != header + 5u) return Probe::kNo;
    if (in.resp_port == kPort) return Probe::kYes;
    const std::string_view rest = as_text(c.peek_rest());
    if (rest.starts_with(kCookie) || rest.starts_with(kToken)) return Probe::kYes;
    const std::uint8_t kind = c.u8();
    c.skip(1);
    if (kind == kNegotiationRequest && c.le16() == 8 && c.ok()) return Probe::kYes;
    return in.data.size() < std::min<std::size_t>(length, 32) ? Probe::kMore : Probe::kNo;
  }
  if (type != kData) return Probe::kNo;
  c.skip(1);
  const std::uint16_t tag = c.be16();
  return !c.ok() ? Probe::kMore : tag == kConnectInitial ? Probe::kYes : Probe::kNo;
}

Step Parser::on_stream(flow::Context& cx, Dir dir, Cursor& in) {
  if (session_.first == 0) session_.first = cx.now;
  while (!in.done()) {
    Cursor unit = in;
    const std::uint8_t version = unit.u8();
    unit.skip(1);
    const std::uint16_t length = unit.be16();
    if (unit.ok() && (version != 3 || length < kTpktBytes + 2)) return Step::kDetach;
    Cursor body = unit.sub(unit.ok() ? length - kTpktBytes : 0);
    if (!unit.ok()) {
      cx.need(dir, std::max<std::size_t>(length, kTpktBytes));
      return Step::kContinue;
    }
    in = unit;
    if (!on_message(cx, dir, body)) cx.weird(Weird::rdp_message_malformed);
    if (session_.is_tls) {
      cx.hand_over();
      return Step::kContinue;
    }
    if (session_.is_over) return Step::kDetach;
  }
  return Step::kContinue;
}

bool Parser::on_message(flow::Context& cx, Dir dir, Cursor in) {
  const std::uint8_t header = in.u8(), type = in.u8();
  if (!in.ok()) return false;
  const bool is_client = dir == Dir::kOrig;
  if (type == kRequest && is_client) return on_request(in);
  if (type == kConfirm && !is_client) return on_confirm(cx, in);
  if (type != kData || header != 2) return true;
  in.skip(1);
  const std::uint16_t tag = in.be16();
  if (!in.ok()) return true;
  if (tag == kConnectInitial && is_client) return on_connect_initial(cx, in);
  if (tag == kConnectResponse && !is_client) return on_connect_response(cx, in);
  return true;
}

bool Parser::on_request(Cursor in) {
  in.skip(5);
  if (!in.ok()) return false;
  session_.cookie.emplace();
  std::string_view rest = as_text(in.peek_rest());
  if (rest.starts_with(kCookie) || rest.starts_with(kToken)) {
    const std::size_t end = rest.find("\r\n");
    if (end == std::string_view::npos) return false;
    if (rest.starts_with(kCookie))
      session_.cookie = rest.substr(kCookie.size(), std::min(end - kCookie.size(), kTextMax));
    in.skip(end + 2);
  }
  if (in.done()) return true;
  const std::uint8_t type = in.u8();
  in.skip(1);
  const std::uint16_t length = in.le16();
  const std::uint32_t protocols = in.le32();
  if (!in.ok() || type != kNegotiationRequest || length != 8) return false;
  session_.requested = protocols;
  return true;
}

bool Parser::on_confirm(flow::Context&, Cursor in) {
  in.skip(5);
  if (!in.ok()) return false;
  if (in.done()) return true;
  const std::uint8_t type = in.u8();
  in.skip(1);
  const std::uint16_t length = in.le16();
  const std::uint32_t value = in.le32();
  if (!in.ok() || length != 8) return false;
  if (type == kNegotiationFailure) {
    session_.result = failure_name(value);
    session_.is_over = true;
    return true;
  }
  if (type != kNegotiationResponse) return false;
  session_.security = security_name(value);
  session_.is_tls = value != 0;
  if (session_.is_tls && !session_.result) session_.result = "encrypted";
  return true;
}

bool Parser::on_connect_initial(flow::Context& cx, Cursor in) {
  // T.124 8.7: a request to make a conference, of the length of its parameters; then who extends it: "Duca".
  constexpr std::size_t kParameterBytes = 8;
  const Bytes data = user_data(in, true);
  Cursor gcc = conference(data);
  gcc.skip(kParameterBytes);
  if (!in.ok() || as_text(gcc.take(4)) != "Duca") return false;
  per_length(gcc);
  if (!gcc.ok()) return false;
  cx.confirm("rdp");
  while (!gcc.done()) {
    const Block b = next_block(gcc);
    if (!gcc.ok()) return false;
    if (b.type == kClientCore && !read_client_core(session_, b.body)) return false;
    if (b.type == kClientNetwork && session_.channels.empty() && !read_client_network(session_, b.body)) return false;
  }
  if (session_.has_more_channels) cx.weird(Weird::rdp_channel_limit);
  return true;
}

bool Parser::on_connect_response(flow::Context& cx, Cursor in) {
  const Bytes data = user_data(in, false);
  Cursor gcc = conference(data);
  gcc.skip(3);  // choice, node
  const std::uint8_t tag_bytes = gcc.u8();
  gcc.skip(tag_bytes);
  const std::uint8_t result = gcc.u8();
  gcc.skip(3);  // sets, presence, length of the key
  if (!in.ok() || as_text(gcc.take(4)) != "McDn") return false;
  per_length(gcc);
  if (!gcc.ok()) return false;
  cx.confirm("rdp");
  session_.is_over = true;
  session_.result = result_name(result);
  while (!gcc.done()) {
    const Block b = next_block(gcc);
    if (!gcc.ok()) return false;
    if (b.type == kServerSecurity && !on_security(cx, b.body)) return false;
  }
  return true;
}

// MS-RDPBCGR 2.2.1.4.3.
bool Parser::on_security(flow::Context& cx, Cursor in) {
  constexpr std::uint32_t kRsa = 1, kX509 = 2, kTemporary = 0x80000000;
  const std::uint32_t method = in.le32(), level = in.le32();
  if (!in.ok()) return false;
  session_.method = method_name(method);
  session_.level = level_name(level);
  if (method == 0 || level == 0) return true;
  session_.security = security_name(0);
  const std::uint32_t random_length = in.le32(), certificate_length = in.le32();
  in.skip(random_length);
  Cursor certificate = in.sub(certificate_length);
  if (!in.ok() || certificate.done()) return in.ok();
  const std::uint32_t version = certificate.le32(), type = version & ~kTemporary;
  if (!certificate.ok()) return false;
  session_.certificate_type = certificate_name(type);
  session_.is_permanent = (version & kTemporary) == 0;
  if (type == kRsa) session_.certificates = 1;
  if (type != kX509) return true;
  const std::uint32_t count = certificate.le32();
  for (std::uint32_t i = 0; i < std::min<std::uint32_t>(count, kCertificatesMax) && !certificate.done(); i++) {
    const Bytes der = certificate.take(certificate.le32());
    if (!certificate.ok()) return false;
    x509::Seen seen;
    static_cast<Worker&>(*shared).certificates.see(cx, der, {.is_host = true, .is_client = false}, seen);
    session_.certificates++;
  }
  return certificate.ok();
}

void Parser::on_close(flow::Context& cx) {
  const Session& s = session_;
  if (is_written_ || (!s.cookie && !s.layout && !s.result)) return;
  is_written_ = true;
  const auto text = [](const std::optional<std::string>& t) {
    return t ? std::optional<std::string_view>(*t) : std::nullopt;
  };
  std::array<std::string_view, kChannelsMax> channels;
  std::copy(s.channels.begin(), s.channels.end(), channels.begin());
  RdpEvent e;
  e.ts = micros(s.first);
  e.cookie = text(s.cookie);
  e.result = text(s.result);
  e.security_protocol = text(s.security);
  e.client_channels = {channels.data(), s.channels.size()};
  e.keyboard_layout = text(s.layout);
  e.client_build = text(s.build);
  e.client_name = text(s.client_name);
  e.client_dig_product_id = text(s.product);
  e.desktop_width = s.width;
  e.desktop_height = s.height;
  e.requested_color_depth = text(s.colors);
  e.cert_type = text(s.certificate_type);
  e.cert_count = s.certificates;
  e.cert_permanent = s.is_permanent;
  e.encryption_level = text(s.level);
  e.encryption_method = text(s.method);
  e.ssl = s.is_tls;
  e.requested_protocols = s.requested;
  e.cut = s.has_more_channels;
  cx.emit(e);
}

extern constexpr flow::ProtocolInfo kProtocol =
    flow::make_protocol<Parser, Worker>("rdp", true, false, probe, kUnreadMax);

}  // namespace catenary::rdp
