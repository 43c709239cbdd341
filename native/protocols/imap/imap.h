// IMAP: RFC 9051, RFC 3501; LITERAL+ of RFC 7888, SASL-IR of RFC 4959. See README.md.
#pragma once

#include "flow/protocol.h"

namespace catenary::imap {

inline constexpr std::size_t kPendingMax = 100;
inline constexpr std::size_t kLineBytesMax = 8192;

// Yes to a greeting that names IMAP, on any port; on the usual port to any greeting.
flow::Probe probe(const flow::ProbeInput& in) noexcept;

extern const flow::ProtocolInfo kProtocol;

}  // namespace catenary::imap
