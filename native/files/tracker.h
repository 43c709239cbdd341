// Files inside flows: one `file` event each, with its type, its hashes and its holes.
//
// A protocol opens a file when the first byte of it comes, feeds it in order, tells of gaps and closes it. It needs
// no memory of its own for that but the pointer:
//
//   if (!file_) file_ = cx.files.open(cx, {.source = "http", .dir = dir, .depth = depth, .ordinal = files_++});
//   cx.files.bytes(cx, file_, chunk);
//   ...
//   cx.files.close(cx, file_, files::End::kComplete, {.filename = name, .url = url, .host = host});
//
// A null file is one that was shed (limits().open_max): every call takes it and does nothing, so nobody has to ask.
// Whoever opened a file closes it, in Parser::on_close at the latest.
//
// Bytes are hashed as they come and kept only where there is a store (store.h); in memory stay the first kSniffBytes,
// which decide the type. A file with a hole has no hash: the hash of something else would be worse than none. Digest
// contexts and the buffers for the first bytes belong to slots that are used again; a chunk never allocates.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "files/digest.h"
#include "files/magic.h"
#include "files/store.h"
#include "flow/context.h"

namespace catenary::files {

inline constexpr std::size_t kFuidBytes = 18;

struct Limits {
  std::uint32_t open_max = 16384;  // at once in one worker: about 6 kB each while its type is unknown, 2 kB after
  bool hashes = true;
  bool entropy = false;  // 256 counters a file and a table access a byte
};

enum class End : std::uint8_t {
  kComplete,  // its protocol says so
  kAborted,   // the flow ended, or the protocol gave up
  kTimedOut,  // nothing came for too long
};

// What is known when the first byte comes. Texts are static: they outlive the file.
struct Opening {
  std::string_view source;  // the protocol: "http", "tls", "smtp", "ftp_data", "smb"
  flow::Dir dir{};          // whose bytes
  std::uint32_t depth = 0;
  std::uint32_t ordinal = 0;  // of the file within its flow, counted by the protocol
  std::optional<std::uint64_t> total_bytes{};
  std::string_view mime_type{};  // when the protocol defines it; otherwise the first bytes do
};

// What may be known only at the end. Views: read during close().
struct Names {
  std::string_view filename{};
  std::string_view url{};
  std::string_view host{};
  std::string_view parent_fuid{};
};

// A flow that carried the file, or a part of it.
struct Carrier {
  Uid uid;
  Ip orig_h, resp_h;
  std::uint16_t orig_p = 0, resp_p = 0;
  std::uint8_t proto = 0;
  std::optional<std::uint16_t> vlan;
  bool mid_stream = false;
};
Carrier carrier_of(const flow::Flow& flow) noexcept;

class File {
 public:
  // Valid until the file is closed.
  std::string_view fuid() const noexcept { return {fuid_.data(), fuid_.size()}; }
  // Static text; empty while it is not known, or when no type fits.
  std::string_view mime_type() const noexcept { return mime_type_; }
  bool is_typed() const noexcept { return is_typed_; }
  std::uint64_t seen_bytes() const noexcept { return seen_; }
  std::uint64_t missing_bytes() const noexcept { return missing_; }

 private:
  friend class Tracker;

  std::array<char, kFuidBytes> fuid_{};
  std::string_view source_, mime_type_;
  flow::Dir dir_{};
  bool is_typed_ = false;
  bool has_hole_ = false;
  std::uint32_t depth_ = 0;
  std::optional<std::uint64_t> total_;
  Nanos first_ = 0, last_ = 0;
  std::uint64_t seen_ = 0, missing_ = 0, overflow_ = 0;
  std::uint32_t sniffed_ = 0;                                     // bytes in sniff_
  std::unique_ptr<std::array<std::uint8_t, kSniffBytes>> sniff_;  // lent by the tracker while the type is unknown
  DigestSet digests_;
  std::unique_ptr<std::array<std::uint32_t, 256>> histogram_;
  Carving carving_;
};

class Tracker {
 public:
  // `store`: where content is kept; null: nowhere.
  explicit Tracker(event::Batcher& events, Limits limits = {}, Store* store = nullptr);
  ~Tracker();
  Tracker(const Tracker&) = delete;
  Tracker& operator=(const Tracker&) = delete;

  // Null when open_max files are open: counted, and a weird says so.
  File* open(flow::Context& cx, const Opening& opening);
  // The size became known after the first byte.
  void set_total(File* file, std::uint64_t bytes) noexcept;
  void bytes(flow::Context& cx, File* file, Bytes chunk);
  // `n` bytes of the file never came.
  void gap(flow::Context& cx, File* file, std::uint64_t n) { gap(cx.now, file, n); }
  // `n` bytes came that could not be placed.
  void overflow(File* file, std::uint64_t n) noexcept;
  // The file is not whole for a reason that is no loss (a part of it was asked for): no hashes.
  void set_partial(File* file) noexcept;
  // Decides the type now if it is not known yet, as close() would.
  std::string_view decide_type(File* file);
  // Writes the event and takes the slot back; the pointer becomes null. Returns the type (static text).
  std::string_view close(flow::Context& cx, File*& file, End end, const Names& names = {});

  // The same for a file that outlives its flow: the event is written once for each flow that carried a part of it.
  void bytes(Nanos now, File* file, Bytes chunk);
  void gap(Nanos now, File* file, std::uint64_t n);
  std::string_view close(event::Batcher& events, File*& file, End end, const Names& names,
                         std::span<const Carrier> carriers);

  // The flow that carried bytes of a file that is kept, since the last call; none: 0.
  Uid take_carved() noexcept {
    const Uid carved = carved_;
    carved_ = {};
    return carved;
  }

  const Limits& limits() const noexcept { return limits_; }
  std::size_t files_open() const noexcept { return slots_.size() - free_.size(); }
  std::uint64_t files_opened() const noexcept { return opened_; }
  std::uint64_t files_shed() const noexcept { return shed_; }

 private:
  using SniffBuffer = std::unique_ptr<std::array<std::uint8_t, kSniffBytes>>;

  void sniff(File& file, Bytes chunk);

  Limits limits_;
  Store* store_;
  Algorithms algorithms_;
  std::vector<std::unique_ptr<File>> slots_;  // grows to what was open at once, never shrinks
  std::vector<File*> free_;
  std::vector<SniffBuffer> buffers_;  // not lent
  std::uint64_t opened_ = 0, shed_ = 0;
  Uid carved_;
};

}  // namespace catenary::files
