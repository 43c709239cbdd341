#include "files/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace catenary::files {
namespace {

constexpr Nanos kDay = 86'400 * kSecond;
constexpr int kNewFile = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;

int open_dir(int at, const char* path, bool make) {
  if (make && ::mkdirat(at, path, 0700) != 0 && errno != EEXIST) return -1;
  return ::openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

// A name for the system: at most 71 characters of our own making.
struct Name {
  Name(std::string_view a, std::string_view b = {}) {  // NOLINT(google-explicit-constructor)
    const std::size_t n = std::min(a.size(), sizeof text - 1), m = std::min(b.size(), sizeof text - 1 - n);
    std::memcpy(text, a.data(), n);
    if (m > 0) std::memcpy(text + n, b.data(), m);
  }
  char text[80] = {};
};

bool write_all(int fd, const void* from, std::size_t left, std::uint64_t at) {
  const auto* bytes = static_cast<const char*>(from);
  while (left > 0) {
    const ssize_t n = ::pwrite(fd, bytes, left, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes += n;
    at += static_cast<std::uint64_t>(n);
    left -= static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

Store::Store(StoreOptions options) : options_(std::move(options)) {
  dir_ = ::open(options_.dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir_ < 0) return;
  tmp_ = open_dir(dir_, ".tmp", true);
  partial_ = open_dir(dir_, "partial", true);
}

Store::~Store() {
  for (const int fd : {dir_, tmp_, partial_})
    if (fd >= 0) ::close(fd);
}

Store::Budget* Store::budget_of(std::string_view source, Nanos now) {
  for (Budget& b : budgets_) {
    if (!b.source.empty() && b.source != source) continue;
    if (b.source.empty() || b.day != now / kDay) b = {source, now / kDay, 0};
    return &b;
  }
  return nullptr;
}

void Store::open(Carving& c, std::string_view fuid, std::string_view source, Nanos now) {
  c.fd = -1;
  c.size = 0;
  c.hole_count = 0;
  c.source = source;
  const Budget* budget = budget_of(source, now);
  if (!budget || budget->bytes >= options_.source_bytes_max) {
    counters_.over_budget++;
  } else if (open_ >= kOpenMax) {
    counters_.too_many_open++;
  } else {
    c.fd = tmp_ < 0 ? -1 : ::openat(tmp_, Name(fuid).text, kNewFile, 0600);
    if (c.fd < 0)
      counters_.refused++;
    else
      open_++;
  }
}

void Store::drop(Carving& c, std::string_view fuid) {
  if (c.fd < 0) return;
  ::close(c.fd);
  c.fd = -1;
  open_--;
  ::unlinkat(tmp_, Name(fuid).text, 0);
}

void Store::bytes(Carving& c, std::string_view fuid, Bytes chunk, Nanos now) {
  if (c.fd < 0) return;
  Budget* budget = budget_of(c.source, now);
  if (c.size + chunk.size() > options_.file_bytes_max) {
    counters_.too_long++;
  } else if (!budget || budget->bytes + chunk.size() > options_.source_bytes_max) {
    counters_.over_budget++;
  } else if (!write_all(c.fd, chunk.data(), chunk.size(), c.size)) {
    counters_.refused++;
  } else {
    c.size += chunk.size();
    budget->bytes += chunk.size();
    return;
  }
  drop(c, fuid);
}

void Store::gap(Carving& c, std::string_view fuid, std::uint64_t n) {
  if (c.fd < 0) return;
  // A hole costs nothing on the disk, and still ends a file that it makes too long.
  if (n > options_.file_bytes_max || c.size + n > options_.file_bytes_max || c.hole_count >= Carving::kHolesMax) {
    counters_.too_long++;
    return drop(c, fuid);
  }
  c.holes[c.hole_count++] = {c.size, n};
  c.size += n;
}

void Store::typed(Carving& c, std::string_view fuid, std::string_view mime) {
  if (c.fd < 0 || options_.mimes.empty()) return;
  if (std::find(options_.mimes.begin(), options_.mimes.end(), mime) != options_.mimes.end()) return;
  counters_.unwanted++;
  drop(c, fuid);
}

bool Store::write_holes(const Carving& c, std::string_view fuid) {
  const int fd = ::openat(partial_, Name(fuid, ".holes").text, kNewFile, 0600);
  if (fd < 0) return false;
  std::string lines;
  for (std::size_t i = 0; i < c.hole_count; i++)
    lines += std::to_string(c.holes[i].offset) + " " + std::to_string(c.holes[i].bytes) + "\n";
  const bool is_written = write_all(fd, lines.data(), lines.size(), 0);
  ::close(fd);
  return is_written;
}

std::string_view Store::close(Carving& c, std::string_view fuid, std::string_view sha256, std::array<char, 80>& out) {
  if (c.fd < 0) return {};
  const bool is_whole = sha256.size() == 64 && c.hole_count == 0;
  // A hole at the end is part of the file.
  bool is_good = c.size > 0 && ::ftruncate(c.fd, static_cast<off_t>(c.size)) == 0;
  std::size_t n = 0;
  const auto add = [&](std::string_view s) {
    std::memcpy(out.data() + n, s.data(), s.size());
    n += s.size();
  };
  if (is_whole) {
    add(sha256.substr(0, 2));
    const int folder = open_dir(dir_, Name(sha256.substr(0, 2)).text, true);
    is_good = is_good && folder >= 0 && ::renameat(tmp_, Name(fuid).text, folder, Name(sha256).text) == 0;
    if (folder >= 0) ::close(folder);
    add("/");
    add(sha256);
  } else {
    add("partial/");
    add(fuid.substr(0, 40));
    is_good = is_good && (c.hole_count == 0 || write_holes(c, fuid)) &&
              ::renameat(tmp_, Name(fuid).text, partial_, Name(fuid).text) == 0;
  }
  if (!is_good) {
    if (c.size > 0) counters_.refused++;
    drop(c, fuid);
    return {};
  }
  ::close(c.fd);
  c.fd = -1;
  open_--;
  counters_.kept++;
  counters_.kept_bytes += c.size;
  return {out.data(), n};
}

}  // namespace catenary::files
