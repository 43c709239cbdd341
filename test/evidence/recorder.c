// Preloaded into a process (LD_PRELOAD), between it and libc: writes down, in order, everything that it does to files of one
// folder, and fails one of these calls when told to.
//
//   RECORD_DIR    the folder; files elsewhere are not looked at
//   RECORD_LOG    where the log goes; none is written without it
//   FAIL_AT       the call that fails, counted from 1; FAIL_ERRNO says how
//   FAIL_CALLS    how many fail from there on; 1 when left out
//   COUNT         at the end standard error is told how many calls there were
//
// A record is "VERB INODE OFFSET LENGTH\n" and LENGTH bytes: written bytes, or a path (of a rename two, a zero between).
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static char dir[PATH_MAX];
static size_t dir_bytes;
static int log_fd = -1, fail_errno;
static long fail_at, fail_calls = 1, calls;
static int is_counted;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void start(void) {
  const char* text = getenv("RECORD_DIR");
  if (!text || !realpath(text, dir)) return;
  dir_bytes = strlen(dir);
  const char* log = getenv("RECORD_LOG");
  if (log) log_fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const char* at = getenv("FAIL_AT");
  if (at) fail_at = atol(at);
  const char* error = getenv("FAIL_ERRNO");
  if (error) fail_errno = atoi(error);
  is_counted = getenv("COUNT") != NULL;
  const char* many = getenv("FAIL_CALLS");
  if (many) fail_calls = atol(many);
}

__attribute__((destructor)) static void end(void) {
  if (is_counted && dir_bytes) fprintf(stderr, "calls %ld\n", calls);
}

