// Several workers on one interface: the kernel deals each packet to one of them (packet(7), PACKET_FANOUT).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

struct sock_filter;

namespace catenary::capture {

inline constexpr int kWorkersMax = 64;

struct Fanout {
  int workers = 1;          // 1: none
  std::uint16_t group = 0;  // the same for the workers of one interface, and for nobody else in the network namespace
  std::uint32_t key = 0;    // secret, the same for all of them: nobody aims traffic at one worker
};

// The classic BPF program that deals: a keyed hash of the pair of addresses, the same in both directions. Only of the
// addresses, so that every fragment of a datagram, the rest of its flow, and the data connection that another flow
// announced meet in one worker. PACKET_FANOUT_HASH puts fragments, which have no ports, apart from their flow;
// PACKET_FANOUT_FLAG_DEFRAG would hand us datagrams that were never on the wire. VLAN tags (two), MPLS labels (four)
// and PPPoE are stepped over; a tunnel is dealt by its ends. What is no IP goes to the first worker.
std::vector<sock_filter> fanout_program(std::uint32_t key);

// Makes the socket one of the group, which does not see what the interface sends when `ignores_outgoing`. False and
// `error` set when the kernel refuses.
bool join_fanout(int socket, const Fanout& fanout, bool ignores_outgoing, std::string& error);

}  // namespace catenary::capture
