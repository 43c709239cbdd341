// Where packets come from. A source hands out one packet at a time; its bytes live until the next call.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/net.h"

namespace catenary::capture {

// No interface delivers more (libpcap's MAXIMUM_SNAPLEN): a longer record is a broken file.
inline constexpr std::uint32_t kPacketBytesMax = 262144;

struct RawPacket {
  Nanos ts = 0;
  std::uint32_t wire_len = 0;  // as it was on the wire; data may be cut by the snap length
  int linktype = 0;            // a DLT_ value
  Bytes data;
};

enum class Next { kPacket, kTimeout, kEnd, kError };

// What the layers below us say they lost. Zero for files.
struct SourceStats {
  std::uint64_t received = 0;    // by the kernel's filter
  std::uint64_t dropped = 0;     // by the kernel: our ring was full
  std::uint64_t if_dropped = 0;  // by the interface or its driver
};

class Source {
 public:
  virtual ~Source() = default;
  virtual Next next(RawPacket& out) = 0;
  virtual SourceStats stats() { return {}; }
  // Bytes consumed so far, for progress; 0 where there is no end to measure against.
  virtual std::uint64_t position() const { return 0; }
  // Why next() returned kError: one sentence, with what to do where there is something to do.
  const std::string& error() const { return error_; }

 protected:
  std::string error_;
};

struct FileOptions {
  std::string filter;  // BPF text, "" for none
};
struct LiveOptions {
  std::string filter;
  int snaplen = 262144;
  int buffer_bytes = 64 << 20;
  bool promiscuous = true;
  int timeout_ms = 100;
};

// Opens a capture file, or standard input for "-". pcap of both byte orders, microseconds and
// nanoseconds, through libpcap; pcapng through our own reader. nullptr and `error` set on failure.
std::unique_ptr<Source> open_file(const std::string& path, const FileOptions& options, std::string& error);
std::unique_ptr<Source> open_live(const std::string& interface, const LiveOptions& options, std::string& error);

}  // namespace catenary::capture
