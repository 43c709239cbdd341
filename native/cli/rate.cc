#include "cli/rate.h"

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>

#include "capture/clock.h"
#include "event/json.h"
#include "sensor/reader.h"

namespace catenary::cli {
namespace {

using capture::clock_of;

constexpr std::uint8_t kSyn = 2, kAck = 0x10, kFin = 1;
constexpr std::uint32_t kServer = 0xc0000201, kClients = 0x0a000001;
// What a marked connection does: handshake, ten times data and its answer, both FINs; a round each.
constexpr std::uint32_t kExchanges = 10, kRounds = kExchanges + 3;

// Frames for sendmmsg, so many a call.
class Batch {
 public:
  static constexpr std::size_t kFrames = 64, kFrameBytes = 128;

  explicit Batch(int socket) : socket_(socket) {
    for (std::size_t i = 0; i < kFrames; i++) {
      parts_[i].iov_base = frames_[i].data();
      messages_[i].msg_hdr.msg_iov = &parts_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
    }
  }
  bool is_full() const { return count_ == kFrames; }

  void add(std::uint32_t src, std::uint32_t dst, std::uint16_t src_port, std::uint16_t dst_port, std::uint32_t seq,
           std::uint32_t ack, std::uint8_t flags, std::uint16_t len = 0) {
    std::uint8_t* at = frames_[count_].data();
    const auto put = [&at](std::uint32_t value, int bytes) {
      for (int i = bytes - 1; i >= 0; i--) *at++ = static_cast<std::uint8_t>(value >> (8 * i));
    };
    static constexpr std::array<std::uint8_t, 14> kEthernet = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0};
    at = std::copy(kEthernet.begin(), kEthernet.end(), at);
    put(0x4500, 2);
    put(40u + len, 2);
    put(++id_, 2);
    put(0x40004006, 4);
    put(0, 2);
    put(src, 4);
    put(dst, 4);
    put(src_port, 2);
    put(dst_port, 2);
    put(seq, 4);
    put(ack, 4);
    put(0x5000u | flags, 2);
    put(8192, 2);
    put(0, 4);
    parts_[count_++].iov_len = 54u + len;
  }
  // All of them; false when the interface is gone.
  bool send() {
    for (std::size_t from = 0; from < count_;) {
      const int n = ::sendmmsg(socket_, messages_.data() + from, static_cast<unsigned>(count_ - from), 0);
      if (n < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EINTR) return false;
      if (n > 0) from += static_cast<std::size_t>(n);
    }
    sent_ += count_;
    count_ = 0;
    return true;
  }
  std::uint64_t sent() const { return sent_; }

 private:
  int socket_;
  std::array<std::array<std::uint8_t, kFrameBytes>, kFrames> frames_{};
  std::array<iovec, kFrames> parts_{};
  std::array<mmsghdr, kFrames> messages_{};
  std::size_t count_ = 0;
  std::uint64_t sent_ = 0;
  std::uint16_t id_ = 0;
};

// One packet of a marked connection after another; `at` counts them. False when there is none left.
bool add_marked(Batch& out, std::uint32_t flow, std::uint32_t at) {
  const std::uint32_t client = kClients + flow;
  const auto port = static_cast<std::uint16_t>(20'000 + flow);
  const auto there = [&](std::uint32_t seq, std::uint32_t ack, std::uint8_t flags, std::uint16_t len = 0) {
    out.add(client, kServer, port, kMarkedPort, seq, ack, flags, len);
    return true;
  };
  const auto back = [&](std::uint32_t seq, std::uint32_t ack, std::uint8_t flags, std::uint16_t len = 0) {
    out.add(kServer, client, kMarkedPort, port, seq, ack, flags, len);
    return true;
  };
  if (at == 0) return there(100, 0, kSyn);
  if (at == 1) return back(500, 101, kSyn | kAck);
  if (at == 2) return there(101, 501, kAck);
  const std::uint32_t n = (at - 3) / 2;
  if (n < kExchanges)
    return (at - 3) % 2 == 0 ? there(101 + n * 20, 501 + n * 40, kAck, 20) : back(501 + n * 40, 121 + n * 20, kAck, 40);
  switch (at - 3 - 2 * kExchanges) {
    case 0: return back(901, 301, kAck);
    case 1: return there(301, 901, kFin | kAck);
    case 2: return back(901, 302, kFin | kAck);
    case 3: return there(302, 902, kAck);
    default: return false;
  }
}
constexpr std::uint32_t kMarkedPackets = kMarkedOrigPackets + kMarkedRespPackets;

int open_socket(const char* interface) {
  const int fd = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = static_cast<int>(::if_nametoindex(interface));
  const int one = 1;
  if (fd >= 0) ::setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one);
  const auto* address = static_cast<const sockaddr*>(static_cast<const void*>(&to));
  return fd >= 0 && to.sll_ifindex != 0 && ::bind(fd, address, sizeof to) == 0 ? fd : -1;
}

// Keeps of all conn records those of the marked connections.
class Marked final : public event::DrainSink {
 public:
  void on_drain(std::span<const event::Batch> batches) override {
    for (const event::Batch& b : batches) {
      bytes_ += b.bytes.size();
      // A million records of the flood are not made text for a few: the port as msgpack writes it.
      static constexpr std::array<std::uint8_t, 3> kPort = {0xcd, kMarkedPort >> 8, kMarkedPort & 0xff};
      if (b.kind != Kind::conn || !::memmem(b.bytes.data(), b.bytes.size(), kPort.data(), kPort.size())) continue;
      for (const std::string& line : event::json_lines(b.kind, b.bytes)) {
        if (has(line, R"("resp_p":4242,)") || has(line, R"("orig_p":4242,)")) see(line);
      }
    }
  }
  struct Connection {
    std::uint64_t records = 0, packets = 0, whole = 0;
  };
  const std::map<std::string, Connection>& connections() const { return connections_; }

