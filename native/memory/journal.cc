// Snapshots, the log, and what a crash leaves of them. journal.h has the layout and the reasons.
#include "memory/journal.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace catenary::memory {
namespace {

constexpr std::uint32_t kMagic = 0x314d5443;  // CTM1
constexpr std::size_t kFrameHead = 24, kSnapshotHead = 48;
constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kFlags = 0;
// A snapshot is written when the log is longer than this and than twice the snapshot: each byte of memory is then
// rewritten at most once for every two logged.
constexpr std::uint64_t kLogBytesMin = 8 << 20;
constexpr std::size_t kGenerationsMax = 64;

std::string fault(const std::string& what, int error) { return what + ": " + std::strerror(error); }

// A file, mapped to be read; nobody else writes it while the folder is locked.
class Mapped {
 public:
  explicit Mapped(const std::string& path) noexcept {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    struct stat s {};
    if (::fstat(fd, &s) == 0 && s.st_size > 0) {
      size_ = static_cast<std::size_t>(s.st_size);
      at_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0);
      if (at_ == MAP_FAILED) at_ = nullptr;
    }
    ::close(fd);
  }
  ~Mapped() {
    if (at_ != nullptr) ::munmap(at_, size_);
  }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;
  Bytes bytes() const noexcept {
    return at_ == nullptr ? Bytes{} : Bytes{static_cast<const std::uint8_t*>(at_), size_};
  }

 private:
  void* at_ = nullptr;
  std::size_t size_ = 0;
};

int write_all(int fd, Bytes b) noexcept {
  while (!b.empty()) {
    const ssize_t n = ::write(fd, b.data(), b.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    b = b.subspan(static_cast<std::size_t>(n));
  }
  return 0;
}

int sync_dir(const std::string& dir) noexcept {
  const int fd = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int error = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  return error;
}

std::uint64_t checksum(std::uint32_t flags, Bytes payload) noexcept {
  return XXH3_64bits_withSeed(payload.data(), payload.size(), (std::uint64_t{flags} << 32) ^ payload.size());
}

void put_head(const Image& m, std::vector<std::uint8_t>& out) {
  put(out, static_cast<std::uint8_t>('H'));
  put(out, m.position);
  put(out, m.start);
  for (const std::uint64_t v : {std::uint64_t{m.keys.capacity() / kBucketSlots}, m.keys.evicted(), m.keys.floor(),
                                std::uint64_t{m.pairs.capacity() / kBucketSlots}, m.pairs.evicted(), m.pairs.floor()}) {
    put(out, v);
  }
}

struct Head {
  std::uint64_t position = 0, start = 0;
  std::array<std::uint64_t, 3> keys{}, pairs{};
};

Head take_head(Cursor& in) noexcept {
  Head h;
  if (in.u8() != 'H') in.fail();
  h.position = in.le64();
  h.start = in.le64();
  for (auto* three : {&h.keys, &h.pairs}) {
    for (std::uint64_t& v : *three) v = in.le64();
  }
  return h;
}

void open_frame(std::vector<std::uint8_t>& out) {
  put(out, kMagic);
  put(out, kFlags);
  put(out, std::uint64_t{0});
  put(out, std::uint64_t{0});
}
void close_frame(std::vector<std::uint8_t>& out) {
  const std::uint64_t length = out.size() - kFrameHead;
  const std::uint64_t sum = checksum(kFlags, Bytes{out}.subspan(kFrameHead));
  std::memcpy(out.data() + 8, &length, 8);
  std::memcpy(out.data() + 16, &sum, 8);
}

// One whole commit from the front of `in`; empty when it is not there to its last byte.
Bytes take_commit(Cursor& in) noexcept {
  const bool is_ours = in.le32() == kMagic;
  const std::uint32_t flags = in.le32();
  const std::uint64_t length = in.le64(), sum = in.le64();
  if (!in.ok() || !is_ours || flags != kFlags || length > in.left()) return {};
  const Bytes payload = in.take(static_cast<std::size_t>(length));
  return checksum(flags, payload) == sum ? payload : Bytes{};
}

// `in` stands behind the head. False: not what put_commit() wrote, though the checksum is right: another version.
bool apply(Cursor& in, Image& m) noexcept {
  while (!in.done()) {
    const std::uint8_t section = in.u8();
    const std::uint32_t count = in.le32();
    if (!in.ok() || (section != 'K' && section != 'P')) return false;
    for (std::uint32_t i = 0; i < count; i++) {
      if (!(section == 'K' ? m.keys.restore_slot(in) : m.pairs.restore_slot(in))) return false;
    }
  }
  return in.ok();
}

std::uint64_t generation_of(std::string_view name, std::string_view ending) noexcept {
  if (!name.ends_with(ending)) return 0;
  name.remove_suffix(ending.size());
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), n);
  return error == std::errc{} && end == name.data() + name.size() ? n : 0;
}

