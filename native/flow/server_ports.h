// Ports that servers listen on: the only hint about who asked whom when a flow's first packet does not say.
//
// Used for one decision alone: a flow that begins without a SYN, or over UDP, from such a port to
// one that is not, was seen from its answer on, and the sender is its responder. Never for naming a
// service. The list is the set of ports Zeek's analyzers register, so that directions agree.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace catenary::flow {

inline constexpr std::array<std::uint16_t, 42> kTcpServerPorts = {
    21,   22,   25,   53,   80,   81,   88,   135,  139,  143,  443,  445,  502,  563,
    585,  587,  614,  631,  636,  989,  990,  992,  993,  995,  1080, 1434, 1883, 2811,
    3128, 3306, 3389, 5222, 5269, 6666, 6667, 6668, 6669, 8000, 8080, 8443, 8888, 20000};
inline constexpr std::array<std::uint16_t, 21> kUdpServerPorts = {
    53, 67, 88, 123, 137, 161, 162, 443, 514, 1812, 2123, 2152, 3544, 4011, 4789, 5060, 5072, 5353, 5355, 6081, 20000};

inline bool is_server_port(std::uint8_t proto, std::uint16_t port) noexcept {
  return proto == 17 ? std::binary_search(kUdpServerPorts.begin(), kUdpServerPorts.end(), port)
                     : std::binary_search(kTcpServerPorts.begin(), kTcpServerPorts.end(), port);
}

}  // namespace catenary::flow