 private:
  static bool has(const std::string& line, std::string_view part) { return line.find(part) != std::string::npos; }
  static std::uint64_t number(const std::string& line, const std::string& name) {
    const std::size_t at = line.find('"' + name + "\":");
    return at == std::string::npos ? 0 : std::stoull(line.substr(at + name.size() + 3));
  }
  void see(const std::string& line) {
    const std::size_t at = line.find(R"("orig_h":)");
    Connection& c = connections_[line.substr(at, line.find(',', at) - at)];
    c.records++;
    c.packets += number(line, "orig_pkts") + number(line, "resp_pkts");
    c.whole += has(line, R"("conn_state":"SF")") && has(line, R"("history":"ShADdaFf")") &&
               has(line, R"("orig_bytes":200)") && has(line, R"("resp_bytes":400)") && has(line, R"("missed_bytes":0)");
  }

  std::map<std::string, Connection> connections_;
  std::uint64_t bytes_ = 0;
};

volatile std::sig_atomic_t is_told = 0;
void on_signal(int) { is_told = 1; }

long peak_kb() {
  rusage r{};
  getrusage(RUSAGE_SELF, &r);
  return r.ru_maxrss;
}
double cpu_seconds() { return static_cast<double>(clock_of(CLOCK_PROCESS_CPUTIME_ID)) / 1e9; }

int count_only(capture::Source& source) {
  capture::RawPacket p;
  for (;;) {
    if (is_told) {
      is_told = 0;
      source.shut();
    }
    const capture::Next next = source.next(p);
    if (next == capture::Next::kEnd || next == capture::Next::kError) break;
  }
  const capture::SourceStats s = source.stats();
  std::printf("{\"received\":%llu,\"dropped\":%llu,\"taken\":%llu,\"if_received\":%llu,\"cpu_s\":%.2f}\n",
              static_cast<unsigned long long>(s.received), static_cast<unsigned long long>(s.dropped),
              static_cast<unsigned long long>(s.taken), static_cast<unsigned long long>(s.if_received), cpu_seconds());
  return 0;
}

}  // namespace

