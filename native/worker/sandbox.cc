#include "worker/sandbox.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <system_error>

namespace catenary::worker {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "no seccomp table for this machine"
#endif
constexpr std::uint32_t kX32 = 0x40000000;  // the other numbers of x86-64

// What decoding, writing segments and files, waiting and ending need, whatever the arguments.
constexpr long kAllowed[] = {
    __NR_read,        __NR_pread64,         __NR_pwrite64,        __NR_lseek,           __NR_close,     __NR_fsync,
    __NR_fdatasync,   __NR_ftruncate,       __NR_fstat,           __NR_newfstatat,      __NR_openat,    __NR_mkdirat,
    __NR_renameat,    __NR_unlinkat,        __NR_munmap,          __NR_mremap,          __NR_madvise,   __NR_brk,
    __NR_futex,       __NR_ppoll,           __NR_clock_gettime,   __NR_clock_nanosleep, __NR_nanosleep, __NR_getrandom,
    __NR_exit,        __NR_exit_group,      __NR_rt_sigprocmask,  __NR_rt_sigreturn,    __NR_gettid,    __NR_getpid,
    __NR_sched_yield, __NR_set_robust_list, __NR_restart_syscall,
#ifdef __NR_rseq
    __NR_rseq,
#endif
#ifdef __NR_poll
    __NR_poll,
#endif
#ifdef __NR_rename
    __NR_rename,
#endif
};

class Filter {
 public:
  Filter() {
    load(offsetof(seccomp_data, arch));
    add(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0);
    answer(SECCOMP_RET_KILL_PROCESS);
    load(offsetof(seccomp_data, nr));
    add(BPF_JMP | BPF_JGE | BPF_K, kX32, 0, 1);
    answer(SECCOMP_RET_KILL_PROCESS);
  }
  void allow(long call) {
    add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 1);
    answer(SECCOMP_RET_ALLOW);
  }
  void refuse(long call, std::uint32_t error) {
    add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 1);
    answer(SECCOMP_RET_ERRNO | error);
  }
  struct Argument {
    unsigned index;
    std::uint32_t mask, value;
    bool is_equal;  // (argument & mask) == value, or is not
  };
  // When all hold. Arguments are compared by their lower half, which is all that these have.
  void allow_if(long call, std::initializer_list<Argument> all) {
    const auto body = static_cast<std::uint8_t>(3 * all.size() + 2);
    add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, body);
    auto left = static_cast<std::uint8_t>(3 * all.size() + 1);
    for (const Argument& a : all) {
      load(offsetof(seccomp_data, args) + a.index * sizeof(std::uint64_t));
      add(BPF_ALU | BPF_AND | BPF_K, a.mask);
      left = static_cast<std::uint8_t>(left - 3);
      // To the reload behind the answer.
      const auto out = static_cast<std::uint8_t>(left);
      add(BPF_JMP | BPF_JEQ | BPF_K, a.value, a.is_equal ? 0 : out, a.is_equal ? out : 0);
    }
    answer(SECCOMP_RET_ALLOW);
    load(offsetof(seccomp_data, nr));
  }
  bool install() {
    answer(SECCOMP_RET_ERRNO | EPERM);
    const sock_fprog program{static_cast<std::uint16_t>(code_.size()), code_.data()};
    return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
  }

 private:
  void add(int code, std::uint32_t k, std::uint8_t yes = 0, std::uint8_t no = 0) {
    code_.push_back({static_cast<std::uint16_t>(code), yes, no, k});
  }
  void load(std::size_t at) { add(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(at)); }
  void answer(std::uint32_t what) { add(BPF_RET | BPF_K, what); }

  std::vector<sock_filter> code_;
};