template <class F>
void each_file(const std::string& dir, F&& visit) {
  DIR* d = ::opendir(dir.c_str());
  if (d == nullptr) return;
  while (const dirent* e = ::readdir(d)) visit(std::string_view(e->d_name));
  ::closedir(d);
}

}  // namespace

Journal::~Journal() {
  if (log_fd_ >= 0) ::close(log_fd_);
  if (lock_fd_ >= 0) ::close(lock_fd_);
}

std::string Journal::path(std::uint64_t generation, const char* kind) const {
  return dir_ + "/" + std::to_string(generation) + kind;
}

std::string Journal::lock() {
  lock_fd_ = ::open((dir_ + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_fd_ < 0) return fault(dir_ + "/lock", errno);
  if (::flock(lock_fd_, LOCK_EX | LOCK_NB) == 0) return "";
  return errno == EWOULDBLOCK ? dir_ + ": in use by another process" : fault(dir_ + "/lock", errno);
}

std::string Journal::open(const std::string& dir, std::uint64_t wanted, Image& image, HashKeys& keys) {
  dir_ = dir;
  if (::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST) return fault(dir, errno);
  if (std::string error = lock(); !error.empty()) return error;
  std::vector<std::uint64_t> generations;
  each_file(dir_, [&](std::string_view name) {
    const std::uint64_t n = generation_of(name, ".snapshot");
    if (n != 0 && generations.size() < kGenerationsMax) generations.push_back(n);
  });
  std::sort(generations.rbegin(), generations.rend());
  bool is_loaded = false;
  for (const std::uint64_t n : generations) {
    if (std::string error = load(n, wanted, image, keys, is_loaded); !error.empty()) return error;
    if (is_loaded) break;
  }
  // Before the first commit of the state there was at most the first of memory: that one is undone by forgetting it.
  if (!is_loaded && !generations.empty() && (wanted != 0 || generations.size() > 1 || generations[0] != 1)) {
    return dir_ + ": holds no commit at or before position " + std::to_string(wanted);
  }
  if (!is_loaded) generation_ = 0;
  drop_others();
  return "";
}

std::string Journal::load(std::uint64_t generation, std::uint64_t wanted, Image& image, HashKeys& keys,
                          bool& is_loaded) {
  const std::string name = path(generation, ".snapshot");
  const Mapped snapshot(name);
  Cursor in(snapshot.bytes());
  const Bytes head_bytes = in.peek(kSnapshotHead - 8);
  HashKeys found;
  const bool is_ours = in.le32() == kMagic;
  const std::uint32_t version = in.le32();
  for (std::uint64_t& w : found.words) w = in.le64();
  const std::uint64_t sum = in.le64();
  if (is_ours && version > kVersion) return name + ": written by a newer version";
  const bool is_head_whole = in.ok() && is_ours && checksum(version, head_bytes) == sum;
  Cursor commit(is_head_whole ? take_commit(in) : Bytes{});
  Head head = take_head(commit);
  // A snapshot gets its name only when it is on disk: a damaged one is not a crash but a broken disk, and going back
  // to the one before would silently forget.
  if (!commit.ok()) return name + ": damaged";
  if (head.position > wanted) return "";
  if (!image.keys.restore(head.keys[0], head.keys[1], head.keys[2]) ||
      !image.pairs.restore(head.pairs[0], head.pairs[1], head.pairs[2]) || !apply(commit, image)) {
    return name + ": damaged";
  }
  image.position = head.position;
  image.start = head.start;

  const std::string log_name = path(generation, ".log");
  const Mapped log(log_name);
  Cursor rest(log.bytes());
  std::uint64_t good = 0;
  while (!rest.done()) {
    Cursor next(take_commit(rest));
    head = take_head(next);
    if (!next.ok() || head.position > wanted) break;
    if (!apply(next, image)) return log_name + ": damaged";
    image.position = head.position;
    image.start = head.start;
    image.keys.set_evicted(head.keys[1]);
    image.pairs.set_evicted(head.pairs[1]);
    good = log.bytes().size() - rest.left();
  }
  log_fd_ = ::open(log_name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_APPEND, 0600);
  if (log_fd_ < 0 || ::ftruncate(log_fd_, static_cast<off_t>(good)) != 0) return fault(log_name, errno);
  generation_ = generation;
  snapshot_bytes_ = snapshot.bytes().size();
  log_bytes_ = good;
  keys = found;
  is_loaded = true;
  return "";
}

void Journal::drop_others() noexcept {
  std::vector<std::string> stale;
  each_file(dir_, [&](std::string_view name) {
    const std::uint64_t n = std::max(generation_of(name, ".snapshot"), generation_of(name, ".log"));
    if ((n != 0 && n != generation_) || name == "snapshot.part") stale.push_back(dir_ + "/" + std::string(name));
  });
  for (const std::string& file : stale) ::unlink(file.c_str());
}

std::string Journal::commit(const Image& image, const HashKeys& keys) {
  if (is_superseded_) {
    drop_others();
    is_superseded_ = false;
  }
  const bool is_due = log_bytes_ > std::max(kLogBytesMin, 2 * snapshot_bytes_);
  return generation_ == 0 || is_due || image.keys.moved() || image.pairs.moved() ? write_snapshot(image, keys)
                                                                                 : append(image);
}

std::string Journal::append(const Image& image) {
  buffer_.clear();
  open_frame(buffer_);
  put_head(image, buffer_);
  put(buffer_, static_cast<std::uint8_t>('K'));
  put(buffer_, static_cast<std::uint32_t>(image.keys.changes()));
  image.keys.encode_changes(buffer_);
  put(buffer_, static_cast<std::uint8_t>('P'));
  put(buffer_, static_cast<std::uint32_t>(image.pairs.changes()));
  image.pairs.encode_changes(buffer_);
  close_frame(buffer_);
  int error = write_all(log_fd_, buffer_);
  if (error == 0 && ::fdatasync(log_fd_) != 0) error = errno;
  if (error != 0) {
    // Half a commit would hide every later one from the next start.
    if (::ftruncate(log_fd_, static_cast<off_t>(log_bytes_)) != 0) error = errno;
    return fault(path(generation_, ".log"), error);
  }
  log_bytes_ += buffer_.size();
  return "";
}

std::string Journal::write_snapshot(const Image& image, const HashKeys& keys) {
  const std::string part = dir_ + "/snapshot.part", name = path(generation_ + 1, ".snapshot");
  buffer_.clear();
  open_frame(buffer_);
  put_head(image, buffer_);
  put(buffer_, static_cast<std::uint8_t>('K'));
  put(buffer_, static_cast<std::uint32_t>(image.keys.size()));
  image.keys.encode_all(buffer_);
  put(buffer_, static_cast<std::uint8_t>('P'));
  put(buffer_, static_cast<std::uint32_t>(image.pairs.size()));
  image.pairs.encode_all(buffer_);
  close_frame(buffer_);
  std::vector<std::uint8_t> head;
  put(head, kMagic);
  put(head, kVersion);
  for (const std::uint64_t w : keys.words) put(head, w);
  put(head, checksum(kVersion, head));

  const int fd = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return fault(part, errno);
  int error = write_all(fd, head);
  if (error == 0) error = write_all(fd, buffer_);
  if (error == 0 && ::fsync(fd) != 0) error = errno;
  ::close(fd);
  const std::size_t written = head.size() + buffer_.size();
  // The buffer of a snapshot is as large as memory itself; the log's are small.
  std::vector<std::uint8_t>().swap(buffer_);
  const std::string log_name = path(generation_ + 1, ".log");
  // An older log of that number cannot be: drop_others() ran. Its name is made durable with the snapshot's.
  const int log = error == 0 ? ::open(log_name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_APPEND, 0600) : -1;
  if (error == 0 && log < 0) error = errno;
  if (error == 0 && ::rename(part.c_str(), name.c_str()) != 0) error = errno;
  if (error == 0) error = sync_dir(dir_);
  if (error != 0) {
    if (log >= 0) ::close(log);
    ::unlink(name.c_str());
    ::unlink(log_name.c_str());
    return fault(name, error);
  }
  if (log_fd_ >= 0) ::close(log_fd_);
  log_fd_ = log;
  generation_++;
  snapshot_bytes_ = written;
  log_bytes_ = 0;
  is_superseded_ = true;
  return "";
}

}  // namespace catenary::memory
