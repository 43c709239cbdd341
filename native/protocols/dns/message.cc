#include "protocols/dns/message.h"

#include <algorithm>
#include <cstring>

#include "protocols/dns/names.h"

namespace catenary::dns {

bool read_header(Bytes message, Header& out) noexcept {
  Cursor c(message);
  out.id = c.be16();
  out.flags = c.be16();
  out.questions = c.be16();
  out.answers = c.be16();
  out.authorities = c.be16();
  out.additionals = c.be16();
  return c.ok();
}

Weird weird_of(NameFault fault) noexcept {
  switch (fault) {
    case NameFault::kPointerLoop: return Weird::dns_name_pointer_loop;
    case NameFault::kPointerOutside: return Weird::dns_name_pointer_outside;
    case NameFault::kTooLong: return Weird::dns_name_too_long;
    case NameFault::kLabelType: return Weird::dns_label_type_unknown;
    case NameFault::kTruncated:
    case NameFault::kNone: break;
  }
  return Weird::dns_counts_exceed_message;
}

void read_name(Bytes message, std::size_t at, bool is_netbios, Case letters, Name& out) noexcept {
  out.size = 0;
  out.fault = NameFault::kNone;
  std::size_t end = message.size();  // of what may be read; each jump brings it nearer
  std::size_t jumps = 0;
  Cursor c(message.subspan(std::min(at, end)));
  const auto stop = [&](NameFault fault) noexcept {
    out.fault = fault;
    if (jumps == 0) out.next = end - c.left();
  };
  for (;;) {
    const std::size_t start = end - c.left();
    const std::uint8_t length = c.u8();
    if (!c.ok()) return stop(NameFault::kTruncated);
    if (length == 0) return stop(NameFault::kNone);
    if (length >= 0xc0) {
      const std::size_t target = (length & 0x3fu) << 8 | c.u8();
      if (!c.ok()) return stop(NameFault::kTruncated);
      if (jumps == 0) out.next = end - c.left();
      jumps++;
      if (target >= message.size()) return stop(NameFault::kPointerOutside);
      if (target >= start || jumps > kPointersMax) return stop(NameFault::kPointerLoop);
      c = Cursor(message.subspan(target, start - target));
      end = start;
      continue;
    }
    // RFC 1035 4.1.4: 01 and 10 are reserved; old NetBIOS scopes write such lengths all the same.
    if (length > 63 && !is_netbios) return stop(NameFault::kLabelType);
    const Bytes label = c.take(length);
    if (!c.ok()) return stop(NameFault::kTruncated);
    const std::size_t dot = out.size > 0 ? 1 : 0;
    if (out.size + dot + label.size() > kNameBytesMax) return stop(NameFault::kTooLong);
    if (dot) out.text[out.size++] = '.';
    char* to = out.text.data() + out.size;
    const std::string_view from = as_text(label);
    if (letters == Case::kKeep)
      std::memcpy(to, from.data(), from.size());
    else
      std::transform(from.begin(), from.end(), to, to_lower);
    out.size = static_cast<std::uint16_t>(out.size + label.size());
  }
}

bool read_question(Bytes message, std::size_t& at, bool is_netbios, Question& out) noexcept {
  read_name(message, at, is_netbios, Case::kKeep, out.name);
  if (is_fatal(out.name.fault)) return false;
  Cursor c(message.subspan(out.name.next));
  out.type = c.be16();
  out.klass = c.be16();
  if (!c.ok()) return false;
  at = out.name.next + 4;
  return true;
}

bool read_record(Bytes message, std::size_t& at, bool is_netbios, Record& out) noexcept {
  // Most owners are a pointer to the first name of the message, which has been looked at; so nothing is wrong with
  // them.
  constexpr std::uint16_t kFirstName = 0xc000 | kHeaderBytes;
  out.owner_at = at;
  out.is_owner_read = at <= kHeaderBytes || Cursor(message.subspan(std::min(at, message.size()))).be16() != kFirstName;
  if (out.is_owner_read) {
    read_name(message, at, is_netbios, Case::kLower, out.name);
    if (is_fatal(out.name.fault)) return false;
  } else {
    out.name.fault = NameFault::kNone;
    out.name.next = at + 2;
  }
  Cursor c(message.subspan(out.name.next));
  out.type = c.be16();
  out.klass = c.be16();
  out.ttl = c.be32();
  out.data_size = c.be16();
  out.data_at = out.name.next + 10;
  c.skip(out.data_size);
  if (!c.ok()) return false;
  at = out.end();
  return true;
}

std::string_view Record::owner(Bytes message, bool is_netbios) noexcept {
  if (!is_owner_read) {
    const std::size_t next = name.next;
    read_name(message, owner_at, is_netbios, Case::kLower, name);
    name.next = next;
    is_owner_read = true;
  }
  return name.view();
}

bool is_plausible_header(const Header& h, Manner manner) noexcept {
  return h.questions <= manner.questions_max() && !opcode_name(h.opcode(), manner.is_netbios).empty();
}

namespace {

// Letters of host and service names; other bytes are legal (RFC 2181 11) but too rare to tell a protocol by.
bool is_name_text(std::string_view name) noexcept {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '-' && c <= '9' && c != '/') || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '_';
  });
}

}  // namespace

bool is_surely_dns(Bytes message) noexcept {
  Header h;
  if (!read_header(message, h)) return false;
  constexpr std::uint16_t kReserved = 0x0040;
  const unsigned records = h.answers + 0u + h.authorities + h.additionals;
  if (h.questions != 1 || records > kSureRecordsMax || (h.flags & kReserved) != 0) return false;
  if (h.opcode() != opcode::kQuery && h.opcode() != opcode::kNotify && h.opcode() != opcode::kUpdate) return false;
  const bool is_query = !h.is_response() && h.opcode() == opcode::kQuery;
  if (is_query && (h.answers > 0 || h.authorities > 0 || h.additionals > 2 || h.rcode() != 0 || h.ra())) return false;

  std::size_t at = kHeaderBytes;
  Question q;
  if (!read_question(message, at, false, q) || q.name.fault != NameFault::kNone) return false;
  const std::uint16_t klass = q.klass & 0x7fff;  // RFC 6762 5.4: the top bit asks for a unicast answer
  if (klass != klass::kInternet && klass != klass::kChaos && klass != klass::kAny) return false;
  if (type_name(q.type).empty() || !is_name_text(q.name.view())) return false;
  for (unsigned i = 0; i < records; i++) {
    Record r;
    if (!read_record(message, at, false, r) || r.name.fault != NameFault::kNone) return false;
  }
  return at == message.size();
}

std::size_t decode_netbios(std::string_view encoded, char* out) noexcept {
  if (encoded.size() != 32) return 0;
  for (std::size_t i = 0; i < 16; i++) {
    const int high = to_lower(encoded[2 * i]) - 'a', low = to_lower(encoded[2 * i + 1]) - 'a';
    if (high < 0 || high > 15 || low < 0 || low > 15) return 0;
    out[i] = static_cast<char>(high << 4 | low);
  }
  // The browsers' group begins with 01 02; any other control character is padding or an accident.
  const auto is_name = [](char c) noexcept { return (c >= ' ' && c < 0x7f) || c == 1 || c == 2; };
  const auto end = std::find_if_not(out, out + 15, is_name);
  const std::string_view name(out, static_cast<std::size_t>(end - out));
  return name.find_last_not_of(' ') + 1;
}

}  // namespace catenary::dns
