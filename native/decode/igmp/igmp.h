// The Internet Group Management Protocol. RFC 1112, appendix I; RFC 2236; RFC 3376.
#pragma once

#include <array>

#include "base/cursor.h"
#include "base/net.h"
#include "decode/found.h"

namespace catenary {
struct IgmpEvent;
}
namespace catenary::igmp {

inline constexpr std::size_t kRecordsMax = 32;  // of one report that become events; a host's list is a few
inline constexpr std::size_t kSourcesMax = 32;  // as the schema's cap

// Walks a message: an event a group, and what is odd.
class Reader {
 public:
  // in: the message as captured; claimed: its length by the IP header. A message that is cut is read as far as it goes.
  Reader(Cursor in, std::uint32_t claimed, std::uint8_t ttl) noexcept;

  // Fills the event's own fields but is_orig. False when there is no further group.
  bool next(IgmpEvent& out) noexcept;
  // Found so far.
  const decode::Found<6>& weirds() const noexcept { return weirds_; }

 private:
  bool read_head(IgmpEvent& out) noexcept;
  bool read_record(IgmpEvent& out) noexcept;
  void read_sources(std::size_t count, IgmpEvent& out) noexcept;
  void check_group(const Ip& group) noexcept;

  Cursor in_;
  bool is_cut_;
  bool is_begun_ = false;
  std::uint8_t type_ = 0;
  std::size_t records_left_ = 0;
  std::array<Ip, kSourcesMax> sources_{};
  decode::Found<6> weirds_;
};

}  // namespace catenary::igmp
