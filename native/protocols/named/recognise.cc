#include "protocols/named/recognise.h"

#include <algorithm>
#include <string_view>

#include "base/ascii.h"

namespace catenary::named {
namespace {

using flow::Probe;
using flow::ProbeInput;

Probe starts(std::string_view text, std::string_view with) noexcept {
  const std::size_t n = std::min(text.size(), with.size());
  if (text.substr(0, n) != with.substr(0, n)) return Probe::kNo;
  return n == with.size() ? Probe::kYes : Probe::kMore;
}

// ---- Modbus/TCP: Modbus Messaging on TCP/IP 1.0b, 3.1.3; Modbus Application Protocol 1.1b3, 6 -------------------
Probe modbus_answer(Bytes b) noexcept {
  Cursor in(b);
  in.skip(2);
  const std::uint16_t protocol = in.be16(), length = in.be16();
  in.skip(1);
  const std::uint8_t function = in.u8() & 0x7f;
  if (!in.ok()) return Probe::kMore;
  constexpr std::uint16_t kLengthMax = 254;
  return protocol == 0 && length >= 2 && length <= kLengthMax && function > 0 ? Probe::kYes : Probe::kNo;
}

Probe modbus(const ProbeInput& p) noexcept {
  constexpr std::uint8_t kReads = 6, kWriteCoils = 15, kWriteRegisters = 16, kReadWrite = 23;
  Cursor in(p.data);
  in.skip(4);
  const std::uint16_t length = in.be16();
  in.skip(1);
  const std::uint8_t function = in.u8();
  // One whole request a segment, of a length that its function has: eight bytes say little on any port.
  const Probe head = modbus_answer(p.data);
  if (head != Probe::kYes || p.data.size() != 6u + length) return head == Probe::kMore ? Probe::kMore : Probe::kNo;
  if (p.resp_port == 502 || p.orig_port == 502) return Probe::kYes;
  if (function <= kReads) return length == 6 ? Probe::kYes : Probe::kNo;
  in.skip(4);
  if (function == kReadWrite) in.skip(4);
  const std::uint8_t bytes = in.u8();
  const bool has_bytes = function == kWriteCoils || function == kWriteRegisters || function == kReadWrite;
  return has_bytes && in.ok() && in.left() == bytes ? Probe::kYes : Probe::kNo;
}

// ---- DNP3: IEEE 1815 9.2.4 -------------------------------------------------------------------------------------
std::uint16_t dnp3_crc(Bytes b) noexcept {
  std::uint16_t crc = 0;
  for (const std::uint8_t byte : b) {
    crc = static_cast<std::uint16_t>(crc ^ byte);
    for (int bit = 0; bit < 8; bit++) crc = static_cast<std::uint16_t>((crc & 1) != 0 ? crc >> 1 ^ 0xa6bc : crc >> 1);
  }
  return static_cast<std::uint16_t>(~crc);
}

Probe dnp3(const ProbeInput& p) noexcept {
  constexpr std::uint16_t kStart = 0x6405;
  constexpr std::uint8_t kLengthMin = 5;
  Cursor in(p.data);
  const Bytes header = in.peek(8);
  if (in.le16() != kStart) return p.data.size() < 2 ? Probe::kMore : Probe::kNo;
  const std::uint8_t length = in.u8();
  in.skip(5);
  const std::uint16_t crc = in.le16();
  if (!in.ok()) return Probe::kMore;
  return length >= kLengthMin && dnp3_crc(header) == crc ? Probe::kYes : Probe::kNo;
}

// ---- MQTT: 3.1 section 3.1, 3.1.1 section 3.1, 5 section 3.1 ---------------------------------------------------
// The level of CONNECT; 0: no CONNECT. Fails `in` while it is short.
std::uint8_t mqtt_level(Cursor& in) noexcept {
  constexpr std::uint8_t kConnect = 0x10;
  if (in.u8() != kConnect) return 0;
  for (int n = 0; (in.u8() & 0x80) != 0; n++) {
    if (n == 3) return 0;  // 2.2.3: at most four bytes of length
  }
  const std::uint16_t length = in.be16();
  if (in.ok() && length != 4 && length != 6) return 0;
  const std::string_view name = as_text(in.take(length));
  const std::uint8_t level = in.u8();
  return !in.ok() || name == "MQTT" || name == "MQIsdp" ? level : 0;
}

// In the middle of a session, on the usual port: a whole SUBSCRIBE or PUBLISH.
bool is_mqtt_message(Bytes b) noexcept {
  constexpr std::uint8_t kSubscribe = 0x82, kPublish = 0x30;
  Cursor in(b);
  const std::uint8_t type = in.u8(), length = in.u8();
  return in.ok() && (type == kSubscribe || (type & 0xf0) == kPublish) && length < 0x80 && length > 2 &&
         in.left() == length;
}

Probe mqtt_at(const ProbeInput& p, bool is_5) noexcept {
  constexpr std::uint16_t kPort = 1883;
  Cursor in(p.data);
  const std::uint8_t level = mqtt_level(in);
  if (!in.ok()) return Probe::kMore;
  if (!is_5 && level == 0 && p.resp_port == kPort && is_mqtt_message(p.data)) return Probe::kYes;
  return is_5 ? (level == 5 ? Probe::kYes : Probe::kNo) : (level == 3 || level == 4 ? Probe::kYes : Probe::kNo);
}
Probe mqtt(const ProbeInput& p) noexcept { return mqtt_at(p, false); }
Probe mqtt5(const ProbeInput& p) noexcept { return mqtt_at(p, true); }

// ---- RFB: RFC 6143 7.1.1 ---------------------------------------------------------------------------------------
Probe rfb_answer(Bytes b) noexcept {
  const std::string_view text = as_text(b);
  const Probe head = starts(text, "RFB 00");
  if (head != Probe::kYes || text.size() < 12) return head == Probe::kNo ? Probe::kNo : Probe::kMore;
  return text[7] == '.' && text[11] == '\n' ? Probe::kYes : Probe::kNo;
}
Probe rfb(const ProbeInput& p) noexcept { return rfb_answer(p.data); }

// ---- SIP: RFC 3261 7 -------------------------------------------------------------------------------------------
Probe sip_answer(Bytes b) noexcept {
  constexpr std::string_view kVersion = "SIP/2.0";
  const std::string_view line = as_text(b).substr(0, as_text(b).find('\n'));
  if (line.starts_with(kVersion)) return Probe::kYes;
  const std::size_t blank = line.find(' ');
  if (blank == std::string_view::npos || blank == 0 || blank > 32) return Probe::kNo;
  if (!std::all_of(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(blank), ascii::is_letter))
    return Probe::kNo;
  return line.find(kVersion, blank) != std::string_view::npos ? Probe::kYes : Probe::kNo;
}
Probe sip(const ProbeInput& p) noexcept { return sip_answer(p.data); }

// ---- MySQL: client/server protocol, "Connection Phase" ---------------------------------------------------------
Probe mysql(const ProbeInput& p) noexcept {
  constexpr std::uint8_t kVersion10 = 10, kVersion9 = 9, kError = 0xff;
  Cursor in(p.data);
  const std::uint32_t length = in.u8() | static_cast<std::uint32_t>(in.le16()) << 8;
  const std::uint8_t sequence = in.u8(), version = in.u8();
  if (!in.ok()) return Probe::kMore;
  if (sequence != 0 || length < 8 || p.data.size() != length + 4) return Probe::kNo;
  if (version == kError) return p.resp_port == 3306 && p.dir == flow::Dir::kResp ? Probe::kYes : Probe::kNo;
  if (version != kVersion10 && version != kVersion9) return Probe::kNo;
  const std::string_view text = as_text(in.rest());
  const std::string_view name = text.substr(0, text.find('\0'));
  return !name.empty() && name.size() < 64 && ascii::is_digit(name[0]) &&
                 std::all_of(name.begin(), name.end(), [](char c) { return ascii::is_graph(c) || c == ' '; })
             ? Probe::kYes
             : Probe::kNo;
}
Probe mysql_answer(Bytes b) noexcept {
  Cursor in(b);
  in.skip(3);
  const std::uint8_t sequence = in.u8();
  if (!in.ok()) return Probe::kMore;
  return sequence == 1 ? Probe::kYes : Probe::kNo;
}
// SSLRequest: capabilities with CLIENT_SSL and nothing behind them but the character set; TLS follows.
std::size_t mysql_over(Bytes answer) noexcept {
  constexpr std::uint32_t kRequestBytes = 32;
  constexpr std::uint32_t kSsl = 0x800;
  Cursor in(answer);
  const std::uint32_t length = in.u8() | static_cast<std::uint32_t>(in.le16()) << 8;
  in.skip(1);
  const std::uint32_t capabilities = in.le32();
  return in.ok() && length == kRequestBytes && (capabilities & kSsl) != 0 ? kRequestBytes + 4 : 0;
}

// ---- IRC: RFC 2812 3.1 -----------------------------------------------------------------------------------------
// USER has four parameters, which keeps it apart from the USER of FTP and POP3.
Probe irc(const ProbeInput& p) noexcept {
  const std::string_view text = as_text(p.data);
  if (p.dir != flow::Dir::kOrig) return Probe::kNo;
  for (const std::string_view command : {"NICK ", "CAP LS", "USER "}) {
    const Probe r = starts(text, command);
    if (r == Probe::kNo) continue;
    const std::size_t end = text.find('\n');
    if (r == Probe::kMore || end == std::string_view::npos) return Probe::kMore;
    const std::string_view line = text.substr(0, end);
    return command != "USER " || std::count(line.begin(), line.end(), ' ') >= 4 ? Probe::kYes : Probe::kNo;
  }
  return Probe::kNo;
}
Probe irc_answer(Bytes b) noexcept {
  const std::string_view text = as_text(b);
  if (text.starts_with(":") || text.starts_with("PING ")) return Probe::kYes;
  return starts(text, "NOTICE ");
}

// ---- XMPP: RFC 6120 4.2 ----------------------------------------------------------------------------------------
Probe xmpp_answer(Bytes b) noexcept {
  const std::string_view text = as_text(b);
  if (starts(text, "<?xml") == Probe::kNo && starts(text, "<stream:stream") == Probe::kNo) return Probe::kNo;
  return text.find("<stream:stream") != std::string_view::npos ? Probe::kYes : Probe::kMore;
}
Probe xmpp(const ProbeInput& p) noexcept { return xmpp_answer(p.data); }
std::size_t xmpp_over(Bytes answer) noexcept { return answer.size(); }

// ---- RDP over UDP: MS-RDPEUDP 2.2.1 ----------------------------------------------------------------------------
Probe rdpeudp(const ProbeInput& p) noexcept {
  constexpr std::size_t kBytes = 1232;
  constexpr std::uint16_t kSyn = 1;
  Cursor in(p.data);
  const std::uint32_t source_ack = in.be32();
  in.skip(2);
  const std::uint16_t flags = in.be16();
  return p.data.size() == kBytes && source_ack == 0xffffffff && (flags & 0xff) == kSyn ? Probe::kYes : Probe::kNo;
}
Probe rdpeudp_answer(Bytes b) noexcept {
  constexpr std::uint16_t kSynAck = 5;
  Cursor in(b);
  in.skip(6);
  const std::uint16_t flags = in.be16();
  return in.ok() && (flags & 0xff) == kSynAck ? Probe::kYes : Probe::kNo;
}

constexpr Row kRows[] = {{"modbus", true, false, modbus, modbus_answer, nullptr},
                         {"dnp3_tcp", true, false, dnp3, nullptr, nullptr},
                         {"dnp3_udp", false, true, dnp3, nullptr, nullptr},
                         {"mqtt", true, false, mqtt, nullptr, nullptr},
                         {"mqtt5", true, false, mqtt5, nullptr, nullptr},
                         {"rfb", true, false, rfb, rfb_answer, nullptr},
                         {"sip", false, true, sip, sip_answer, nullptr},
                         {"mysql", true, false, mysql, mysql_answer, mysql_over},
                         {"irc", true, false, irc, irc_answer, nullptr},
                         {"xmpp", true, false, xmpp, xmpp_answer, xmpp_over},
                         {"rdpeudp", false, true, rdpeudp, rdpeudp_answer, nullptr}};

}  // namespace

std::span<const Row> rows() noexcept { return kRows; }

}  // namespace catenary::named
