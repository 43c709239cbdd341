// Names of interfaces and of their operations.
#pragma once

#include <cstdint>
#include <string_view>

namespace catenary::dce_rpc {

struct Interface {
  std::string_view uuid, name;
  std::string_view operations;  // by number from `first`, a blank between; "-" is one without a name
  std::uint16_t first = 0;
};

// Null when it is not known. `uuid` as text, lower case.
const Interface* find_interface(std::string_view uuid) noexcept;
// Empty when it has no name.
std::string_view operation_name(const Interface& interface, std::uint16_t number) noexcept;

}  // namespace catenary::dce_rpc
