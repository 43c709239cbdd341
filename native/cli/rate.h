// Measuring live capture: a flood to send, and what listens to it.
#pragma once

#include <cstdint>

#include "capture/source.h"

namespace catenary::cli {

// Flows amid the flood that have to be decoded whole: to this port, so many packets each.
inline constexpr std::uint16_t kMarkedPort = 4242;
inline constexpr std::uint64_t kMarkedOrigPackets = 14, kMarkedRespPackets = 13;

// SYNs from random sources at `rate` packets a second (0: as fast as it goes) for `seconds`, and `marked` whole
// connections spread over that time. Prints {"sent":N,"marked_packets":N,"seconds":S}. Exit code.
int flood(const char* interface, double rate, double seconds, std::uint32_t marked);

// Listens until SIGTERM. Only counts, or decodes; prints what was counted, and how the marked connections came out.
// Exit code.
int listen(const char* interface, bool only_counts, const capture::LiveOptions& options);

}  // namespace catenary::cli
