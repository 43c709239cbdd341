// A file that comes in ranges (RFC 9110 14): parts of one answer, several answers of one connection, or answers of many
// connections at once, as download managers and those who want to pass unseen ask for it. All of it becomes one file,
// put together in order, so that it has a hash when it is whole; its event is written once for each flow that carried
// a part.
//
// What came before its turn is kept within limits; when they are reached, the hole in front of it is given up. A file
// for which nothing comes for kIdle is over.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "files/tracker.h"
#include "flow/context.h"
#include "protocols/http/text.h"

namespace catenary::http {

class RangeFile {
 public:
  static constexpr std::size_t kPiecesMax = 64;
  static constexpr std::size_t kWaitingBytesMax = std::size_t{4} << 20;
  static constexpr std::size_t kCarriersMax = 64;

  std::string_view fuid() const noexcept { return file_->fuid(); }

 private:
  friend class RangeFiles;
  struct Piece {
    std::uint64_t at;
    std::vector<std::uint8_t> bytes;
  };

  files::File* file_ = nullptr;
  Ip client;
  std::string url, host, name;
  std::uint64_t length = 0;  // 0: not told
  std::uint64_t end = 0;     // of what was put together
  Nanos last = 0;
  std::uint32_t serial = 0;
  bool is_type_told = false;
  std::size_t waiting_bytes = 0;
  std::vector<Piece> waiting;  // ascending, apart from one another
  std::vector<files::Carrier> carriers;
};

class RangeFiles {
 public:
  static constexpr std::size_t kFilesMax = 256;
  static constexpr std::size_t kWaitingBytesMax = std::size_t{64} << 20;  // of all files together
  static constexpr Nanos kIdle = 120 * kSecond;

  // What a message holds of a file: the file may be over before the message is.
  struct Handle {
    std::uint32_t slot = 0, serial = 0;  // serial 0: none
  };

  // The file of this client and URL, begun when there is none. `ordinal` as in files::Opening.
  Handle open(flow::Context& cx, flow::Dir dir, std::uint32_t depth, std::uint32_t ordinal, std::string_view url,
              std::string_view host, std::string_view name, std::uint64_t length);
  RangeFile* find(Handle h) noexcept;
  // Returns the type (static text) once, when it becomes known. The file is closed when these bytes complete it.
  std::string_view bytes(flow::Context& cx, Handle h, std::uint64_t at, Bytes chunk);

  // Closes what was idle; returns when to look again.
  Nanos expire(Nanos now, event::Batcher& events);
  void close_all(event::Batcher& events);
  std::size_t size() const noexcept;

 private:
  void deliver(Nanos now, RangeFile& f, std::uint64_t at, Bytes chunk);
  void keep(RangeFile& f, std::uint64_t at, Bytes chunk);
  void catch_up(Nanos now, RangeFile& f);
  void skip_hole(Nanos now, RangeFile& f);
  void close(event::Batcher& events, RangeFile& f, files::End how);

  files::Tracker* tracker_ = nullptr;
  std::vector<std::unique_ptr<RangeFile>> slots_;
  std::size_t waiting_bytes_ = 0;
  std::uint32_t serial_ = 0;
};

}  // namespace catenary::http
