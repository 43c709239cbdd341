// What the machine's clocks say. Only live capture asks: everything else runs on packet time.
#pragma once

#include <time.h>

#include "base/net.h"

namespace catenary::capture {

inline Nanos clock_of(clockid_t id) noexcept {
  timespec now{};
  ::clock_gettime(id, &now);
  return static_cast<Nanos>(now.tv_sec) * kSecond + now.tv_nsec;
}

}  // namespace catenary::capture
