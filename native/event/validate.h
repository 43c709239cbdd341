// Says whether a run of bytes from a stranger is whole records of one kind, before anything else reads it.
#pragma once

#include "event/walk.h"

namespace catenary {

struct Validation {
  // Empty reason: every byte is part of a good record.
  record::Fault fault;
  // Good records; those before the fault when there is one.
  std::uint64_t records = 0;
  // Over those records; 0 when there are none.
  Micros seen_min = 0;
  Micros seen_max = 0;
  // Some record's `seen` is before its predecessor's, which no honest worker emits.
  bool seen_goes_back = false;

  bool ok() const noexcept { return !fault; }
};

// in:   any bytes at all.
// Returns at the first fault. Cost: one pass, no allocation; see walk.h for what is checked.
Validation validate(Kind kind, Bytes bytes, std::uint64_t records_max = UINT64_MAX) noexcept;

}  // namespace catenary
