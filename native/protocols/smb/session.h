// What both versions of SMB share: shares, open files, requests that wait, and what is told of them.
//
// A file is known by the number (version 2: 16 bytes) the server gave it when it was opened. Its content is one file of
// the file analysis for each direction, in the order of the bytes that came; its pipe is a flow of RPC.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "files/tracker.h"
#include "flow/nested.h"

namespace catenary::smb {

inline constexpr std::size_t kPathBytesMax = 1024;
inline constexpr std::size_t kNameBytesMax = 2048;
inline constexpr std::size_t kTreesMax = 64;
inline constexpr std::size_t kOpenFilesMax = 1024;
inline constexpr std::size_t kPendingMax = 1024;
// Opens of the same file in the same state are told once within this time, as in Zeek; so many are remembered.
inline constexpr Nanos kRecentLifetime = 180 * kSecond;
inline constexpr std::size_t kRecentMax = 1024;

// Of one worker: what all its SMB flows hold of shares, files and requests, so that many flows cannot do together what
// the limits above forbid one.
struct Worker final : flow::Shared {
  static constexpr std::size_t kHeldMax = std::size_t{64} << 20;
  std::size_t held = 0;
};

enum class Share : std::uint8_t { kUnknown, kDisk, kPipe, kPrint };

struct Tree {
  std::uint32_t id = 0;
  Share share = Share::kUnknown;
  bool has_path = false;
  std::string path, service;
};

// MS-DTYP 2.3.3: as the wire has them, in 100 ns since 1601; 0 where they are not known.
struct FileTimes {
  std::uint64_t created = 0, accessed = 0, modified = 0, changed = 0;
};

struct FileId {
  std::uint64_t persistent = 0, transient = 0;
  bool operator==(const FileId&) const noexcept = default;
};

struct OpenFile {
  FileId id;
  std::uint32_t tree_id = 0;
  std::uint8_t version = 2;  // of the protocol
  Share share = Share::kUnknown;
  Nanos opened = 0;
  bool has_path = false, has_name = false, was_renamed = false, deletes_on_close = false;
  std::string path, name, prev_name;
  std::uint64_t size = 0;
  FileTimes times;
  std::uint32_t create_action = 0, access_mask = 0;
  flow::Nested pipe;
  // Content, by the direction of its bytes.
  struct Content {
    files::File* file = nullptr;
    std::uint64_t next = 0;  // offset of the next byte in order
    bool was_opened = false;
  };
  std::array<Content, 2> content;
  std::array<char, files::kFuidBytes> fuid{};
  bool has_fuid = false;
};

// A request until its answer.
struct Pending {
  std::uint64_t id = 0;  // message id
  std::uint16_t command = 0;
  std::uint32_t tree_id = 0;
  Nanos at = 0;
  FileId file;  // of reads, pipes
  std::uint64_t offset = 0;
  std::string name;     // of opens and tree connects
  std::string service;  // version 1: of tree connects
  std::uint32_t access_mask = 0, options = 0;
  bool closes = false;  // a related request of the same message closes what it opens
};

enum class Action : std::uint8_t { kOpen, kRename, kDelete };

class Session {
 public:
  void use(Worker& worker) noexcept { worker_ = &worker; }

  // ---- requests ----
  // Waits for its answer; another one of the same number waits no longer.
  bool ask(flow::Context& cx, Pending request);
  // The request of this number, which goes on waiting; null when it was not seen.
  Pending* waiting(std::uint64_t id) noexcept;
  // The same, which waits no longer.
  std::optional<Pending> answered(std::uint64_t id);

  // ---- shares ----
  Tree* tree(std::uint32_t id) noexcept;
  void connect(flow::Context& cx, Tree tree, Nanos at, std::string_view file_system, bool is_encrypted);
  // One whose connect was not seen, or is not told.
  void add_tree(flow::Context& cx, Tree tree);
  void disconnect(std::uint32_t id);

  // ---- files ----
  // Answer to an open: the file is known from here on, and told. Share and path are its tree's.
  void open(flow::Context& cx, OpenFile file);
  OpenFile* find(FileId id) noexcept;
  void rename(flow::Context& cx, OpenFile& file, std::string name);
  void remove(flow::Context& cx, OpenFile& file);
  void close(flow::Context& cx, FileId id);
  // Content of a file, or what a pipe carries. `offset` of the first byte in the file.
  void data(flow::Context& cx, flow::Dir dir, OpenFile& file, std::uint64_t offset, Bytes bytes);

  void finish(flow::Context& cx);
  std::uint32_t files_opened() const noexcept { return files_opened_; }

 private:
  struct Recent {
    std::uint64_t hash = 0;
    Nanos until = 0;
  };

  // Room for something of so many bytes; false: there is none, and nothing is kept.
  bool hold(std::size_t bytes) noexcept;
  void release(std::size_t bytes) noexcept;
  void forget_file(flow::Context& cx, std::size_t i, files::End how);
  void forget_pending(std::size_t i);
  void tell(flow::Context& cx, OpenFile& file, Action action);
  bool was_told(flow::Context& cx, const OpenFile& file, std::string_view action);
  void end(flow::Context& cx, OpenFile& file, files::End how);

  Worker* worker_ = nullptr;
  std::vector<std::uint64_t> pending_ids_;  // beside pending_, so that a look through all is short
  std::vector<Pending> pending_;
  std::vector<Tree> trees_;
  std::vector<FileId> file_ids_;
  std::vector<OpenFile> files_;
  std::vector<Recent> recent_;
  std::size_t recent_next_ = 0;
  std::uint32_t files_opened_ = 0, contents_ = 0;
};

// Microseconds since 1970; nothing before that.
std::optional<Micros> unix_time(std::uint64_t file_time) noexcept;

}  // namespace catenary::smb
