#include "protocols/snmp/snmp.h"

#include <algorithm>
#include <charconv>

#include "base/ber.h"
#include "flow/flow.h"
#include "protocols/snmp/snmp.gen.h"

namespace catenary::snmp {

using namespace ber;

namespace {

// RFC 2578 7.1.8: [APPLICATION 3], primitive.
constexpr std::uint8_t kTimeTicks = 0x43;

enum : std::uint8_t { kVersion1 = 0, kVersion2c = 1, kVersion3 = 3 };
// RFC 1157 4.1, RFC 3416 3: types of message.
enum : std::uint8_t {
  kGet = 0xa0,
  kGetNext = 0xa1,
  kResponse = 0xa2,
  kSet = 0xa3,
  kTrapV1 = 0xa4,
  kGetBulk = 0xa5,
  kInform = 0xa6,
  kTrapV2 = 0xa7,
  kReport = 0xa8,
};
// RFC 3412 6.4: flags of a message.
constexpr std::uint8_t kAuthFlag = 1, kPrivFlag = 2;
// RFC 3411 5: the user-based model, RFC 3414.
constexpr std::uint32_t kUserModel = 3;

// 1.3.6.1.2.1.1.1.0 and .3.0: sysDescr, sysUpTime. 1.3.6.1.6.3.1.1.4.1.0: snmpTrapOID. RFC 3418 2.
constexpr std::array<std::uint8_t, 8> kDescription = {0x2b, 6, 1, 2, 1, 1, 1, 0};
constexpr std::array<std::uint8_t, 8> kUpTime = {0x2b, 6, 1, 2, 1, 1, 3, 0};
constexpr std::array<std::uint8_t, 10> kTrapName = {0x2b, 6, 1, 6, 3, 1, 1, 4, 1, 0};

template <std::size_t N>
bool is(Bytes oid, const std::array<std::uint8_t, N>& name) noexcept {
  return std::equal(oid.begin(), oid.end(), name.begin(), name.end());
}

std::optional<std::uint32_t> integer_of(Cursor& in) noexcept {
  const auto v = integer(expect(in, kInteger));
  if (!v) in.fail();
  return v;
}

bool is_server_port(std::uint16_t port) noexcept { return port == kPort || port == kTrapPort; }

std::string_view version_name(std::uint32_t version) noexcept {
  return version == kVersion1 ? "1" : version == kVersion2c ? "2c" : "3";
}

// One more number at the end of a name; what has no room is left off, and said.
void append(OidText& out, std::uint32_t number) noexcept {
  std::array<char, 12> digits;
  digits[0] = '.';
  const char* end = std::to_chars(digits.data() + 1, digits.data() + digits.size(), number).ptr;
  const auto size = static_cast<std::size_t>(end - digits.data());
  if (out.is_cut || out.size + size > out.bytes.size()) {
    out.is_cut = true;
    return;
  }
  std::copy_n(digits.begin(), size, out.bytes.begin() + out.size);
  out.size = static_cast<std::uint8_t>(out.size + size);
}

}  // namespace

flow::Probe probe(const flow::ProbeInput& in) noexcept {
  Cursor c(in.data);
  Cursor message(expect(c, kSequence));
  const auto version = integer(expect(message, kInteger));
  const Tlv second = next(message);
  if (!c.ok() || !message.ok() || !version) return flow::Probe::kNo;
  if (*version == kVersion3) return second.tag == kSequence ? flow::Probe::kYes : flow::Probe::kNo;
  if (*version > kVersion2c || second.tag != kOctetString) return flow::Probe::kNo;
  const std::uint8_t type = message.u8();
  return message.ok() && type >= kGet && type <= kReport ? flow::Probe::kYes : flow::Probe::kNo;
}

flow::Step Parser::on_datagram(flow::Context& cx, flow::Dir dir, Cursor in) {
  // As in Zeek: whoever speaks first from a port of the protocol to one that is none of its, answers.
  const flow::Flow& f = cx.flow;
  if (!is_begun_ && dir == flow::Dir::kOrig && is_server_port(f.orig_p) && !is_server_port(f.resp_p)) {
    cx.flip();
    dir = flow::Dir::kResp;
  }
  if (!read(cx, dir, in)) cx.weird(Weird::snmp_malformed);
  return flow::Step::kContinue;
}

void Parser::begin(flow::Context& cx, std::string_view version) {
  if (!is_begun_) {
    first_ = cx.now;
    version_ = version;
  }
  is_begun_ = true;
  last_ = cx.now;
  messages_++;
}

bool Parser::read(flow::Context& cx, flow::Dir dir, Cursor in) {
  Cursor message(expect(in, kSequence));
  const auto version = integer_of(message);
  if (!in.ok() || !message.ok()) return false;
  if (*version == kVersion3) return read_v3(cx, dir, message);
  if (*version > kVersion2c) {
    cx.weird(Weird::snmp_version_unknown);
    return true;
  }
  const Bytes community = expect(message, kOctetString);
  if (!message.ok() || message.done()) return false;
  begin(cx, version_name(*version));
  if (!community_.is_set) community_.set(as_text(community));
  return read_pdu(cx, dir, message);
}

// RFC 3412 6, RFC 3414 2.4.
bool Parser::read_v3(flow::Context& cx, flow::Dir dir, Cursor& in) {
  Cursor header(expect(in, kSequence));
  integer_of(header);
  integer_of(header);
  const Bytes flags = expect(header, kOctetString);
  const auto model = integer_of(header);
  const Bytes security = expect(in, kOctetString);
  if (!in.ok() || !header.ok() || flags.size() != 1 || in.done()) return false;
  Bytes engine, user;
  if (*model == kUserModel) {
    Cursor outer(security);
    Cursor parameters(expect(outer, kSequence));
    engine = expect(parameters, kOctetString);
    integer_of(parameters);
    integer_of(parameters);
    user = expect(parameters, kOctetString);
    if (!outer.ok() || !parameters.ok()) return false;
  }
  begin(cx, version_name(kVersion3));
  has_v3_ = true;
  if ((flags[0] & kAuthFlag) != 0) is_authenticated_ = true;
  if (!user.empty() && !user_.is_set) user_.set(as_text(user));
  if (!engine.empty() && !engine_.is_set) {
    std::array<char, 2 * kNameMax> digits;
    static constexpr char kDigits[] = "0123456789abcdef";
    std::size_t size = 0;
    for (const std::uint8_t b : engine.first(std::min(engine.size(), kNameMax))) {
      digits[size++] = kDigits[b >> 4];
      digits[size++] = kDigits[b & 15];
    }
    engine_.set({digits.data(), size});
  }
  if ((flags[0] & kPrivFlag) != 0) {
    is_encrypted_ = true;
    expect(in, kOctetString);
    if (in.ok() && dir == flow::Dir::kResp) has_answer_ = true;
    if (in.ok() && dir == flow::Dir::kOrig) has_question_ = true;
    confirm(cx);
    return in.ok();
  }
  if (!user.empty() && !community_.is_set) community_.set(as_text(user));
  Cursor scoped(expect(in, kSequence));
  expect(scoped, kOctetString);
  expect(scoped, kOctetString);
  if (!in.ok() || !scoped.ok() || scoped.done()) return false;
  return read_pdu(cx, dir, scoped);
}

void Parser::confirm(flow::Context& cx) {
  if (has_question_ && has_answer_) cx.confirm(kProtocol.name);
}

bool Parser::read_pdu(flow::Context& cx, flow::Dir dir, Cursor& in) {
  const Tlv v = next(in);
  if (!in.ok()) return false;
  if (v.tag < kGet || v.tag > kReport) {
    cx.weird(Weird::snmp_pdu_unknown);
    return true;
  }
  (dir == flow::Dir::kOrig ? has_question_ : has_answer_) = true;
  confirm(cx);
  Cursor pdu(v.value);
  if (v.tag == kTrapV1) return read_trap_v1(cx, pdu);
  integer_of(pdu);
  const auto status = integer_of(pdu);  // GetBulk: non-repeaters and repetitions
  integer_of(pdu);
  Cursor list(expect(pdu, kSequence));
  if (!pdu.ok()) return false;
  if (v.tag == kResponse && *status != 0 && !error_) error_ = status;
  if (v.tag == kInform || v.tag == kTrapV2) traps_++;
  return read_bindings(cx, v.tag, list);
}

// RFC 1157 4.1.6: enterprise, agent's address, generic and specific number, time, bindings.
bool Parser::read_trap_v1(flow::Context& cx, Cursor pdu) {
  const Bytes enterprise = expect(pdu, kOid);
  next(pdu);
  const auto generic = integer_of(pdu), specific = integer_of(pdu);
  next(pdu);
  Cursor list(expect(pdu, kSequence));
  if (!pdu.ok()) return false;
  traps_++;
  if (trap_oid_.size == 0) {
    // RFC 3584 3.1: the name that version 2 has for it.
    constexpr std::uint32_t kSpecific = 6;
    constexpr std::array<std::uint8_t, 8> kGeneric = {0x2b, 6, 1, 6, 3, 1, 1, 5};
    const bool is_specific = *generic >= kSpecific;
    if (!oid_text(is_specific ? enterprise : Bytes(kGeneric), trap_oid_)) cx.weird(Weird::snmp_oid_too_long);
    if (is_specific) append(trap_oid_, 0);
    append(trap_oid_, is_specific ? *specific : *generic + 1);
  }
  return read_bindings(cx, kTrapV1, list);
}

bool Parser::read_bindings(flow::Context& cx, std::uint8_t type, Cursor list) {
  const bool is_asked = type == kGet || type == kGetNext || type == kGetBulk || type == kSet;
  std::uint32_t count = 0;
  while (!list.done()) {
    Cursor binding(expect(list, kSequence));
    const Bytes name = expect(binding, kOid);
    const Tlv value = next(binding);
    if (!list.ok() || !binding.ok()) return false;
    count++;
    if (is_asked && list.done() && !oid_text(name, last_oid_)) cx.weird(Weird::snmp_oid_too_long);
    if (is_asked && first_oid_.size == 0) oid_text(name, first_oid_);
    if (type == kTrapV2 && trap_oid_.size == 0 && is(name, kTrapName) && value.tag == kOid) {
      if (!oid_text(value.value, trap_oid_)) cx.weird(Weird::snmp_oid_too_long);
    }
    if (type != kResponse) continue;
    if (value.tag == kOctetString && is(name, kDescription)) description_.set(as_text(value.value));
    const auto ticks = value.tag == kTimeTicks && is(name, kUpTime) ? integer(value.value) : std::nullopt;
    if (ticks) up_since_ = cx.now - static_cast<Nanos>(*ticks) * (kSecond / 100);
  }
  switch (type) {
    case kGet:
    case kGetNext: gets_ += count; break;
    case kGetBulk: bulks_ += count; break;
    case kResponse: responses_ += count; break;
    case kSet: sets_ += count; break;
    default: break;
  }
  return true;
}

void Parser::on_close(flow::Context& cx) {
  if (!is_begun_) return;
  SnmpEvent e;
  e.ts = micros(first_);
  e.duration = seconds(last_ - first_);
  e.version = version_;
  e.get_requests = gets_;
  e.get_bulk_requests = bulks_;
  e.get_responses = responses_;
  e.set_requests = sets_;
  e.messages = messages_;
  e.traps = traps_;
  if (community_.is_set) e.community = community_.view();
  if (description_.is_set) e.display_string = description_.view();
  if (up_since_) e.up_since = micros(*up_since_);
  if (trap_oid_.size > 0) e.trap_oid = trap_oid_.view();
  if (first_oid_.size > 0) e.first_oid = first_oid_.view();
  if (last_oid_.size > 0) e.last_oid = last_oid_.view();
  e.error_status = error_;
  if (engine_.is_set) e.engine_id = engine_.view();
  if (user_.is_set) e.user = user_.view();
  if (has_v3_) {
    e.is_authenticated = is_authenticated_;
    e.is_encrypted = is_encrypted_;
  }
  for (const bool is_cut : {community_.is_set && community_.is_cut, description_.is_set && description_.is_cut,
                            engine_.is_set && engine_.is_cut, user_.is_set && user_.is_cut, trap_oid_.is_cut,
                            first_oid_.is_cut, last_oid_.is_cut}) {
    if (is_cut) e.cut = true;
  }
  cx.emit(e);
}

}  // namespace catenary::snmp
