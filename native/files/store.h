// Carves files to disk beside hashing: written as bytes come to a temporary name, and at the end renamed to the address
// of their content, or dropped.
//
//   DIR/.tmp/FUID              being written
//   DIR/aa/<sha256>            whole; the same content is there once
//   DIR/partial/FUID           with holes, or broken off: no hash names it; holes are zeros
//   DIR/partial/FUID.holes     a line "offset length" for each hole, in bytes
//
// A name seen in traffic is never part of a path: what is opened is made of our own ids and digits, below one folder,
// never through a link, mode 0600. Nothing here is synced: a reader checks the hash before it trusts a file.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/net.h"

namespace catenary::files {

struct StoreOptions {
  std::string dir{};                                       // exists
  std::uint64_t file_bytes_max = std::uint64_t{64} << 20;  // a longer file is not kept
  // Written for one protocol within a day of packet time; what comes beyond is not kept.
  std::uint64_t source_bytes_max = std::uint64_t{2} << 30;
  std::vector<std::string> mimes{};  // only these types; all when empty
};

struct StoreCounters {
  std::uint64_t kept = 0, kept_bytes = 0;  // under a hash or as a part
  std::uint64_t too_long = 0, over_budget = 0, too_many_open = 0, refused = 0, unwanted = 0;
};

// Of one file: a descriptor and its holes. Belongs to the tracker's slot.
struct Carving {
  static constexpr std::size_t kHolesMax = 64;  // of one file; a file with more is dropped
  struct Hole {
    std::uint64_t offset, bytes;
  };
  int fd = -1;
  std::uint64_t size = 0;  // of the file so far, holes included
  std::array<Hole, kHolesMax> holes{};
  std::size_t hole_count = 0;
  std::string_view source;
};

class Store {
 public:
  static constexpr std::size_t kOpenMax = 256;    // descriptors; a process often has 1,024
  static constexpr std::size_t kSourcesMax = 16;  // protocols with a budget of their own

  explicit Store(StoreOptions options);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  void open(Carving& c, std::string_view fuid, std::string_view source, Nanos now);
  void bytes(Carving& c, std::string_view fuid, Bytes chunk, Nanos now);
  void gap(Carving& c, std::string_view fuid, std::uint64_t n);
  // The type is known: one that nobody wants is dropped.
  void typed(Carving& c, std::string_view fuid, std::string_view mime);
  void drop(Carving& c, std::string_view fuid);
  // Ends it: under its hash, or as a part when `sha256` is empty. The name below the folder, in `out`; empty when the
  // file was not kept.
  std::string_view close(Carving& c, std::string_view fuid, std::string_view sha256, std::array<char, 80>& out);

  const StoreCounters& counters() const noexcept { return counters_; }
  std::size_t files_open() const noexcept { return open_; }

 private:
  struct Budget {
    std::string_view source;
    Nanos day = -1;
    std::uint64_t bytes = 0;
  };
  Budget* budget_of(std::string_view source, Nanos now);
  bool write_holes(const Carving& c, std::string_view fuid);

  StoreOptions options_;
  int dir_ = -1, tmp_ = -1, partial_ = -1;
  std::array<Budget, kSourcesMax> budgets_{};
  std::size_t open_ = 0;
  StoreCounters counters_;
};

}  // namespace catenary::files
