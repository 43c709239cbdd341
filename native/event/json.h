// Records as JSON text, for tests, fuzz triage and catenary-native. Not a product path: it allocates.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "event/gen/kinds.gen.h"

namespace catenary::event {

// One line a record, fields that are nil left out: {"kind":"dns","ts":1700000000.000000,...}. Times in
// seconds, addresses and identifiers as text. Stops at the first byte that is no record of the kind.
std::vector<std::string> json_lines(Kind kind, Bytes records);

}  // namespace catenary::event
