// Capture files. Classic pcap goes through libpcap. libpcap refuses a pcapng file whose interfaces
// differ in link type or snap length, which every multi-interface capture has, so those go through
// pcapng.cc.
#include <pcap/pcap.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/cursor.h"
#include "capture/filter.h"
#include "capture/growing.h"
#include "capture/pcapng.h"
#include "capture/source.h"

namespace catenary::capture {
namespace {

constexpr std::size_t kFileHeaderBytes = 24;
constexpr std::size_t kReadBytes = 1 << 20;  // stdio's own 4 KB make a system call for every third packet

class PcapFile final : public Source {
 public:
  PcapFile(pcap_t* pcap, const FileOptions& options) : pcap_(pcap), filter_(options.filter) {
    linktype_ = pcap_datalink(pcap_);
  }
  ~PcapFile() override { pcap_close(pcap_); }

  Next next(RawPacket& out) override {
    for (;;) {
      pcap_pkthdr* header = nullptr;
      const u_char* data = nullptr;
      const int r = pcap_next_ex(pcap_, &header, &data);
      if (r == PCAP_ERROR_BREAK) return Next::kEnd;
      if (r != 1) {
        error_ = pcap_geterr(pcap_);
        return Next::kError;
      }
      position_ += 16 + header->caplen;
      // Opened for nanoseconds: tv_usec holds nanoseconds.
      out.ts = static_cast<Nanos>(header->ts.tv_sec) * kSecond + header->ts.tv_usec;
      out.wire_len = header->len;
      out.linktype = linktype_;
      out.data = Bytes{data, header->caplen};
      if (filter_.empty() || filter_.match(out, error_)) return Next::kPacket;
      if (!error_.empty()) return Next::kError;
    }
  }
  std::uint64_t position() const override { return position_; }

 private:
  pcap_t* pcap_;
  Filter filter_;
  int linktype_ = 0;
  std::uint64_t position_ = kFileHeaderBytes;
};

// Only version 2.4 has been written since 1993; libpcap reads older ones with caplen and len swapped,
// so a damaged version field would turn one length into the other.
bool is_readable_version(Bytes head, std::string& error) {
  Cursor c(head);
  const std::uint32_t magic = c.be32();
  const bool little = magic == 0xd4c3b2a1 || magic == 0x4d3cb2a1;
  const bool big = magic == 0xa1b2c3d4 || magic == 0xa1b23c4d;
  if (!little && !big) return true;  // libpcap will say what it is not
  const std::uint16_t major = little ? c.le16() : c.be16();
  const std::uint16_t minor = little ? c.le16() : c.be16();
  if (major == 2 && minor == 4) return true;
  error = "pcap version " + std::to_string(major) + "." + std::to_string(minor) +
          " (only 2.4 is in use: the file header is damaged)";
  return false;
}

}  // namespace

std::unique_ptr<Source> open_stream(std::FILE* file, const FileOptions& options, std::string& error) {
  std::setvbuf(file, nullptr, _IOFBF, kReadBytes);
  std::uint8_t head[kFileHeaderBytes];
  const std::size_t n = std::fread(head, 1, sizeof head, file);
  const Bytes seen{head, n};
  Cursor magic(seen);
  const bool is_pcapng = magic.be32() == 0x0a0d0d0a;
  if (is_pcapng) return open_pcapng(file, seen, options);

  if (n < sizeof head) {
    error = n == 0 ? "the file is empty" : "the file is shorter than a capture file's header";
  } else if (is_readable_version(seen, error)) {
    // Give the header back: glibc keeps as many pushed-back bytes as are pushed, on pipes too.
    bool pushed = true;
    for (std::size_t i = n; i > 0; i--) pushed = pushed && std::ungetc(head[i - 1], file) != EOF;
    char message[PCAP_ERRBUF_SIZE] = "";
    pcap_t* pcap =
        pushed ? pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, message) : nullptr;
    if (pcap) return std::make_unique<PcapFile>(pcap, options);
    error = *message ? message : "cannot read it";
  }
  std::fclose(file);
  return nullptr;
}

std::unique_ptr<Source> open_file(const std::string& path, const FileOptions& options, std::string& error) {
  if (path == "-") return open_input(STDIN_FILENO, options);
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file) return open_stream(file, options, error);
  error = std::strerror(errno);
  return nullptr;
}

}  // namespace catenary::capture
