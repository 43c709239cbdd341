// Packets beside decoding, to segments: standard pcapng files that any tool opens, each with an index by flow.
//
//   .EEEEEEEE-NNNNNNNN.part       being written
//   EEEEEEEE-NNNNNNNN.pcapng      closed: synced, then renamed; never written again
//   EEEEEEEE-NNNNNNNN.idx         its index, there before the segment is
//
// E is the epoch, one life of a sensor process, and N counts without holes inside it. A number is one stretch of
// packet time, at most segment_bytes or segment_time long. A stretch of which nothing could be kept has a number and
// counters but no file, so that silence can be told from deletion. Exactly, in each:
//
//   taken == written + cutoff + not_kept
//
// Only whole blocks are handed to the system, so a segment that a full disk or a crash ended is cut back to its last
// whole block. After a write error packets are shed, and counted, until the stretch ends, kShedTime after it began at
// the latest; the next one tries again.
//
// One thread calls. Syncing, sorting and renaming are done by a second one that this class starts when a stretch ends
// and waits for before the next ends: at most one at a time. Nothing is allocated per packet.
#pragma once

#include <array>
#include <atomic>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "capture/source.h"
#include "packets/blocks.h"
#include "packets/index.h"

namespace catenary::packets {

inline constexpr std::uint64_t kSegmentBytesMax = 256 << 20;
inline constexpr std::uint64_t kSegmentBytesMin = 64 << 10;
inline constexpr std::size_t kBufferBytes = 1 << 20;  // handed to the system at once
inline constexpr std::size_t kInterfacesMax = 16;     // link types in one segment; another one begins the next
inline constexpr std::size_t kFlowsPerPacketMax = 4;  // tunnels inside tunnels; the inner ones count
inline constexpr Nanos kShedTime = 5 * kSecond;       // a disk that has room again is written to so soon
inline constexpr std::size_t kRecentFlows = 8192;     // flows that push each other out are noted again: 48 bytes
inline constexpr std::size_t kHeldMax = 65536;        // flows whose cutoff is lifted, 512 KiB

struct WriterOptions {
  std::string dir{};  // exists
  std::uint32_t epoch = 1;
  std::uint32_t first_n = 1;
  std::uint64_t segment_bytes = kSegmentBytesMax;
  Nanos segment_time = 60 * kSecond;
  std::uint64_t cutoff_bytes = 0;          // IP bytes kept of each flow, both directions; 0: all
  std::size_t index_places_max = 1 << 20;  // 24 MiB while open, as much again while one is closed
  std::string interface {
  }, filter{}, application = "Catenary";
  std::uint32_t snaplen = capture::kPacketBytesMax;
};

struct SegmentCounters {
  std::uint64_t taken = 0;    // packets handed to the pipeline
  std::uint64_t decoded = 0;  // of those, by the pipeline
  std::uint64_t written = 0;
  std::uint64_t cutoff = 0;    // of flows that had their share
  std::uint64_t not_kept = 0;  // shed: the disk refused
  // Live, as the kernel says: ring_packets == taken + ring_drops.
  std::uint64_t ring_packets = 0, ring_drops = 0;
};

// A stretch that has ended.
struct Segment {
  std::uint32_t epoch = 0, n = 0;
  std::string name;         // of the file, without its folder; "" when there is none
  std::uint64_t bytes = 0;  // of the file
  bool has_index = false;
  Nanos from = 0, to = 0;     // of the packets taken
  Nanos first = 0, last = 0;  // of the packets written
  SegmentCounters counters;
  std::string error;  // why packets were shed or the index is missing
};

// "EEEEEEEE-NNNNNNNN.pcapng"
std::string segment_name(std::uint32_t epoch, std::uint32_t n);

// A flow that a packet belongs to, the flow's bytes before it, and its ends.
struct FlowShare {
  Uid uid;
  std::uint64_t bytes_before = 0;
  std::array<Ip, 2> addresses{};
  std::array<std::uint16_t, 2> ports{};
};

// Live: packets that came off the ring and those that it dropped, since the capture began.
class RingWatch {
 public:
  virtual ~RingWatch() = default;
  virtual capture::SourceStats look() = 0;
};

class Writer {
 public:
  explicit Writer(WriterOptions options);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // `flows`: outermost first, kFlowsPerPacketMax at most; empty when it belongs to none. Such a packet is always kept.
  void packet(const capture::RawPacket& raw, std::span<const FlowShare> flows);
  // Time passes without packets: a stretch ends.
  void tick(Nanos now);
  // Who tells at the end of a stretch what the kernel has counted; not asked after it is gone.
  void watch_ring(RingWatch* ring) noexcept { ring_ = ring; }
  // Of all stretches so far. What is buffered is handed to the system first, so that it counts as written or not.
  SegmentCounters settle();
  // Ends the stretch and waits for it.
  void finish();

  // All packets of this flow are kept from here on, whatever the cutoff. False when kHeldMax flows are held.
  bool hold(Uid uid);
  void release(Uid uid);

  // What has ended since the last call, in order.
  std::vector<Segment> take_closed();

 private:
  struct Closing {
    std::thread thread;
    std::atomic<bool> is_done{false};
    Segment segment;
    std::vector<Place> places;
    std::vector<FlowEnds> ends;
    int fd = -1;
  };

  void begin(const capture::RawPacket& raw);
  void end();
  bool open_file();
  bool flush();
  void fail(const std::string& what, int error);
  // The stretch has lasted as long as it may.
  bool is_over(Nanos now) const noexcept;
  void note(const FlowShare& flow, bool is_cut);
  bool is_cut(std::span<const FlowShare> flows) const noexcept;
  bool interface_of(int linktype, std::uint32_t& index);
  void write(const capture::RawPacket& raw, std::span<const FlowShare> flows, std::uint32_t interface);
  void collect();
  static void close_segment(const std::string& dir, Closing& c, int dir_fd);

  WriterOptions options_;
  int dir_fd_ = -1;
  std::string dir_error_;
  std::uint32_t next_n_;
  bool is_open_ = false;  // a stretch has begun
  bool is_shedding_ = false;
  int fd_ = -1;
  Segment segment_;
  std::vector<std::uint8_t> buffer_;  // whole blocks that the system does not have yet
  std::uint64_t buffered_packets_ = 0;
  std::uint64_t file_bytes_ = 0;  // what the system has
  std::vector<Place> places_;
  std::vector<FlowEnds> ends_;                        // at least one for each flow of the segment
  std::array<std::uint64_t, kRecentFlows> recent_{};  // flows whose ends were noted, by their lowest bits
  std::array<std::uint64_t, kRecentFlows> recent_cut_{};
  std::vector<int> interfaces_;
  std::vector<std::uint64_t> held_;  // ascending
  RingWatch* ring_ = nullptr;
  capture::SourceStats ring_before_;
  SegmentCounters ended_;  // of all stretches that have ended
  Closing closing_;
  bool is_closing_ = false;
  std::vector<Segment> closed_;
};

}  // namespace catenary::packets
