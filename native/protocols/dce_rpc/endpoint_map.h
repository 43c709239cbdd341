// Towers of the endpoint mapper: C706 Appendix L, and the two operations that carry them, Appendix O.
#pragma once

#include <optional>
#include <string>

#include "base/cursor.h"

namespace catenary::dce_rpc {

// Interface whose endpoint a request for ept_map wants; empty when it is not well formed. `stub` in NDR, little endian.
std::string mapped_interface(Bytes stub);
// TCP port in the first tower of the answer.
std::optional<std::uint16_t> mapped_port(Bytes stub) noexcept;

}  // namespace catenary::dce_rpc
