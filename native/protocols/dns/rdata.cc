#include "protocols/dns/rdata.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/net.h"
#include "event/record.h"
#include "protocols/dns/names.h"

namespace catenary::dns {

TextArena& TextArena::put(std::string_view text) noexcept {
  if (text.empty()) return *this;  // of a failed cursor: no address to copy from
  const std::size_t n = std::min(text.size(), start_ + kTextMax - used_);
  std::memcpy(bytes_.data() + used_, text.data(), n);
  used_ += n;
  return *this;
}

TextArena& TextArena::lower(std::string_view text) noexcept {
  const std::size_t n = std::min(text.size(), start_ + kTextMax - used_);
  std::transform(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(n), bytes_.data() + used_, to_lower);
  used_ += n;
  return *this;
}

TextArena& TextArena::number(std::uint64_t n) noexcept {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, n).ptr;
  return put({digits, static_cast<std::size_t>(end - digits)});
}

TextArena& TextArena::hex(Bytes bytes) noexcept {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (const std::uint8_t b : bytes.first(std::min(bytes.size(), kTextMax))) put(kDigits[b >> 4]).put(kDigits[b & 15]);
  return *this;
}

TextArena& TextArena::ip4(Bytes four) noexcept {
  char text[15];
  char* to = text;
  for (std::size_t i = 0; i < 4; i++) {
    if (i > 0) *to++ = '.';
    to = std::to_chars(to, text + sizeof text, four[i]).ptr;
  }
  return put({text, static_cast<std::size_t>(to - text)});
}

TextArena& TextArena::ip6(Bytes sixteen) noexcept {
  if (Ip::v6(sixteen).is_v4()) return ip4(sixteen.subspan(12));
  std::uint16_t words[8];
  for (std::size_t i = 0; i < 8; i++) words[i] = static_cast<std::uint16_t>(sixteen[2 * i] << 8 | sixteen[2 * i + 1]);
  // RFC 5952 4.2: the first of the longest runs of two or more zero words becomes "::".
  std::size_t run_at = 8, run = 1;
  for (std::size_t i = 0; i < 8; i++) {
    std::size_t n = 0;
    while (i + n < 8 && words[i + n] == 0) n++;
    if (n > run) {
      run_at = i;
      run = n;
    }
    i += n;
  }
  for (std::size_t i = 0; i < 8; i++) {
    if (i == run_at) {
      put("::");
      i += run - 1;
      continue;
    }
    if (i > 0 && i != run_at + run) put(':');
    if (i == 6 && run_at == 0 && run == 6) return ip4(sixteen.subspan(12));  // ::192.0.2.1, as inet_ntop has it
    char digits[4];
    const auto end = std::to_chars(digits, digits + 4, words[i], 16).ptr;
    put({digits, static_cast<std::size_t>(end - digits)});
  }
  return *this;
}

namespace {

// The names in a record's data; none may read beyond the record.
class DataNames {
 public:
  DataNames(Bytes message, const Record& r, bool is_netbios) noexcept
      : upto_(message.first(r.end())), is_netbios_(is_netbios) {}
  // The name `skip` bytes behind the place where the last one ended.
  std::string_view next(std::size_t at, Case letters = Case::kLower) noexcept {
    read_name(upto_, std::min(at, upto_.size()), is_netbios_, letters, name_);
    return name_.view();
  }
  std::size_t end() const noexcept { return name_.next; }
  NameFault fault() const noexcept { return name_.fault; }

