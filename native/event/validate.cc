#include "event/validate.h"

namespace catenary {
namespace {

constexpr std::size_t kSeenColumn = 1;

// Keeps only the times; a record counts when it is whole, which the next one's begin() or the end tells.
struct TimesSink {
  Validation& result;
  Micros seen = 0;

  void begin() noexcept {}
  void nil(std::size_t) noexcept {}
  void list(std::size_t, std::size_t) noexcept {}
  void integer(std::size_t column, std::uint64_t v) noexcept {
    if (column != kSeenColumn) return;
    if (v < seen) result.seen_goes_back = true;
    seen = v;
    result.seen_min = is_first ? v : std::min(result.seen_min, v);
    result.seen_max = std::max(result.seen_max, v);
    is_first = false;
  }
  void real(std::size_t, double) noexcept {}
  void flag(std::size_t, bool) noexcept {}
  void address(std::size_t, Bytes) noexcept {}
  void text(std::size_t, std::string_view) noexcept {}

  bool is_first = true;
};

}  // namespace

Validation validate(Kind kind, Bytes bytes, std::uint64_t records_max) noexcept {
  Validation result;
  const KindInfo* info = kind_info(kind);
  if (info == nullptr) {
    result.fault = {0, {}, "unknown kind"};
    return result;
  }
  TimesSink sink{result};
  record::Walker<TimesSink> walker(*info, sink);
  result.fault = walker.walk(bytes, records_max);
  result.records = walker.records();
  return result;
}

}  // namespace catenary