int flood(const char* interface, double rate, double seconds, std::uint32_t marked) {
  const int fd = open_socket(interface);
  if (fd < 0) {
    std::fprintf(stderr, "catenary-native: %s: no such interface, or no right to send on it\n", interface);
    return 1;
  }
  Batch batch(fd);
  const Nanos begun = clock_of(CLOCK_MONOTONIC), whole = static_cast<Nanos>(seconds * 1e9);
  std::uint64_t random = 88172645463325252, marked_packets = 0, next_marked = 0;
  const std::uint64_t marked_all = std::uint64_t{marked} * kMarkedPackets;
  bool is_there = true;
  while (is_there) {
    const Nanos now = clock_of(CLOCK_MONOTONIC) - begun;
    if (now >= whole) break;
    if (rate > 0) {
      const Nanos due = static_cast<Nanos>(static_cast<double>(batch.sent()) / rate * 1e9);
      if (due > now) {
        // A sleep is no shorter than the kernel's slack: the last stretch is waited out.
        const timespec rest{0, std::min<long>(due - now, 999'999'999)};
        if (due - now > 100'000) ::nanosleep(&rest, nullptr);
        continue;
      }
    }
    // Packet k of every marked connection, then k + 1 of every one, evenly over nine tenths of the time.
    const auto due_marked = static_cast<std::uint64_t>(static_cast<double>(marked_all) * static_cast<double>(now) /
                                                       (0.9 * static_cast<double>(whole)));
    while (!batch.is_full()) {
      if (next_marked < std::min(due_marked, marked_all)) {
        marked_packets += add_marked(batch, static_cast<std::uint32_t>(next_marked % marked),
                                     static_cast<std::uint32_t>(next_marked / marked));
        next_marked++;
        continue;
      }
      random ^= random << 13, random ^= random >> 7, random ^= random << 17;
      const auto source = static_cast<std::uint32_t>(random), rest = static_cast<std::uint32_t>(random >> 32);
      batch.add(source | 0x80000000, kServer, static_cast<std::uint16_t>(rest), 80, rest, 0, kSyn);
    }
    is_there = batch.send();
  }
  for (; is_there && next_marked < marked_all; next_marked++) {
    marked_packets += add_marked(batch, static_cast<std::uint32_t>(next_marked % marked),
                                 static_cast<std::uint32_t>(next_marked / marked));
    if (batch.is_full()) is_there = batch.send();
  }
  is_there = is_there && batch.send();
  const double took = static_cast<double>(clock_of(CLOCK_MONOTONIC) - begun) / 1e9;
  ::close(fd);
  std::printf("{\"sent\":%llu,\"marked_packets\":%llu,\"seconds\":%.3f}\n",
              static_cast<unsigned long long>(batch.sent()), static_cast<unsigned long long>(marked_packets), took);
  return is_there ? 0 : 1;
}

int listen(const char* interface, bool only_counts, const capture::LiveOptions& options) {
  std::signal(SIGTERM, on_signal);
  std::signal(SIGINT, on_signal);
  if (only_counts) {
    std::string error;
    const std::unique_ptr<capture::Source> source = capture::open_live(interface, options, error);
    if (source) return count_only(*source);
    std::fprintf(stderr, "catenary-native: %s: %s\n", interface, error.c_str());
    return 1;
  }
  sensor::ReaderOptions reading;
  reading.interface = interface;
  reading.live = options;
  reading.reopens = false;
  reading.pipeline.key = sensor::random_key();
  Marked marked;
  sensor::Reader reader(reading, marked);
  std::size_t most = 0;
  while (reader.run(4096)) {
    most = std::max(most, reader.pipeline().flows_active());
    if (is_told) reader.stop();
  }
  const capture::SourceStats s = reader.stats();
  std::uint64_t whole = 0, delivered = 0, broken = 0;
  for (const auto& [name, c] : marked.connections()) {
    const bool is_all_there = c.packets >= kMarkedPackets;
    whole += c.whole;
    delivered += is_all_there;
    broken += is_all_there && (c.whole != 1 || c.records != 1);
  }
  std::printf(
      "{\"received\":%llu,\"dropped\":%llu,\"taken\":%llu,\"decoded\":%llu,\"if_received\":%llu,\"flows\":%llu,"
      "\"evicted\":%llu,\"flows_most\":%zu,\"flow_bytes\":%zu,\"peak_memory_kb\":%ld,\"cpu_s\":%.2f,"
      "\"marked\":%zu,\"marked_delivered\":%llu,\"marked_whole\":%llu,\"marked_broken\":%llu}\n",
      static_cast<unsigned long long>(s.received), static_cast<unsigned long long>(s.dropped),
      static_cast<unsigned long long>(s.taken), static_cast<unsigned long long>(reader.pipeline().counters().packets),
      static_cast<unsigned long long>(s.if_received), static_cast<unsigned long long>(reader.pipeline().flows()),
      static_cast<unsigned long long>(reader.pipeline().flows_evicted()), most, sizeof(flow::Flow), peak_kb(),
      cpu_seconds(), marked.connections().size(), static_cast<unsigned long long>(delivered),
      static_cast<unsigned long long>(whole), static_cast<unsigned long long>(broken));
  return 0;
}

}  // namespace catenary::cli
