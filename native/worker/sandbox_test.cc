// Escapes, tried from inside. Needs root, for a socket that sees packets; without it nothing is expected.
#include "worker/sandbox.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "base/test.h"
#include "capture/namespace.h"
#include "capture/source.h"

namespace catenary::worker {
namespace {

// The sanitizers' library makes calls of its own, which are refused too: the plain build is what is shut in.
#ifdef __SANITIZE_ADDRESS__
constexpr bool kIsSanitized = true;
#else
constexpr bool kIsSanitized = false;
#endif

struct Inside {
  int socket = -1, folder = -1;
  pid_t parent = 0;
  std::string outside;
};

bool is_refused(long result) { return result < 0; }

struct Escape {
  const char* what;
  bool (*is_held)(const Inside& in);
};

const Escape kEscapes[] = {
    {"read a file of the system", [](const Inside&) { return is_refused(::open("/etc/passwd", O_RDONLY)); }},
    {"read through /proc", [](const Inside&) { return is_refused(::open("/proc/self/maps", O_RDONLY)); }},
    {"read a secret beside",
     [](const Inside& in) { return is_refused(::open((in.outside + "/secret").c_str(), O_RDONLY)); }},
    {"rewrite a file beside",
     [](const Inside& in) { return is_refused(::open((in.outside + "/secret").c_str(), O_WRONLY | O_TRUNC)); }},
    {"make a file beside",
     [](const Inside& in) { return is_refused(::open((in.outside + "/new").c_str(), O_WRONLY | O_CREAT, 0600)); }},
    {"climb out of the folder",
     [](const Inside& in) { return is_refused(::openat(in.folder, "../secret", O_RDONLY)); }},
    {"delete beside", [](const Inside& in) { return is_refused(::unlinkat(in.folder, "../secret", 0)); }},
    {"move a file in from beside",
     [](const Inside& in) { return is_refused(::renameat(in.folder, "../secret", in.folder, "mine")); }},
    {"read what was kept", [](const Inside& in) { return is_refused(::openat(in.folder, "kept", O_RDONLY)); }},
    {"link", [](const Inside& in) { return is_refused(::symlinkat("/etc", in.folder, "etc")); }},
    {"change rights", [](const Inside& in) { return is_refused(::fchmodat(in.folder, "kept", 0777, 0)); }},
    {"dial", [](const Inside&) { return is_refused(::socket(AF_INET, SOCK_STREAM, 0)); }},
    {"talk to programs here", [](const Inside&) { return is_refused(::socket(AF_UNIX, SOCK_STREAM, 0)); }},
    {"open another ear", [](const Inside&) { return is_refused(::socket(AF_PACKET, SOCK_RAW, 0)); }},
    {"send a frame by write",
     [](const Inside& in) {
       const char frame[64] = "";
       return is_refused(::write(in.socket, frame, sizeof frame));
     }},
    {"send a frame by send",
     [](const Inside& in) {
       const char frame[64] = "";
       return is_refused(::send(in.socket, frame, sizeof frame, 0));
     }},
    {"write to the socket by another number", [](const Inside& in) { return is_refused(::dup(in.socket)); }},
    {"turn the socket to another interface",
     [](const Inside& in) {
       const int one = 1;
       return is_refused(::setsockopt(in.socket, SOL_SOCKET, SO_BINDTODEVICE, &one, sizeof one));
     }},
    {"have children", [](const Inside&) { return is_refused(::syscall(__NR_clone, SIGCHLD, 0, 0, 0, 0)); }},
    {"become another program",
     [](const Inside&) {
       char name[] = "/bin/sh";
       char* const argv[] = {name, nullptr};
       return is_refused(::execve(name, argv, nullptr));
     }},
    {"look into the sensor",
     [](const Inside& in) {
       char byte = 0;
       const iovec to{&byte, 1};
       return is_refused(::process_vm_readv(in.parent, &to, 1, &to, 1, 0)) &&
              is_refused(::ptrace(PTRACE_ATTACH, in.parent, nullptr, nullptr));
     }},
    {"end the sensor", [](const Inside& in) { return is_refused(::kill(in.parent, SIGTERM)); }},
    {"end it by one of its threads",
     [](const Inside& in) { return is_refused(::syscall(__NR_tgkill, in.parent, in.parent, SIGTERM)); }},
    {"run what it wrote",
     [](const Inside&) {
       return ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
              MAP_FAILED;
     }},
    {"make what it wrote a program",
     [](const Inside&) {
       void* at = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
       return at != MAP_FAILED && is_refused(::mprotect(at, 4096, PROT_READ | PROT_EXEC));
     }},
    {"take capabilities back",
     [](const Inside&) {
       __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
       __user_cap_data_struct all[2] = {{~0U, ~0U, 0}, {~0U, ~0U, 0}};
       return is_refused(::syscall(__NR_capset, &header, all));
     }},
    {"leave the namespaces", [](const Inside&) { return is_refused(::unshare(CLONE_NEWUSER)); }},
    {"mount", [](const Inside&) { return is_refused(::mount("none", "/tmp", "tmpfs", 0, nullptr)); }},
    {"ask the kernel behind the filter",
     [](const Inside&) {
       io_uring_params p{};
       return is_refused(::syscall(__NR_io_uring_setup, 4, &p));
     }},
    {"load a program into the kernel", [](const Inside&) { return is_refused(::syscall(__NR_bpf, 0, nullptr, 0)); }},
    {"take the filter off", [](const Inside&) { return is_refused(::prctl(PR_SET_SECCOMP, 0, nullptr)); }},
};

// The process inside: an answer for each escape, then whether its own work still goes.
[[noreturn]] void inside(const Inside& in, int answers, const std::string& folder) {
  const Walls walls = enter({in.socket, {folder}});
  std::string out;
  for (const Escape& e : kEscapes) out += e.is_held(in) && walls.error.empty() ? '1' : '0';
  const int fd = ::openat(in.folder, ".part", O_WRONLY | O_CREAT | O_EXCL, 0600);
  const bool writes = fd >= 0 && ::write(fd, "x", 1) == 1 && ::ftruncate(fd, 1) == 0 && ::fsync(fd) == 0 &&
                      ::mkdirat(in.folder, "aa", 0700) == 0 &&
                      ::renameat(in.folder, ".part", in.folder, "aa/whole") == 0;
  bool has_thread = false;
  std::thread([&] { has_thread = true; }).join();
  out += writes ? '1' : '0';
  out += has_thread ? '1' : '0';
  out += walls.has_landlock ? '1' : '0';
  [[maybe_unused]] const ssize_t n = ::write(answers, out.data(), out.size());
  ::_exit(0);
}

TEST(sandbox, escapes_from_inside_are_refused_and_its_own_work_goes_on) {
  const test::Namespace ns;
  if (kIsSanitized || !ns.ok()) return;
  char name[] = "/tmp/catenary-sandbox-XXXXXX";
  const std::string outside = ::mkdtemp(name), folder = outside + "/packets";
  std::filesystem::create_directory(folder);
  std::ofstream(outside + "/secret") << "key";
  std::ofstream(folder + "/kept") << "packets";
  std::string error;
  const auto source = capture::open_live("lo", {}, error);
  EXPECT_EQ(error, "");
  if (!source) return;
  Inside in{source->socket(), ::open(folder.c_str(), O_RDONLY | O_DIRECTORY), ::getpid(), outside};
  int answers[2];
  EXPECT_EQ(::pipe(answers), 0);
  const pid_t child = ::fork();
  if (child == 0) inside(in, answers[1], folder);
  ::close(answers[1]);
  char text[256] = "";
  const ssize_t n = ::read(answers[0], text, sizeof text - 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(n, static_cast<ssize_t>(std::size(kEscapes) + 3));
  if (n != static_cast<ssize_t>(std::size(kEscapes) + 3)) return;
  EXPECT(std::size(kEscapes) >= 20);
  for (std::size_t i = 0; i < std::size(kEscapes); i++) {
    if (text[i] != '1') test::fail(__FILE__, __LINE__, std::string("it could ") + kEscapes[i].what);
  }
  const std::string own(text + std::size(kEscapes));
  EXPECT_EQ(own, "111");
  std::ifstream secret(outside + "/secret");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(secret), {}), "key");
  ::close(in.folder);
  ::close(answers[0]);
  std::filesystem::remove_all(outside);
}

}  // namespace
}  // namespace catenary::worker
