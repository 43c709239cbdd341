// Capture files. Classic pcap goes through libpcap. libpcap refuses a pcapng file whose interfaces
// differ in link type or snap length, which every multi-interface capture has, so those go through
// pcapng.cc.
#include <pcap/pcap.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/cursor.h"
#include "capture/file_bytes.h"
#include "capture/filter.h"
#include "capture/growing.h"
#include "capture/pcapng.h"
#include "capture/source.h"

namespace catenary::capture {
namespace {

constexpr std::size_t kFileHeaderBytes = 24;
constexpr std::size_t kRecordHeaderBytes = 16;

// Little-endian files, which is nearly all: libpcap reads their header, records are read here, where they lie.
class PlainFile final : public Source {
 public:
  struct Format {
    bool has_nanos = false;
    int linktype = 0;
    std::uint32_t snaplen = 0;
  };
  PlainFile(std::FILE* file, Format format, const FileOptions& options)
      : bytes_(file, {}), format_(format), filter_(options.filter) {}

  Next next(RawPacket& out) override {
    for (;;) {
      const Bytes head = bytes_.take(kRecordHeaderBytes);
      if (head.empty() && !bytes_.has_failed()) return Next::kEnd;
      if (head.size() < kRecordHeaderBytes) return cut("header", kRecordHeaderBytes, head.size());
      Cursor c(head);
      // Signed 32-bit numbers, as libpcap has them. A damaged record may have more than a second in its fraction.
      const Nanos second = static_cast<std::int32_t>(c.le32()), part = static_cast<std::int32_t>(c.le32());
      const std::uint32_t caplen = c.le32();
      out.wire_len = c.le32();
      if (caplen > kPacketBytesMax) {
        const bool is_beyond = caplen > format_.snaplen;
        error_ = "invalid packet capture length " + std::to_string(caplen) + ", bigger than " +
                 (is_beyond ? "snaplen of " : "maximum of ") +
                 std::to_string(is_beyond ? format_.snaplen : kPacketBytesMax);
        return Next::kError;
      }
      const Bytes data = bytes_.take(caplen);
      if (data.size() < caplen) return cut("captured", caplen, data.size());
      out.ts = second * kSecond + part * (format_.has_nanos ? 1 : 1000);
      out.linktype = format_.linktype;
      out.data = data.first(std::min(caplen, format_.snaplen));
      if (filter_.empty() || filter_.match(out, error_)) return Next::kPacket;
      if (!error_.empty()) return Next::kError;
    }
  }
  std::uint64_t position() const override { return kFileHeaderBytes + bytes_.position(); }

 private:
  Next cut(const char* what, std::size_t wanted, std::size_t got) {
    error_ = bytes_.has_failed() ? std::string("error reading dump file: ") + std::strerror(errno)
                                 : "truncated dump file; tried to read " + std::to_string(wanted) + " " + what +
                                       " bytes, only got " + std::to_string(got);
    return Next::kError;
  }

  FileBytes bytes_;
  const Format format_;
  Filter filter_;
};

// Whatever else libpcap reads, record by record.
class LibraryFile final : public Source {
 public:
  LibraryFile(pcap_t* pcap, const FileOptions& options) : pcap_(pcap), filter_(options.filter) {
    linktype_ = pcap_datalink(pcap_);
  }
  ~LibraryFile() override { pcap_close(pcap_); }

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
      position_ += kRecordHeaderBytes + header->caplen;
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

// Records of these may be longer than any packet, or are mended by libpcap.
bool is_bus(int linktype) {
  constexpr int kBuses[] = {DLT_USB_LINUX, DLT_USB_LINUX_MMAPPED, DLT_USBPCAP, DLT_DBUS, DLT_EBHSCR};
  return std::find(std::begin(kBuses), std::end(kBuses), linktype) != std::end(kBuses);
}

// Null and no error where it is for libpcap alone.
std::unique_ptr<Source> open_plain(std::FILE* file, Bytes head, const FileOptions& options, std::string& error) {
  Cursor c(head);
  const std::uint32_t magic = c.le32();
  const bool has_nanos = magic == 0xa1b23c4d;
  if (!has_nanos && magic != 0xa1b2c3d4) return nullptr;
  std::array<std::uint8_t, kFileHeaderBytes> copy{};
  std::copy(head.begin(), head.end(), copy.begin());
  std::FILE* header = ::fmemopen(copy.data(), copy.size(), "rb");
  if (!header) {
    error = std::strerror(errno);
    return nullptr;
  }
  char message[PCAP_ERRBUF_SIZE] = "";
  pcap_t* pcap = pcap_fopen_offline(header, message);
  if (!pcap) {
    std::fclose(header);
    error = message;
    return nullptr;
  }
  const PlainFile::Format format{has_nanos, pcap_datalink(pcap), static_cast<std::uint32_t>(pcap_snapshot(pcap))};
  pcap_close(pcap);
  return is_bus(format.linktype) ? nullptr : std::make_unique<PlainFile>(file, format, options);
}

std::unique_ptr<Source> open_library(std::FILE* file, Bytes head, const FileOptions& options, std::string& error) {
  // Give the header back: glibc keeps as many pushed-back bytes as are pushed, on pipes too.
  bool pushed = true;
  for (std::size_t i = head.size(); i > 0; i--) pushed = pushed && std::ungetc(head[i - 1], file) != EOF;
  char message[PCAP_ERRBUF_SIZE] = "";
  pcap_t* pcap = pushed ? pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, message) : nullptr;
  if (pcap) return std::make_unique<LibraryFile>(pcap, options);
  error = *message ? message : "cannot read it";
  return nullptr;
}

}  // namespace

std::unique_ptr<Source> open_stream(std::FILE* file, const FileOptions& options, std::string& error) {
  std::uint8_t head[kFileHeaderBytes];
  const std::size_t n = std::fread(head, 1, sizeof head, file);
  const Bytes seen{head, n};
  Cursor magic(seen);
  const bool is_pcapng = magic.be32() == 0x0a0d0d0a;
  if (is_pcapng) return open_pcapng(file, seen, options);

  std::unique_ptr<Source> source;
  if (n < sizeof head) {
    error = n == 0 ? "the file is empty" : "the file is shorter than a capture file's header";
  } else if (is_readable_version(seen, error)) {
    source = open_plain(file, seen, options, error);
    if (!source && error.empty()) source = open_library(file, seen, options, error);
  }
  if (!source) std::fclose(file);
  return source;
}

std::unique_ptr<Source> open_file(const std::string& path, const FileOptions& options, std::string& error) {
  if (path == "-") return open_input(STDIN_FILENO, options);
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file) return open_stream(file, options, error);
  error = std::strerror(errno);
  return nullptr;
}

}  // namespace catenary::capture
