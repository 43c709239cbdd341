// sd_notify(3), the protocol of one datagram on the socket that $NOTIFY_SOCKET names: Node has no datagram sockets of
// AF_UNIX, and libsystemd would be a library for one system call. Never blocks: a manager that does not read is not
// waited for.
#include "addon/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <bit>
#include <cstddef>
#include <cstring>
#include <string>

namespace catenary::addon {
namespace {

// (socket, text): a path, or "@name" for one of the abstract namespace, unix(7).
Napi::Value notify(const Napi::CallbackInfo& info) {
  const std::string path = info[0].ToString();
  const std::string text = info[1].ToString();
  const auto answer = [&](bool is_sent) { return Napi::Boolean::New(info.Env(), is_sent); };
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if (path.size() < 2 || path.size() > sizeof to.sun_path || (path[0] != '/' && path[0] != '@')) return answer(false);
  std::memcpy(to.sun_path, path.data(), path.size());
  if (path[0] == '@') to.sun_path[0] = '\0';
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return answer(false);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  const ssize_t sent = sendto(fd, text.data(), text.size(), MSG_NOSIGNAL, std::bit_cast<const sockaddr*>(&to), length);
  close(fd);
  return answer(sent == static_cast<ssize_t>(text.size()));
}

}  // namespace

Napi::Function define_notify(Napi::Env env) { return Napi::Function::New(env, notify, "notify"); }

}  // namespace catenary::addon
