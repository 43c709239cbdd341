// What numbers of RDP are called: Zeek's names, so that a rule for its log fits.
#pragma once

#include <cstdint>
#include <string>

namespace catenary::rdp {

std::string security_name(std::uint32_t protocol);
std::string failure_name(std::uint32_t code);
std::string result_name(std::uint32_t code);
std::string build_name(std::uint32_t build);
std::string color_name(std::uint32_t depth);
std::string certificate_name(std::uint32_t type);
std::string level_name(std::uint32_t level);
std::string method_name(std::uint32_t method);
// Language and country of a Windows keyboard layout; for a layout of a language that is known, that language's.
std::string layout_name(std::uint32_t layout);

}  // namespace catenary::rdp
