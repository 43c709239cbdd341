// Where packets come from. A source hands out one packet at a time; its bytes live until the next call.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/net.h"
#include "capture/fanout.h"

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

// What the layers below us have counted since the source was opened. Zero for files.
struct SourceStats {
  std::uint64_t received = 0;         // passed the filter; exactly those handed out, on the ring and dropped
  std::uint64_t dropped = 0;          // of those, at the ring: it was full
  std::uint64_t taken = 0;            // of those, handed out; the rest is on the ring
  std::uint64_t if_dropped = 0;       // by the interface or its driver
  std::uint64_t if_received = 0;      // by the interface, before any filter; of all workers
  std::uint64_t backlog_dropped = 0;  // between interface and ring, of all interfaces: the kernel's queue was full
  Nanos down = 0;                     // how long the interface was down
};

class Source {
 public:
  virtual ~Source() = default;
  virtual Next next(RawPacket& out) = 0;
  virtual SourceStats stats() { return {}; }
  // Of a live source; -1 where there is none.
  virtual int socket() const { return -1; }
  // Nothing new is taken in from here on: next() hands out what the ring holds, then ends. Files just end.
  virtual void shut() {}
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
enum class Clock : std::uint8_t { kHost, kAdapter };  // whose time a packet has

struct LiveOptions {
  std::string filter;
  int snaplen = 262144;
  int buffer_bytes = 64 << 20;
  bool promiscuous = true;
  Clock clock = Clock::kHost;
  int timeout_ms = 100;
  Fanout fanout;
};

// Opens a capture file, or standard input for "-". pcap of both byte orders, microseconds and
// nanoseconds, through libpcap; pcapng through our own reader. nullptr and `error` set on failure.
std::unique_ptr<Source> open_file(const std::string& path, const FileOptions& options, std::string& error);
// A folder to which somebody adds captures and appends to the newest, as tcpdump -G and -C do: all of them in the order
// of their names, each as far as it is whole, and on as they grow. Never ends by itself.
std::unique_ptr<Source> open_folder(const std::string& path, const FileOptions& options, std::string& error);
std::unique_ptr<Source> open_live(const std::string& interface, const LiveOptions& options, std::string& error);

}  // namespace catenary::capture
