#include "decode/icmp/icmp.h"

#include <algorithm>

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

// An error quotes the packet it is about: its addresses, and ports when the quote reaches that far.
void describe_quoted(Cursor in, IcmpEvent& out) noexcept {
  const Bytes first = in.peek(1);
  if (first.empty()) return;
  Ip src, dst;
  std::uint8_t proto = 0;
  if (first[0] >> 4 == 4) {
    const std::size_t header = static_cast<std::size_t>(in.u8() & 0xf) * 4;
    in.skip(8);
    proto = in.u8();
    in.skip(2);
    src = Ip::v4(in.take(4));
    dst = Ip::v4(in.take(4));
    if (!in.ok() || header < 20) return;
    in.skip(header - 20);
  } else if (first[0] >> 4 == 6) {
    in.skip(6);
    proto = in.u8();
    in.skip(1);
    src = Ip::v6(in.take(16));
    dst = Ip::v6(in.take(16));
    if (!in.ok()) return;
  } else {
    return;
  }
  out.quoted_orig_h = src;
  out.quoted_resp_h = dst;
  out.quoted_proto = proto;
  if (proto != 6 && proto != 17 && proto != 132) return;
  const std::uint16_t src_port = in.be16(), dst_port = in.be16();
  if (!in.ok()) return;
  out.quoted_orig_p = src_port;
  out.quoted_resp_p = dst_port;
}

// RFC 4861, section 4.6: type, length in units of 8, value. The link-layer addresses are 1 and 2.
void describe_options(Cursor in, IcmpEvent& out) noexcept {
  while (in.has(8)) {
    const std::uint8_t type = in.u8();
    const std::uint8_t units = in.u8();
    if (units == 0) return;
    Cursor value = in.sub(units * 8u - 2);
    if (!value.ok()) return;
    if ((type == 1 || type == 2) && units == 1) {
      Mac mac{};
      const Bytes b = value.take(6);
      std::copy_n(b.begin(), b.size(), mac.begin());
      out.target_mac = mac;
    }
  }
}

}  // namespace

bool parse_header(Cursor in, bool v6, Header& out) noexcept {
  if (!in.has(8)) return false;
  out.type = in.u8();
  out.code = in.u8();
  out.is_one_way = true;
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

void describe(Cursor in, bool v6, IcmpEvent& out) noexcept {
  out.v6 = v6;
  out.icmp_type = in.u8();
  out.icmp_code = in.u8();
  in.skip(2);
  const Bytes word = in.take(4);
  out.name = v6 ? name_in(kNames6, out.icmp_type) : name_in(kNames4, out.icmp_type);
  if (word.size() < 4) return;
  Cursor w(word);
  const std::uint8_t t = out.icmp_type;
  const bool is_echo = v6 ? t == 128 || t == 129 : t == 0 || t == 8 || (t >= 13 && t <= 18);
  if (is_echo) {
    out.id = w.be16();
    out.seq = w.be16();
  } else if (!v6 && (t == 3 || t == 4 || t == 5 || t == 11 || t == 12)) {
    if (t == 5) out.gateway = Ip::v4(word);
    if (t == 3 && out.icmp_code == 4) {
      w.skip(2);
      out.next_mtu = w.be16();
    }
    describe_quoted(in, out);
  } else if (v6 && t >= 1 && t <= 4) {
    if (t == 2) out.next_mtu = w.be32();
    describe_quoted(in, out);
  } else if (v6 && (t == 135 || t == 136 || t == 137)) {
    const Bytes target = in.take(16);
    if (!in.ok()) return;
    out.target = Ip::v6(target);
    if (t == 137) {
      out.gateway = Ip::v6(target);
      in.skip(16);
    }
    describe_options(in, out);
  } else if (v6 && t == 133) {
    describe_options(in, out);
  } else if (v6 && t == 134) {
    in.skip(8);
    describe_options(in, out);
  }
}

}  // namespace catenary::icmp