bool filter_calls(int socket) {
  constexpr std::uint32_t kAll = 0xffffffff;
  const auto fd = static_cast<std::uint32_t>(socket);
  Filter f;
  for (const long call : kAllowed) f.allow(call);
  // A frame is sent by writing to the socket.
  f.allow_if(__NR_write, {{0, kAll, fd, false}});
  f.allow_if(__NR_getsockopt, {{0, kAll, fd, true}});
  f.allow_if(__NR_setsockopt, {{0, kAll, fd, true}, {1, kAll, SOL_SOCKET, true}, {2, kAll, SO_ATTACH_FILTER, true}});
  f.allow_if(__NR_ioctl, {{0, kAll, fd, true}, {1, kAll, SIOCGIFINDEX, true}});
  f.allow_if(__NR_ioctl, {{0, kAll, fd, true}, {1, kAll, SIOCGIFFLAGS, true}});
  f.allow_if(__NR_mmap, {{2, PROT_EXEC, 0, true}});
  f.allow_if(__NR_mprotect, {{2, PROT_EXEC, 0, true}});
  // A segment is closed in a thread. The C library asks for clone3 first, whose flags no filter can see.
  f.refuse(__NR_clone3, ENOSYS);
  f.allow_if(__NR_clone, {{0, CLONE_THREAD, CLONE_THREAD, true}});
  // abort() signals itself.
  f.allow_if(__NR_tgkill, {{0, kAll, static_cast<std::uint32_t>(::getpid()), true}});
  return f.install();
}

// Rights by the version that brought them: headers may be older than the kernel, and the other way round.
constexpr std::uint64_t kFirstRights = (std::uint64_t{1} << 13) - 1;
constexpr std::uint64_t kRefer = 1 << 13, kTruncate = 1 << 14, kIoctlDevice = 1 << 15;  // versions 2, 3, 5
constexpr std::uint64_t kTcp = 3;                                                       // version 4: bind, connect
constexpr std::uint64_t kScopes = 3;  // version 6: abstract sockets, signals

struct Ruleset {
  std::uint64_t files = 0, net = 0, scoped = 0;
};

bool close_files(const std::vector<std::string>& folders, bool& has_landlock) {
  const long version = ::syscall(__NR_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return true;
  Ruleset rules{kFirstRights, 0, 0};
  std::size_t size = sizeof rules.files;
  if (version >= 2) rules.files |= kRefer;
  if (version >= 3) rules.files |= kTruncate;
  if (version >= 4) rules.net = kTcp, size = offsetof(Ruleset, scoped);
  if (version >= 5) rules.files |= kIoctlDevice;
  if (version >= 6) rules.scoped = kScopes, size = sizeof rules;
  const int set = static_cast<int>(::syscall(__NR_landlock_create_ruleset, &rules, size, 0));
  if (set < 0) return false;
  bool is_good = true;
  for (const std::string& folder : folders) {
    landlock_path_beneath_attr below{};
    below.allowed_access =
        rules.files & (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                       LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR | kRefer | kTruncate);
    below.parent_fd = ::open(folder.c_str(), O_PATH | O_CLOEXEC);
    is_good = is_good && below.parent_fd >= 0 &&
              ::syscall(__NR_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH, &below, 0) == 0;
    if (below.parent_fd >= 0) ::close(below.parent_fd);
  }
  is_good = is_good && ::syscall(__NR_landlock_restrict_self, set, 0) == 0;
  ::close(set);
  has_landlock = is_good;
  return is_good;
}

bool drop_capabilities() {
  for (int c = 0; c <= 63; c++)
    if (::prctl(PR_CAPBSET_DROP, c) != 0 && errno == EPERM) break;  // we have none to drop any with
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> none{};
  return ::syscall(__NR_capset, &header, none.data()) == 0;
}

}  // namespace

Walls enter(const Sandbox& sandbox) {
  Walls walls;
  const auto failed = [&](const char* what) {
    walls.error = std::string(what) + ": " + std::generic_category().message(errno);
    return walls;
  };
  // What it held in memory is not for a file.
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("no_new_privs");
  if (!close_files(sandbox.folders, walls.has_landlock)) return failed("landlock");
  if (!drop_capabilities()) return failed("capabilities");
  if (!filter_calls(sandbox.socket)) return failed("seccomp");
  return walls;
}

}  // namespace catenary::worker
