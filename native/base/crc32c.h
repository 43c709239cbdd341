// CRC-32C (Castagnoli), RFC 3720 appendix B.4: the check of every record of the spool and of every frame on the wire.
// The processor's instruction where it has one, eight tables otherwise; a test holds the two equal.
#pragma once

#include "base/bytes.h"

namespace catenary {

// Of `bytes` after what `crc` is of: crc32c(b, crc32c(a)) is that of a and b together. Begins at 0.
std::uint32_t crc32c(Bytes bytes, std::uint32_t crc = 0) noexcept;
// The same without the instruction.
std::uint32_t crc32c_portable(Bytes bytes, std::uint32_t crc = 0) noexcept;

}  // namespace catenary
