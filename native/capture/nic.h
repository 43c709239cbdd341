// What the kernel has counted at an interface outside our socket. The files stay open, so that a process that may open
// nothing more can still read them. A counter that the machine does not have stays zero.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace catenary::capture {

struct NicCounters {
  std::uint64_t received = 0;         // rx_packets
  std::uint64_t dropped = 0;          // rx_missed_errors and rx_fifo_errors: the card had no room
  std::uint64_t backlog_dropped = 0;  // second column of softnet_stat: the kernel had none; of all interfaces
};

class Nic {
 public:
  explicit Nic(const std::string& interface);
  ~Nic();
  Nic(const Nic&) = delete;
  Nic& operator=(const Nic&) = delete;

  // Since the interface or the machine was started.
  NicCounters counters() const;

 private:
  std::array<int, 4> files_{};  // rx_packets, rx_missed_errors, rx_fifo_errors, softnet_stat
};

}  // namespace catenary::capture