 private:
  Bytes upto_;
  bool is_netbios_;
  Name name_;
};

Rendered wrong(bool is_fatal) noexcept {
  Rendered r;
  r.is_length_wrong = true;
  r.is_fatal = is_fatal;
  return r;
}

Rendered answer() noexcept { return {Shown::kAnswer, false, false, NameFault::kNone}; }
Rendered more() noexcept { return {Shown::kMore, false, false, NameFault::kNone}; }

// `tail` bytes of fixed fields follow the name.
Rendered name_at(Bytes message, const Record& r, bool is_netbios, std::size_t offset, TextArena& out) noexcept {
  if (r.data_size < offset) return wrong(true);
  DataNames names(message, r, is_netbios);
  out.put(names.next(r.data_at + offset));
  Rendered done = answer();
  done.name = names.fault();
  done.is_length_wrong = names.end() != r.end();
  return done;
}

Rendered soa(Bytes message, const Record& r, bool is_netbios, TextArena& out) noexcept {
  DataNames names(message, r, is_netbios);
  out.put(names.next(r.data_at));
  Rendered done = answer();
  done.name = names.fault();
  names.next(names.end());
  constexpr std::size_t kNumbers = 20;  // serial, refresh, retry, expire, minimum
  if (r.end() - std::min(names.end(), r.end()) < kNumbers) return wrong(true);
  done.is_length_wrong = names.end() + kNumbers != r.end();
  return done;
}

// RFC 1035 3.3: a length byte and that many bytes. Empty span and failed cursor when the data is shorter.
Bytes char_string(Cursor& in) noexcept { return in.take(in.u8()); }

Rendered texts(std::string_view word, Bytes data, TextArena& out) noexcept {
  Cursor in(data);
  bool is_first = true;
  while (!in.done()) {
    const Bytes text = char_string(in);
    if (!in.ok()) break;
    if (!is_first) out.put(' ');
    out.put(word).put(' ').number(text.size()).put(' ').put(as_text(text));
    is_first = false;
  }
  Rendered done = answer();
  if (is_first) done.shown = Shown::kSilent;
  done.is_length_wrong = done.is_fatal = !in.ok();
  return done;
}

// RFC 3403 4.1.
Rendered naptr(Bytes message, const Record& r, bool is_netbios, TextArena& out) noexcept {
  Cursor in(message.subspan(r.data_at, r.data_size));
  const std::uint16_t order = in.be16(), preference = in.be16();
  const Bytes flags = char_string(in), service = char_string(in), regexp = char_string(in);
  if (!in.ok()) return wrong(true);
  DataNames names(message, r, is_netbios);
  const std::string_view replacement = names.next(r.end() - in.left());
  out.put("NAPTR ").number(order).put(' ').number(preference).put(' ').put(as_text(flags)).put(' ');
  out.put(as_text(service)).put(' ').put(as_text(regexp));
  if (!regexp.empty() && !replacement.empty()) out.put(' ');
  out.put(replacement);
  Rendered done = answer();
  done.name = names.fault();
  done.is_length_wrong = names.end() != r.end();
  return done;
}

// RFC 4034 3.1.
Rendered rrsig(Bytes message, const Record& r, bool is_netbios, TextArena& out) noexcept {
  constexpr std::size_t kBeforeSigner = 18;
  if (r.data_size < kBeforeSigner) return wrong(true);
  Cursor in(message.subspan(r.data_at, r.data_size));
  DataNames names(message, r, is_netbios);
  const std::string_view signer = names.next(r.data_at + kBeforeSigner);
  out.put("RRSIG ").number(in.be16()).put(' ').put(signer.empty() ? "<Root>" : signer);
  Rendered done = answer();
  done.name = names.fault();
  return done;
}

void addresses(Cursor value, std::size_t size, TextArena& out) noexcept {
  for (bool is_first = true; value.has(size); is_first = false) {
    if (!is_first) out.put(',');
    if (size == 4)
      out.ip4(value.take(4));
    else
      out.ip6(value.take(16));
  }
}

// One of RFC 9460 14.3.2's parameters, in its presentation form as far as that is short.
void service_parameter(std::uint16_t key, Cursor& value, TextArena& out) noexcept {
  constexpr std::size_t kShown = 32;
  switch (key) {
    case 0:
      out.put("mandatory=");
      for (bool is_first = true; value.has(2); is_first = false) out.put(is_first ? "" : ",").number(value.be16());
      return;
    case 1:
      out.put("alpn=");
      for (bool is_first = true; !value.done(); is_first = false)
        out.put(is_first ? "" : ",").put(as_text(char_string(value)));
      return;
    case 2: out.put("no-default-alpn"); return;
    case 3: out.put("port=").number(value.be16()); return;
    case 4: return addresses(value, 4, out.put("ipv4hint="));
    case 5: out.put("ech=").number(value.left()).put(" bytes"); return;
    case 6: return addresses(value, 16, out.put("ipv6hint="));
    default:
      out.put("key").number(key);
      if (!value.done()) out.put('=').hex(value.take(std::min(value.left(), kShown)));
  }
}

// RFC 9460 2.2.
Rendered service_binding(Bytes message, const Record& r, bool is_netbios, TextArena& out) noexcept {
  if (r.data_size < 3) return wrong(true);
  Cursor in(message.subspan(r.data_at, r.data_size));
  out.put(type_name(r.type)).put(' ').number(in.be16()).put(' ');
  DataNames names(message, r, is_netbios);
  const std::string_view target = names.next(r.data_at + 2, Case::kKeep);
  out.put(target.empty() ? "." : target);
  Rendered done = more();
  done.name = names.fault();
  Cursor parameters(message.subspan(names.end(), r.end() - names.end()));
  while (!parameters.done()) {
    const std::uint16_t key = parameters.be16();
    Cursor value = parameters.sub(parameters.be16());
    if (!parameters.ok()) break;
    service_parameter(key, value, out.put(' '));
    if (!value.ok()) done.is_length_wrong = true;
  }
  if (!parameters.ok()) done.is_length_wrong = true;
  return done;
}

// RFC 8659 4.1.
Rendered caa(Bytes data, TextArena& out) noexcept {
  Cursor in(data);
  const std::uint8_t flags = in.u8();
  const Bytes tag = char_string(in);
  if (!in.ok()) return wrong(true);
  out.put("CAA ").number(flags).put(' ').put(as_text(tag)).put(' ').put(as_text(in.rest()));
  return more();
}

// RFC 1002 4.2.13: flags and address, over and over.
Rendered netbios_addresses(Bytes data, TextArena& out) noexcept {
  Cursor in(data);
  out.put("NB");
  while (in.has(6)) {
    in.skip(2);
    out.put(' ').ip4(in.take(4));
  }
  Rendered done = more();
  done.is_length_wrong = !in.done();
  return done;
}

// RFC 1002 4.2.18: how many names, each 15 bytes, a kind and flags; then statistics that begin with the hardware
// address.
Rendered netbios_status(Bytes data, TextArena& out) noexcept {
  Cursor in(data);
  out.put("NBSTAT");
  for (unsigned n = in.u8(); n > 0 && in.has(18); n--) {
    const std::string_view name = as_text(in.take(15));
    const std::uint8_t kind[1] = {in.u8()};
    const bool is_group = (in.be16() & 0x8000) != 0;
    out.put(' ').put(name.substr(0, name.find_last_not_of(' ') + 1)).put('<').hex(kind).put(is_group ? ">G" : ">");
  }
  Mac mac{};
  const Bytes unit = in.take(mac.size());
  if (in.ok()) {
    std::copy(unit.begin(), unit.end(), mac.begin());
    char text[kMacTextBytes];
    mac_text(mac, text);
    out.put(' ').put({text, sizeof text});
  }
  Rendered done = more();
  done.is_length_wrong = !in.ok();
  return done;
}

Rendered host_info(Bytes data, TextArena& out) noexcept {
  Cursor in(data);
  const Bytes cpu = char_string(in), os = char_string(in);
  if (!in.ok()) return wrong(true);
  out.put("HINFO ").put(as_text(cpu)).put(' ').put(as_text(os));
  return more();
}

}  // namespace

