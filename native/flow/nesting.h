// What a worker's dispatcher lends to parsers that carry others (nested.h).
#pragma once

#include "flow/protocol.h"

namespace catenary::flow {

class Pool;

class Nesting {
 public:
  virtual ~Nesting() = default;
  // Null when there is no such protocol.
  virtual const ProtocolInfo* find(std::string_view name) const noexcept = 0;
  // A parser with its shared state in `cap` bytes of the pool; null when the budget is spent.
  virtual Parser* construct(const ProtocolInfo& protocol, std::uint32_t& cap) = 0;
  virtual void destroy(Parser* parser, std::uint32_t cap) noexcept = 0;
  virtual Pool& pool() noexcept = 0;
};

}  // namespace catenary::flow
