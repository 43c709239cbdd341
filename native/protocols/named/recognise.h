// The table of first messages. Each row is a protocol: what one side says first, and what the other side answers where
// the first message alone could be something else's.
#pragma once

#include <span>

#include "flow/protocol.h"

namespace catenary::named {

struct Row {
  const char* service;  // Zeek's name
  bool tcp, udp;
  flow::Probe (*first)(const flow::ProbeInput&) noexcept;
  flow::Probe (*answer)(Bytes) noexcept;  // null: the first message is enough
  // How many bytes of the answer are this protocol's where TLS, or something else, may follow; 0: nothing does.
  std::size_t (*handed_over)(Bytes answer) noexcept;
};

std::span<const Row> rows() noexcept;

}  // namespace catenary::named
