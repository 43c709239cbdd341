// Live capture by libpcap (TPACKET_V3 on Linux), non-promiscuous only when asked.
#include <pcap/pcap.h>
#include <poll.h>

#include "capture/source.h"

namespace catenary::capture {
namespace {

class LiveSource final : public Source {
 public:
  LiveSource(pcap_t* pcap, bool is_nanos, int timeout_ms)
      : pcap_(pcap), is_nanos_(is_nanos), timeout_ms_(timeout_ms), fd_(pcap_get_selectable_fd(pcap)) {
    linktype_ = pcap_datalink(pcap_);
  }
  ~LiveSource() override { pcap_close(pcap_); }

  Next next(RawPacket& out) override {
    pcap_pkthdr* header = nullptr;
    const u_char* data = nullptr;
    int r = pcap_next_ex(pcap_, &header, &data);
    if (r == 0) {
      // The handle does not block: with TPACKET_V3 libpcap would wait for a packet without end, and a quiet interface
      // could be neither stopped nor told that time has passed.
      pollfd ready{fd_, POLLIN, 0};
      if (poll(&ready, 1, timeout_ms_) <= 0) return Next::kTimeout;
      r = pcap_next_ex(pcap_, &header, &data);
      if (r == 0) return Next::kTimeout;
    }
    if (r == PCAP_ERROR_BREAK) return Next::kEnd;
    if (r != 1) {
      error_ = pcap_geterr(pcap_);
      return Next::kError;
    }
    out.ts = static_cast<Nanos>(header->ts.tv_sec) * kSecond + header->ts.tv_usec * (is_nanos_ ? 1 : 1000);
    out.wire_len = header->len;
    out.linktype = linktype_;
    out.data = Bytes{data, header->caplen};
    return Next::kPacket;
  }

  SourceStats stats() override {
    pcap_stat s{};
    if (pcap_stats(pcap_, &s) != 0) return {};
    return {s.ps_recv, s.ps_drop, s.ps_ifdrop};
  }

 private:
  pcap_t* pcap_;
  bool is_nanos_;
  int timeout_ms_;
  int fd_;
  int linktype_ = 0;
};

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
  if (!options.filter.empty()) {
    bpf_program program{};
    if (pcap_compile(pcap, &program, options.filter.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0 ||
        pcap_setfilter(pcap, &program) != 0) {
      error = "filter '" + options.filter + "': " + pcap_geterr(pcap);
      pcap_close(pcap);
      return nullptr;
    }
    pcap_freecode(&program);
  }
  if (pcap_setnonblock(pcap, 1, message) != 0 || pcap_get_selectable_fd(pcap) < 0) {
    error = *message ? message : "the interface cannot be waited for";
    pcap_close(pcap);
    return nullptr;
  }
  return std::make_unique<LiveSource>(pcap, is_nanos, options.timeout_ms);
}

}  // namespace catenary::capture
