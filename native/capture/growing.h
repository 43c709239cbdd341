// Captures that are still being written: a pipe, a file that tcpdump appends to. Readers of files take an end for the
// end, and half a record for damage; so they are given whole records only, and their end is not the end until the
// writer's is.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "capture/source.h"

namespace catenary::capture {

// What cannot be whole within this many bytes is handed on as it is, for a reader to say what is wrong with it.
inline constexpr std::size_t kRecordHeldMax = 16 << 20;

// Finds where records end, in pcap and pcapng of both byte orders. Hostile bytes: a length is believed only as far as
// kRecordHeldMax.
class RecordBounds {
 public:
  // in: bytes from where the last call's result ended. Returns how many of them are whole records.
  std::size_t whole(Bytes bytes);
  // Nobody's format, or nonsense: everything counts as whole.
  bool is_lost() const noexcept { return format_ == Format::kUnknown; }

 private:
  enum class Format { kNone, kPcapLittle, kPcapBig, kPcapng, kUnknown };
  // Of the record that begins here; 0: more is needed to tell.
  std::size_t length(Bytes bytes);

  Format format_ = Format::kNone;
  bool is_little_ = true;  // pcapng: of this section
};

// Opens what is at the front of a stream; takes `file` over.
std::unique_ptr<Source> open_stream(std::FILE* file, const FileOptions& options, std::string& error);
// A pipe or a file from here to its end, without waiting longer than a moment for the next packet. Does not close `fd`.
std::unique_ptr<Source> open_input(int fd, const FileOptions& options);

}  // namespace catenary::capture
