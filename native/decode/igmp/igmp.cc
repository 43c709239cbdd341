#include "decode/igmp/igmp.h"

#include <algorithm>

#include "decode/checksum.h"
#include "decode/igmp/igmp.gen.h"

namespace catenary::igmp {
namespace {

// https://www.iana.org/assignments/igmp-type-numbers
constexpr std::uint8_t kQuery = 0x11, kReport1 = 0x12, kReport2 = 0x16, kLeave = 0x17, kReport3 = 0x22;
constexpr std::size_t kHeadBytes = 8, kQuery3Bytes = 12;

constexpr std::array<std::string_view, 7> kRecordTypes = {"",           "is_include", "is_exclude", "to_include",
                                                          "to_exclude", "allow",      "block"};

std::string_view name_of(std::uint8_t type) noexcept {
  switch (type) {
    case kQuery: return "query";
    case kReport1:
    case kReport2:
    case kReport3: return "report";
    case kLeave: return "leave";
    case 0x13: return "dvmrp";
    case 0x14: return "pim";
    case 0x1e:
    case 0x1f: return "mtrace";
    case 0xfc:
    case 0xfd:
    case 0xfe:
    case 0xff: return "rgmp";  // RFC 3488
    default: return "other";
  }
}

bool is_multicast(const Ip& ip) noexcept { return ip.is_v4() && ip.bytes[12] >> 4 == 0xe; }
constexpr Ip kNone{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}};

// RFC 3376, 4.1.1: tenths of a second, from 128 on with an exponent.
double max_resp(std::uint8_t code) noexcept {
  const unsigned tenths = code < 128 ? code : ((code & 0xfu) | 0x10u) << ((code >> 4 & 7u) + 3);
  return tenths / 10.0;
}

}  // namespace

Reader::Reader(Cursor in, std::uint32_t claimed, std::uint8_t ttl) noexcept : in_(in), is_cut_(in.left() < claimed) {
  if (!is_cut_ && in.has(kHeadBytes) && !decode::is_checksum_right(in.peek_rest()))
    weirds_.add(Weird::igmp_checksum_wrong);
  if (ttl != 1) weirds_.add(Weird::igmp_ttl_wrong);
}

void Reader::check_group(const Ip& group) noexcept {
  if (!is_multicast(group)) weirds_.add(Weird::igmp_group_not_multicast);
}

void Reader::read_sources(std::size_t count, IgmpEvent& out) noexcept {
  std::size_t n = 0;
  for (; n < count; n++) {
    const Bytes source = in_.take(4);
    if (!in_.ok()) {
      if (!is_cut_) weirds_.add(Weird::igmp_truncated);
      break;
    }
    if (n < sources_.size()) sources_[n] = Ip::v4(source);
  }
  out.cut = n > sources_.size();
  out.sources = std::span<const Ip>(sources_.data(), std::min(n, sources_.size()));
}

bool Reader::next(IgmpEvent& out) noexcept {
  out = {};
  if (!is_begun_) {
    is_begun_ = true;
    return read_head(out);
  }
  return records_left_ > 0 && read_record(out);
}

bool Reader::read_head(IgmpEvent& out) noexcept {
  const std::size_t length = in_.left();
  type_ = in_.u8();
  const std::uint8_t code = in_.u8();
  in_.skip(2);
  const Bytes word = in_.take(4);
  if (!in_.ok()) {
    weirds_.add(Weird::igmp_truncated);
    return false;
  }
  out.igmp_type = type_;
  out.name = name_of(type_);
  if (type_ == kReport3) {
    records_left_ = static_cast<std::size_t>(word[2]) << 8 | word[3];
    if (records_left_ > kRecordsMax) weirds_.add(Weird::igmp_record_limit);
    records_left_ = std::min(records_left_, kRecordsMax);
    return records_left_ > 0 && read_record(out);
  }
  const Ip group = Ip::v4(word);
  if (group != kNone) out.group = group;
  switch (type_) {
    case kQuery:
      // RFC 3376, 7.1: told apart by length and code.
      out.version = length >= kQuery3Bytes ? 3 : code == 0 ? 1 : 2;
      if (out.version == 2) out.max_resp_time = code / 10.0;
      if (group != kNone) check_group(group);
      if (out.version == 3) {
        out.max_resp_time = max_resp(code);
        in_.skip(2);
        read_sources(in_.be16(), out);
      }
      return true;
    case kReport1: out.version = 1; break;
    case kReport2:
    case kLeave: out.version = 2; break;
    default:
      if (out.name == "other") weirds_.add(Weird::igmp_type_unknown);
      out.group.reset();
      return true;
  }
  check_group(group);
  return true;
}

bool Reader::read_record(IgmpEvent& out) noexcept {
  records_left_--;
  const std::uint8_t record = in_.u8();
  const std::size_t words = in_.u8();
  const std::size_t count = in_.be16();
  const Bytes group = in_.take(4);
  if (!in_.ok()) {
    if (!is_cut_) weirds_.add(Weird::igmp_truncated);
    records_left_ = 0;
    return false;
  }
  out.igmp_type = type_;
  out.name = name_of(type_);
  out.version = 3;
  out.group = Ip::v4(group);
  check_group(*out.group);
  if (record > 0 && record < kRecordTypes.size()) out.record_type = kRecordTypes[record];
  read_sources(count, out);
  in_.skip(words * 4);
  return true;
}

}  // namespace catenary::igmp
