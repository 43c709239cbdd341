// For tests: a network namespace of this thread's own with nothing but a loopback that is up, and what is sent on it.
#pragma once

#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "base/bytes.h"

namespace catenary::test {

class Namespace {
 public:
  // Needs root; ok() says whether it is there.
  Namespace() : before_(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) {
    is_entered_ = before_ >= 0 && ::unshare(CLONE_NEWNET) == 0;
    if (!is_entered_) return;
    socket_ = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    if (::ioctl(socket_, SIOCGIFINDEX, &request) != 0) return;
    to_.sll_family = AF_PACKET;
    to_.sll_ifindex = request.ifr_ifindex;
    is_up_ = set_up(true);
  }
  ~Namespace() {
    if (socket_ >= 0) ::close(socket_);
    if (is_entered_ && ::setns(before_, CLONE_NEWNET) != 0) ::abort();
    if (before_ >= 0) ::close(before_);
  }
  Namespace(const Namespace&) = delete;
  Namespace& operator=(const Namespace&) = delete;

  bool ok() const { return is_up_; }
  bool set_up(bool is_up) const {
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = is_up ? IFF_UP : 0;
    return ::ioctl(socket_, SIOCSIFFLAGS, &request) == 0;
  }
  bool send(Bytes frame) const {
    return ::sendto(socket_, frame.data(), frame.size(), 0, address(), sizeof to_) ==
           static_cast<ssize_t>(frame.size());
  }

 private:
  const sockaddr* address() const { return static_cast<const sockaddr*>(static_cast<const void*>(&to_)); }

  int before_ = -1, socket_ = -1;
  sockaddr_ll to_{};
  bool is_entered_ = false, is_up_ = false;
};

}  // namespace catenary::test
