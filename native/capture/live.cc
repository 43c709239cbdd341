// Live capture. libpcap opens and configures the handle (TPACKET_V3 on Linux), compiles and sets the filter and walks
// the ring; the socket's own counters are read here, in 64 bits, from a known zero to a known end.
//
// The zero: a socket is bound before it has its filter and its place among the workers, and takes in what it should
// not. So it takes in nothing until both are set, what came before is thrown away, and counting starts. The end: shut()
// takes in nothing more and what the ring still holds is handed out. Between the two, exactly:
//
//   received == handed out + on the ring + dropped
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include <cstring>

#include "capture/clock.h"
#include "capture/nic.h"
#include "capture/source.h"

namespace catenary::capture {
namespace {

// A block of the ring that is not full is handed over after the read timeout; so many of them without a packet, and the
// ring is empty whatever the counters say.
constexpr int kQuietTimeouts = 5;
// An interface that goes down is one error.
constexpr int kErrorsMax = 100;

// Lets no packet into the socket.
bool refuse_all(int socket) {
  sock_filter none{BPF_RET | BPF_K, 0, 0, 0};
  const sock_fprog program{1, &none};
  return ::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

class LiveSource final : public Source {
 public:
  LiveSource(pcap_t* pcap, const std::string& interface, bool is_nanos, int timeout_ms)
      : pcap_(pcap),
        nic_(interface),
        is_nanos_(is_nanos),
        timeout_ms_(timeout_ms),
        fd_(pcap_get_selectable_fd(pcap)),
        linktype_(pcap_datalink(pcap)) {
    std::strncpy(request_.ifr_name, interface.c_str(), sizeof request_.ifr_name - 1);
    if (::ioctl(fd_, SIOCGIFINDEX, &request_) == 0) index_ = request_.ifr_ifindex;
  }
  ~LiveSource() override { pcap_close(pcap_); }

  // Everything that came so far is forgotten; the filter is set, and counting starts.
  bool begin(const LiveOptions& options) {
    // Of what a machine sends to itself libpcap hides one of two copies; the counters would have both.
    const bool is_loopback = ::ioctl(fd_, SIOCGIFFLAGS, &request_) == 0 && (request_.ifr_flags & IFF_LOOPBACK) != 0;
    const int one = 1;
    if (is_loopback) ::setsockopt(fd_, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one);
    if (!refuse_all(fd_)) return fail("the kernel takes no filter");
    if (!join_fanout(fd_, options.fanout, is_loopback, error_)) return false;
    is_shut_ = true;
    for (RawPacket p; next(p) == Next::kPacket;) {
    }
    is_shut_ = false;
    totals_ = {};
    taken_ = 0;
    first_ = nic_.counters();
    if (options.filter.empty()) return ::setsockopt(fd_, SOL_SOCKET, SO_DETACH_FILTER, &one, sizeof one) == 0;
    bpf_program program{};
    const bool is_set = pcap_compile(pcap_, &program, options.filter.c_str(), 1, PCAP_NETMASK_UNKNOWN) == 0 &&
                        pcap_setfilter(pcap_, &program) == 0;
    pcap_freecode(&program);
    if (!is_set) return fail("filter '" + options.filter + "': " + pcap_geterr(pcap_));
    // What libpcap filters itself would be taken from the ring and counted by nobody.
    socklen_t length = 0;
    if (::getsockopt(fd_, SOL_SOCKET, SO_GET_FILTER, nullptr, &length) == 0 && length > 0) return true;
    return fail("filter '" + options.filter + "': too long for the kernel");
  }

  Next next(RawPacket& out) override {
    for (;;) {
      pcap_pkthdr* header = nullptr;
      const u_char* data = nullptr;
      // The handle does not block: with TPACKET_V3 libpcap would wait for a packet without end, and a quiet interface
      // could be neither stopped nor told that time has passed.
      const int r = pcap_next_ex(pcap_, &header, &data);
      if (r == 1) {
        taken_++;
        quiet_ = errors_ = 0;
        out.ts = static_cast<Nanos>(header->ts.tv_sec) * kSecond + header->ts.tv_usec * (is_nanos_ ? 1 : 1000);
        out.wire_len = header->len;
        out.linktype = linktype_;
        out.data = Bytes{data, header->caplen};
        return Next::kPacket;
      }
      if (r == PCAP_ERROR_BREAK) return Next::kEnd;
      // The socket of an interface that is down stays what it was; that of one that is gone is dead for ever.
      if (r < 0 && !on_error()) return Next::kError;
      if (is_shut_) {
        if (waiting() == 0 || ++quiet_ > kQuietTimeouts) return error_.empty() ? Next::kEnd : Next::kError;
      } else {
        look_at_interface();
      }
      pollfd ready{fd_, POLLIN, 0};
      if (poll(&ready, 1, timeout_ms_) <= 0 && !is_shut_) return Next::kTimeout;
    }
  }

  SourceStats stats() override {
    count();
    const NicCounters now = nic_.counters();
    SourceStats s = totals_;
    s.taken = taken_;
    s.if_received = now.received - first_.received;
    s.if_dropped = now.dropped - first_.dropped;
    s.backlog_dropped = now.backlog_dropped - first_.backlog_dropped;
    s.down = down_ + (down_since_ == 0 ? 0 : clock_of(CLOCK_MONOTONIC) - down_since_);
    return s;
  }

  int socket() const override { return fd_; }

  void shut() override {
    if (refuse_all(fd_)) is_shut_ = true;
  }

 private:
  bool fail(std::string why) {
    error_ = std::move(why);
    return false;
  }

  // The kernel starts again at zero whenever it is asked.
  void count() {
    tpacket_stats_v3 s{};
    socklen_t length = sizeof s;
    if (::getsockopt(fd_, SOL_PACKET, PACKET_STATISTICS, &s, &length) != 0) return;
    totals_.received += s.tp_packets;
    totals_.dropped += s.tp_drops;
  }
  std::uint64_t waiting() {
    count();
    return totals_.received - totals_.dropped - taken_;
  }

  // False: it is not the interface.
  bool on_error() {
    if (++errors_ > kErrorsMax) return fail(pcap_geterr(pcap_));
    if (!is_shut_) look_at_interface();
    return true;
  }
  // Whenever nothing comes: an interface that goes is told to libpcap before it has gone, and not again.
  void look_at_interface() {
    const bool is_there = ::ioctl(fd_, SIOCGIFINDEX, &request_) == 0 && request_.ifr_ifindex == index_;
    if (!is_there) {
      // What the ring holds first, then the end.
      error_ = "the interface is gone";
      is_shut_ = true;
    } else if (::ioctl(fd_, SIOCGIFFLAGS, &request_) == 0) {
      const bool is_up = (request_.ifr_flags & IFF_UP) != 0;
      if (!is_up && down_since_ == 0) down_since_ = clock_of(CLOCK_MONOTONIC);
      if (is_up && down_since_ != 0) {
        down_ += clock_of(CLOCK_MONOTONIC) - down_since_;
        down_since_ = 0;
      }
    }
  }

  pcap_t* pcap_;
  Nic nic_;
  ifreq request_{};
  bool is_nanos_;
  int timeout_ms_;
  int fd_;
  int linktype_;
  int index_ = 0;
  SourceStats totals_;
  NicCounters first_;
  std::uint64_t taken_ = 0;
  int quiet_ = 0, errors_ = 0;
  bool is_shut_ = false;
  Nanos down_ = 0, down_since_ = 0;
};

bool want_adapter_clock(pcap_t* pcap) {
  int* types = nullptr;
  const int n = pcap_list_tstamp_types(pcap, &types);
  bool is_set = false;
  // A clock that the driver keeps with the host's first; one of its own is good when ptp4l or the like keeps it.
  for (const int wanted : {PCAP_TSTAMP_ADAPTER, PCAP_TSTAMP_ADAPTER_UNSYNCED})
    for (int i = 0; i < n && !is_set; i++) is_set = types[i] == wanted && pcap_set_tstamp_type(pcap, wanted) == 0;
  if (n > 0) pcap_free_tstamp_types(types);
  return is_set;
}

}  // namespace

std::unique_ptr<Source> open_live(const std::string& interface, const LiveOptions& options, std::string& error) {
  char message[PCAP_ERRBUF_SIZE] = "";
  pcap_t* pcap = pcap_create(interface.c_str(), message);
  if (!pcap) {
    error = message;
    return nullptr;
  }
  pcap_set_snaplen(pcap, options.snaplen);
  pcap_set_promisc(pcap, options.promiscuous ? 1 : 0);
  pcap_set_timeout(pcap, options.timeout_ms);
  pcap_set_buffer_size(pcap, options.buffer_bytes);
  const bool is_nanos = pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO) == 0;
  if (options.clock == Clock::kAdapter && !want_adapter_clock(pcap)) {
    error =
        "the adapter gives packets no time (see 'ethtool -T " + interface + "'; the host's clock is the other choice)";
    pcap_close(pcap);
    return nullptr;
  }
  const int r = pcap_activate(pcap);
  if (r < 0) {
    const std::string why = pcap_geterr(pcap);
    error = r == PCAP_ERROR_PERM_DENIED      ? "no permission to capture (run as root, or give the process CAP_NET_RAW)"
            : r == PCAP_ERROR_NO_SUCH_DEVICE ? "no such interface (see 'ip link')"
            : r == PCAP_ERROR_IFACE_NOT_UP   ? "the interface is down (ip link set " + interface + " up)"
            : why.empty()                    ? pcap_statustostr(r)
                                             : why;
    pcap_close(pcap);
    return nullptr;
  }
  if (pcap_setnonblock(pcap, 1, message) != 0 || pcap_get_selectable_fd(pcap) < 0) {
    error = *message ? message : "the interface cannot be waited for";
    pcap_close(pcap);
    return nullptr;
  }
  auto source = std::make_unique<LiveSource>(pcap, interface, is_nanos, options.timeout_ms);
  if (source->begin(options)) return source;
  error = source->error();
  return nullptr;
}

}  // namespace catenary::capture