Rendered render(Bytes message, Record& r, bool is_netbios, bool is_update, TextArena& out) noexcept {
  const Bytes data = message.subspan(r.data_at, r.data_size);
  const auto at_least = [&](std::size_t n) noexcept { return data.size() >= n; };
  switch (r.type) {
    case type::kA:
      if (data.size() != 4) return wrong(true);
      if (is_update) out.put("A ").put(r.owner(message, is_netbios)).put(' ');
      out.ip4(data);
      return answer();
    case type::kAaaa:
    case type::kA6: {
      if (!at_least(16)) return wrong(true);
      if (is_update) out.put(type_name(r.type)).put(' ').put(r.owner(message, is_netbios)).put(' ');
      out.ip6(data.first(16));
      Rendered done = answer();
      done.is_length_wrong = r.type == type::kAaaa && data.size() != 16;
      return done;
    }
    case type::kNs:
    case type::kCname:
    case type::kPtr: return name_at(message, r, is_netbios, 0, out);
    case type::kMx: return name_at(message, r, is_netbios, 2, out);
    case type::kSrv:  // the number NetBIOS had first
      if (is_netbios) return netbios_status(data, out);
      return name_at(message, r, is_netbios, 6, out);
    case type::kSoa: return soa(message, r, is_netbios, out);
    case type::kTxt: return texts("TXT", data, out);
    case type::kSpf: return texts("SPF", data, out);
    case type::kNaptr: return naptr(message, r, is_netbios, out);
    case type::kRrsig: return rrsig(message, r, is_netbios, out);
    case type::kDnskey:
      if (!at_least(4)) return wrong(true);
      out.put("DNSKEY ").number(data[3]);
      return answer();
    case type::kDs:
      if (!at_least(4)) return wrong(true);
      out.put("DS ").number(data[2]).put(' ').number(data[3]);
      return answer();
    case type::kNsec: {
      DataNames names(message, r, is_netbios);
      out.put("NSEC ").put(r.owner(message, is_netbios)).put(' ').put(names.next(r.data_at));
      Rendered done = answer();
      done.name = names.fault();
      return done;
    }
    case type::kNsec3:
      if (!at_least(6)) return wrong(true);
      out.put("NSEC3");
      return answer();
    case type::kNsec3Param:
      if (!at_least(5)) return wrong(true);
      out.put("NSEC3PARAM");
      return answer();
    case type::kBindSigning:
      if (!at_least(5)) return wrong(true);
      out.put("BIND9 signing signal");
      return answer();
    case type::kSshfp:
      if (!at_least(2)) return wrong(true);
      out.put("SSHFP: ").hex(data.subspan(2));
      return answer();
    case type::kLoc:  // RFC 1876 2: version, size, horizontal and vertical precision
      if (!at_least(15)) return wrong(true);
      out.put("LOC:  ").number(data[1]).put(' ').number(data[2]).put(' ').number(data[3]);
      return answer();
    case type::kWks: return {Shown::kSilent, false, false, NameFault::kNone};
    case type::kHinfo: return host_info(data, out);
    case type::kCaa: return caa(data, out);
    case type::kSvcb:
    case type::kHttps: return service_binding(message, r, is_netbios, out);
    case type::kNb:
      if (is_netbios) return netbios_addresses(data, out);
      return {};
    case type::kOpt:
    case type::kTkey:
    case type::kTsig: return {};
    default: out.put("<unknown type=").number(r.type).put('>'); return answer();
  }
}

}  // namespace catenary::dns
