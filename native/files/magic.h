// What a file is, by its first bytes: MIME names as file(1) and Zeek write them. Never by name or claim.
#pragma once

#include <string_view>

#include "base/bytes.h"

namespace catenary::files {

// `head` holds the first bytes of a file, at most kSniffBytes of it; `is_whole`: the file ends there.
// Static text; empty when nothing fits.
std::string_view mime_type(Bytes head, bool is_whole) noexcept;

}  // namespace catenary::files