// The path of a name in a folder, when it is in ours; the folder itself counts.
static int is_ours(int at, const char* name, char* path) {
  if (!dir_bytes || !name) return 0;
  char base[PATH_MAX] = "";
  if (name[0] != '/') {
    char link[64];
    snprintf(link, sizeof link, at == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", at);
    const ssize_t n = readlink(link, base, sizeof base - 2);
    if (n <= 0) return 0;
    base[n] = '/';
    base[n + 1] = 0;
  }
  if (snprintf(path, PATH_MAX, "%s%s", base, name) >= PATH_MAX) return 0;
  return strncmp(path, dir, dir_bytes) == 0 && (path[dir_bytes] == '/' || path[dir_bytes] == 0);
}

static int fd_is_ours(int fd, char* path) {
  if (!dir_bytes || fd == log_fd) return 0;
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t n = readlink(link, path, PATH_MAX - 1);
  if (n <= 0) return 0;
  path[n] = 0;
  return strncmp(path, dir, dir_bytes) == 0 && (path[dir_bytes] == '/' || path[dir_bytes] == 0);
}

// Whether this call is the one that fails; errno is set then.
static int fails(void) {
  calls++;
  if (fail_at == 0 || calls < fail_at || calls >= fail_at + fail_calls) return 0;
  errno = fail_errno;
  return 1;
}

static unsigned long inode_of(int fd) {
  struct stat s;
  return fstat(fd, &s) == 0 ? (unsigned long)s.st_ino : 0;
}

static void note(const char* verb, unsigned long inode, long offset, const void* bytes, size_t n) {
  if (log_fd < 0) return;
  char head[96];
  const int size = snprintf(head, sizeof head, "%s %lu %ld %zu\n", verb, inode, offset, n);
  syscall(SYS_write, log_fd, head, (size_t)size);
  if (n > 0) syscall(SYS_write, log_fd, bytes, n);
}

static void note_path(const char* verb, unsigned long inode, const char* path) {
  note(verb, inode, 0, path + dir_bytes, strlen(path + dir_bytes));
}

// ---- opening -------------------------------------------------------------------------------------------------------

static int opened(int at, const char* name, int flags, mode_t mode) {
  char path[PATH_MAX];
  if (!(flags & (O_CREAT | O_TRUNC)) || !is_ours(at, name, path)) return (int)syscall(SYS_openat, at, name, flags, mode);
  pthread_mutex_lock(&mutex);
  int fd = -1;
  if (!fails()) {
    const int was_there = faccessat(at, name, F_OK, 0) == 0;
    fd = (int)syscall(SYS_openat, at, name, flags, mode);
    if (fd >= 0 && !was_there) note_path("create", inode_of(fd), path);
    if (fd >= 0 && was_there && (flags & O_TRUNC)) note("truncate", inode_of(fd), 0, NULL, 0);
  }
  pthread_mutex_unlock(&mutex);
  return fd;
}

#define MODE(flags)                       \
  mode_t mode = 0;                        \
  if ((flags) & (O_CREAT | O_TMPFILE)) {  \
    va_list args;                         \
    va_start(args, flags);                \
    mode = va_arg(args, mode_t);          \
    va_end(args);                         \
  }
int open(const char* name, int flags, ...) {
  MODE(flags)
  return opened(AT_FDCWD, name, flags, mode);
}
int open64(const char* name, int flags, ...) {
  MODE(flags)
  return opened(AT_FDCWD, name, flags, mode);
}
int openat(int at, const char* name, int flags, ...) {
  MODE(flags)
  return opened(at, name, flags, mode);
}
int openat64(int at, const char* name, int flags, ...) {
  MODE(flags)
  return opened(at, name, flags, mode);
}

// ---- writing -------------------------------------------------------------------------------------------------------

static ssize_t written(int fd, const void* bytes, size_t n, off_t offset, int is_positional) {
  char path[PATH_MAX];
  if (!fd_is_ours(fd, path)) {
    return is_positional ? syscall(SYS_pwrite64, fd, bytes, n, offset) : syscall(SYS_write, fd, bytes, n);
  }
  pthread_mutex_lock(&mutex);
  ssize_t done = -1;
  if (!fails()) {
    const off_t at = is_positional ? offset : lseek(fd, 0, SEEK_CUR);
    done = is_positional ? syscall(SYS_pwrite64, fd, bytes, n, offset) : syscall(SYS_write, fd, bytes, n);
    if (done > 0) note("write", inode_of(fd), (long)at, bytes, (size_t)done);
  }
  pthread_mutex_unlock(&mutex);
  return done;
}
ssize_t write(int fd, const void* bytes, size_t n) { return written(fd, bytes, n, 0, 0); }
ssize_t pwrite(int fd, const void* bytes, size_t n, off_t offset) { return written(fd, bytes, n, offset, 1); }
ssize_t pwrite64(int fd, const void* bytes, size_t n, off_t offset) { return written(fd, bytes, n, offset, 1); }

static int cut(int fd, off_t size) {
  char path[PATH_MAX];
  if (!fd_is_ours(fd, path)) return (int)syscall(SYS_ftruncate, fd, size);
  pthread_mutex_lock(&mutex);
  const int r = fails() ? -1 : (int)syscall(SYS_ftruncate, fd, size);
  if (r == 0) note("truncate", inode_of(fd), (long)size, NULL, 0);
  pthread_mutex_unlock(&mutex);
  return r;
}
int ftruncate(int fd, off_t size) { return cut(fd, size); }
int ftruncate64(int fd, off_t size) { return cut(fd, size); }

static int synced(int fd, long call) {
  char path[PATH_MAX];
  if (!fd_is_ours(fd, path)) return (int)syscall(call, fd);
  pthread_mutex_lock(&mutex);
  struct stat s;
  const int r = fails() ? -1 : (int)syscall(call, fd);
  if (r == 0 && fstat(fd, &s) == 0)
    note(S_ISDIR(s.st_mode) ? "syncdir" : "sync", (unsigned long)s.st_ino, 0, path + dir_bytes, strlen(path + dir_bytes));
  pthread_mutex_unlock(&mutex);
  return r;
}
int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

// ---- reading: fails, and is not written down -----------------------------------------------------------------------

ssize_t read(int fd, void* into, size_t n) {
  char path[PATH_MAX];
  if (fail_at != 0 && fd_is_ours(fd, path)) {
    pthread_mutex_lock(&mutex);
    const int is_failing = fails();
    pthread_mutex_unlock(&mutex);
    if (is_failing) return -1;
  }
  return syscall(SYS_read, fd, into, n);
}

// ---- names ---------------------------------------------------------------------------------------------------------

static int renamed(int from_at, const char* from, int to_at, const char* to) {
  char a[PATH_MAX], b[PATH_MAX];
  if (!is_ours(from_at, from, a) || !is_ours(to_at, to, b)) return (int)syscall(SYS_renameat2, from_at, from, to_at, to, 0);
  pthread_mutex_lock(&mutex);
  const int r = fails() ? -1 : (int)syscall(SYS_renameat2, from_at, from, to_at, to, 0);
  if (r == 0) {
    char both[2 * PATH_MAX];
    const size_t n = strlen(a + dir_bytes), m = strlen(b + dir_bytes);
    memcpy(both, a + dir_bytes, n + 1);
    memcpy(both + n + 1, b + dir_bytes, m);
    note("rename", 0, 0, both, n + 1 + m);
  }
  pthread_mutex_unlock(&mutex);
  return r;
}
int rename(const char* from, const char* to) { return renamed(AT_FDCWD, from, AT_FDCWD, to); }
int renameat(int from_at, const char* from, int to_at, const char* to) { return renamed(from_at, from, to_at, to); }

// A second name for a file: what libuv calls for linkSync.
int link(const char* from, const char* to) {
  char a[PATH_MAX], b[PATH_MAX];
  if (!is_ours(AT_FDCWD, from, a) || !is_ours(AT_FDCWD, to, b))
    return (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
  pthread_mutex_lock(&mutex);
  struct stat s;
  const int r = fails() ? -1 : (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
  if (r == 0 && stat(b, &s) == 0) note_path("link", (unsigned long)s.st_ino, b);
  pthread_mutex_unlock(&mutex);
  return r;
}

static int removed(int at, const char* name, int flags) {
  char path[PATH_MAX];
  if (!is_ours(at, name, path)) return (int)syscall(SYS_unlinkat, at, name, flags);
  pthread_mutex_lock(&mutex);
  const int r = fails() ? -1 : (int)syscall(SYS_unlinkat, at, name, flags);
  if (r == 0) note_path("unlink", 0, path);
  pthread_mutex_unlock(&mutex);
  return r;
}
int unlink(const char* name) { return removed(AT_FDCWD, name, 0); }
int unlinkat(int at, const char* name, int flags) { return removed(at, name, flags); }
