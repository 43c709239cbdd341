#include "decode/icmp/icmp.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/crc32c.h"
#include "decode/checksum.h"
#include "decode/icmp/icmp.gen.h"

namespace catenary::icmp {
namespace {

struct Pair {
  std::uint8_t a, b;
};
constexpr Pair kPairs4[] = {{8, 0}, {13, 14}, {15, 16}, {10, 9}, {17, 18}};  // RFC 792, 950, 1256
constexpr Pair kPairs6[] = {{128, 129}, {133, 134}, {135, 136}, {130, 131}, {139, 140}, {144, 145}};  // RFC 4443...

struct Name {
  std::uint8_t type;
  std::string_view name;
};
constexpr Name kNames4[] = {
    {0, "echo_reply"},       {3, "dest_unreachable"}, {4, "source_quench"},  {5, "redirect"},       {8, "echo_request"},
    {9, "router_advert"},    {10, "router_solicit"},  {11, "time_exceeded"}, {12, "param_problem"}, {13, "timestamp"},
    {14, "timestamp_reply"}, {15, "info_request"},    {16, "info_reply"},    {17, "mask_request"},  {18, "mask_reply"}};
constexpr Name kNames6[] = {{1, "dest_unreachable"},  {2, "packet_too_big"},  {3, "time_exceeded"},
                            {4, "param_problem"},     {128, "echo_request"},  {129, "echo_reply"},
                            {130, "mld_query"},       {131, "mld_report"},    {132, "mld_done"},
                            {133, "router_solicit"},  {134, "router_advert"}, {135, "neighbor_solicit"},
                            {136, "neighbor_advert"}, {137, "redirect"},      {143, "mldv2_report"}};

template <std::size_t N>
std::string_view name_in(const Name (&names)[N], std::uint8_t type) noexcept {
  for (const Name& n : names) {
    if (n.type == type) return n.name;
  }
  return "other";
}

// The headers between IPv6 and what it carries (RFC 8200, 4). False when ports cannot follow: a later fragment.
bool skip_extensions(Cursor& in, std::uint8_t& proto) noexcept {
  constexpr std::uint8_t kHopByHop = 0, kRouting = 43, kFragment = 44, kDestination = 60;
  while (proto == kHopByHop || proto == kRouting || proto == kFragment || proto == kDestination) {
    const bool is_fragment = proto == kFragment;
    proto = in.u8();
    const std::size_t units = in.u8();
    const std::uint16_t offset_more = in.be16();
    in.skip(is_fragment ? 4 : units * 8 + 4);
    if (!in.ok() || (is_fragment && (offset_more & 0xfff8) != 0)) return false;
  }
  return true;
}

// An error quotes the packet it is about: its addresses, and ports when the quote reaches that far. Of ICMP these are
// what its flow has: the type, and the type of the answer. False when it is no packet.
bool describe_quoted(Cursor in, IcmpEvent& out) noexcept {
  const Bytes first = in.peek(1);
  if (first.empty()) return true;
  Ip src, dst;
  std::uint8_t proto = 0;
  bool has_ports = true;
  const bool v6 = first[0] >> 4 == 6;
  if (first[0] >> 4 == 4) {
    const std::size_t header = static_cast<std::size_t>(in.u8() & 0xf) * 4;
    in.skip(5);
    has_ports = (in.be16() & 0x1fff) == 0;  // else a later fragment
    in.skip(1);
    proto = in.u8();
    in.skip(2);
    src = Ip::v4(in.take(4));
    dst = Ip::v4(in.take(4));
    if (header < 20) return false;
    if (!in.ok()) return true;
    in.skip(header - 20);
  } else if (v6) {
    in.skip(6);
    proto = in.u8();
    in.skip(1);
    src = Ip::v6(in.take(16));
    dst = Ip::v6(in.take(16));
    if (!in.ok()) return true;
    has_ports = skip_extensions(in, proto);
  } else {
    return false;
  }
  out.quoted_orig_h = src;
  out.quoted_resp_h = dst;
  out.quoted_proto = proto;
  if (!has_ports) return true;
  if (proto == 1 || proto == 58) {
    Header h;
    if (!parse_header(in, v6, h)) return true;
    out.quoted_orig_p = h.type;
    out.quoted_resp_p = h.counterpart;
    return true;
  }
  if (proto != 6 && proto != 17 && proto != 132 && proto != 136) return true;
  const std::uint16_t src_port = in.be16(), dst_port = in.be16();
  if (!in.ok()) return true;
  out.quoted_orig_p = src_port;
  out.quoted_resp_p = dst_port;
  return true;
}

// RFC 4861, section 4.6: type, length in units of 8, value. The link-layer addresses are 1 and 2.
// False when one is of no length or longer than the message.
bool describe_options(Cursor in, IcmpEvent& out) noexcept {
  while (in.has(8)) {
    const std::uint8_t type = in.u8();
    const std::uint8_t units = in.u8();
    if (units == 0) return false;
    Cursor value = in.sub(units * 8u - 2);
    if (!value.ok()) return false;
    if ((type == 1 || type == 2) && units == 1) {
      Mac mac{};
      const Bytes b = value.take(6);
      std::copy_n(b.begin(), b.size(), mac.begin());
      out.target_mac = mac;
    }
  }
  return in.done();
}

// Bits a byte: encrypted or packed is near 8, what ping sends below 6.
double entropy_of(Bytes b) noexcept {
  std::array<std::uint32_t, 256> counts{};
  for (const std::uint8_t v : b) counts[v]++;
  double bits = 0;
  for (const std::uint32_t n : counts) {
    if (n > 0) bits -= n * std::log2(n / static_cast<double>(b.size()));
  }
  return bits / static_cast<double>(b.size());
}

// RFC 4443, 2.3: over IPv6 with a pseudo-header.
bool is_checksum_right(Bytes message, const Around& a) noexcept {
  std::uint64_t sum = 0;
  if (a.v6) {
    const std::array<std::uint8_t, 8> last = {static_cast<std::uint8_t>(a.len >> 24),
                                              static_cast<std::uint8_t>(a.len >> 16),
                                              static_cast<std::uint8_t>(a.len >> 8),
                                              static_cast<std::uint8_t>(a.len),
                                              0,
                                              0,
                                              0,
                                              58};
    sum = decode::add_words(last, decode::add_words(a.dst.bytes, decode::add_words(a.src.bytes)));
  }
  return decode::fold(decode::add_words(message, sum)) == 0xffff;
}

}  // namespace

bool parse_header(Cursor in, bool v6, Header& out) noexcept {
  if (!in.has(8)) return false;
  out.type = in.u8();
  out.code = in.u8();
  out.is_one_way = true;
  out.is_reply = out.type == (v6 ? 129 : 0);
  out.is_echo = out.is_reply || out.type == (v6 ? 128 : 8);
  out.counterpart = out.code;
  const auto match = [&out](const Pair& p) {
    if (out.type != p.a && out.type != p.b) return;
    out.counterpart = out.type == p.a ? p.b : p.a;
    out.is_one_way = false;
  };
  if (v6)
    std::for_each(std::begin(kPairs6), std::end(kPairs6), match);
  else
    std::for_each(std::begin(kPairs4), std::end(kPairs4), match);
  return true;
}

Oddities describe(Cursor in, const Around& around, IcmpEvent& out) noexcept {
  Oddities odd;
  const bool v6 = around.v6;
  const bool is_whole = in.left() >= around.len;
  if (is_whole && !is_checksum_right(in.peek_rest(), around)) odd.add(Weird::icmp_checksum_wrong);
  out.v6 = v6;
  out.icmp_type = in.u8();
  out.icmp_code = in.u8();
  in.skip(2);
  const Bytes word = in.take(4);
  out.name = v6 ? name_in(kNames6, out.icmp_type) : name_in(kNames4, out.icmp_type);
  if (word.size() < 4) return odd;
  Cursor w(word);
  const std::uint8_t t = out.icmp_type;
  const bool is_echo = v6 ? t == 128 || t == 129 : t == 0 || t == 8;
  const bool is_neighbour = v6 && t >= 133 && t <= 137;
  // RFC 4861, 6.1, 7.1, 8.1: one that a router has passed on is not from the neighbourhood.
  if (is_neighbour && around.hops != 255) odd.add(Weird::icmp_nd_hop_limit_wrong);
  bool is_quote = true, are_options = true;
  if (is_echo || (!v6 && t >= 13 && t <= 18)) {
    out.id = w.be16();
    out.seq = w.be16();
    if (is_echo && !in.done()) out.entropy = entropy_of(in.peek_rest());
  } else if (!v6 && (t == 3 || t == 4 || t == 5 || t == 11 || t == 12)) {
    if (t == 5) out.gateway = Ip::v4(word);
    if (t == 3 && out.icmp_code == 4) {
      w.skip(2);
      out.next_mtu = w.be16();
    }
    is_quote = describe_quoted(in, out);
  } else if (v6 && t >= 1 && t <= 4) {
    if (t == 2) out.next_mtu = w.be32();
    is_quote = describe_quoted(in, out);
  } else if (v6 && (t == 135 || t == 136 || t == 137)) {
    const Bytes target = in.take(16);
    if (t == 137) in.skip(16);
    if (!target.empty()) out.target = Ip::v6(target);
    if (t == 137 && !target.empty()) out.gateway = Ip::v6(target);
    are_options = describe_options(in, out);
  } else if (v6 && t == 133) {
    are_options = describe_options(in, out);
  } else if (v6 && t == 134) {
    in.skip(8);
    are_options = describe_options(in, out);
  }
  if (!is_quote) odd.add(Weird::icmp_quoted_malformed);
  // A message that the capture has cut is not odd.
  if (is_whole && !in.ok()) odd.add(Weird::icmp_truncated);
  if (is_whole && !are_options && in.ok()) odd.add(Weird::icmp_nd_option_malformed);
  return odd;
}

std::uint32_t echo_print(Cursor in) noexcept {
  in.skip(8);
  return crc32c(in.peek_rest()) | 1;
}

}  // namespace catenary::icmp
