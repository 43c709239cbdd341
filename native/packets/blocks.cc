#include "packets/blocks.h"

#include <pcap/dlt.h>

#include <algorithm>
#include <cstring>

namespace catenary::packets {
namespace {

// Options, sections 3.5, 4.2 and 4.3.
constexpr std::uint16_t kUserApplication = 4;
constexpr std::uint16_t kInterfaceName = 2;
constexpr std::uint16_t kTimeResolution = 9;
constexpr std::uint16_t kInterfaceFilter = 11;
constexpr std::uint16_t kPacketId = 5;
constexpr std::string_view kNanoseconds{"\x09", 1};
constexpr std::uint16_t kLinktypeRaw = 101;

// A block under construction: lengths are filled in when it is whole.
class Block {
 public:
  Block(std::vector<std::uint8_t>& out, std::uint32_t type) : out_(out), start_(out.size()) {
    u32(type);
    u32(0);
  }
  void u16(std::uint16_t v) {
    out_.resize(out_.size() + 2);
    put16(&out_[out_.size() - 2], v);
  }
  void u32(std::uint32_t v) {
    out_.resize(out_.size() + 4);
    put32(&out_[out_.size() - 4], v);
  }
  void option(std::uint16_t code, std::string_view value) {
    value = value.substr(0, kOptionBytesMax);
    u16(code);
    u16(static_cast<std::uint16_t>(value.size()));
    out_.insert(out_.end(), value.begin(), value.end());
    out_.resize(start_ + padded(out_.size() - start_));
  }
  void end() {
    u32(0);  // opt_endofopt
    u32(0);
    const auto size = static_cast<std::uint32_t>(out_.size() - start_);
    put32(&out_[start_ + 4], size);
    put32(&out_[out_.size() - 4], size);
  }

 private:
  std::vector<std::uint8_t>& out_;
  std::size_t start_;
};

}  // namespace

std::uint8_t* put16(std::uint8_t* out, std::uint16_t v) noexcept {
  out[0] = static_cast<std::uint8_t>(v);
  out[1] = static_cast<std::uint8_t>(v >> 8);
  return out + 2;
}
std::uint8_t* put32(std::uint8_t* out, std::uint32_t v) noexcept {
  for (int i = 0; i < 4; i++) out[i] = static_cast<std::uint8_t>(v >> (8 * i));
  return out + 4;
}
std::uint8_t* put64(std::uint8_t* out, std::uint64_t v) noexcept {
  for (int i = 0; i < 8; i++) out[i] = static_cast<std::uint8_t>(v >> (8 * i));
  return out + 8;
}

std::uint16_t linktype_of(int dlt) noexcept { return dlt == DLT_RAW ? kLinktypeRaw : static_cast<std::uint16_t>(dlt); }

void append_section(std::vector<std::uint8_t>& out, std::string_view application) {
  Block b(out, kSectionBlock);
  b.u32(kByteOrderMagic);
  b.u16(1);
  b.u16(0);
  b.u32(0xffffffff);  // section length: not stated
  b.u32(0xffffffff);
  b.option(kUserApplication, application);
  b.end();
}

void append_interface(std::vector<std::uint8_t>& out, int dlt, std::uint32_t snaplen, std::string_view name,
                      std::string_view filter) {
  Block b(out, kInterfaceBlock);
  b.u16(linktype_of(dlt));
  b.u16(0);
  b.u32(snaplen);
  if (!name.empty()) b.option(kInterfaceName, name);
  b.option(kTimeResolution, kNanoseconds);
  // The first byte says that libpcap's text follows.
  if (!filter.empty()) b.option(kInterfaceFilter, std::string(1, '\0').append(filter));
  b.end();
}

void write_packet(std::uint8_t* out, std::uint32_t interface, const capture::RawPacket& raw,
                  std::uint64_t packet_id) noexcept {
  const auto size = static_cast<std::uint32_t>(packet_block_bytes(raw.data.size()));
  const std::uint64_t ts = static_cast<std::uint64_t>(std::max<Nanos>(raw.ts, 0));
  out = put32(out, kPacketBlock);
  out = put32(out, size);
  out = put32(out, interface);
  out = put32(out, static_cast<std::uint32_t>(ts >> 32));
  out = put32(out, static_cast<std::uint32_t>(ts));
  out = put32(out, static_cast<std::uint32_t>(raw.data.size()));
  out = put32(out, raw.wire_len);
  if (!raw.data.empty()) std::memcpy(out, raw.data.data(), raw.data.size());
  const std::size_t filled = padded(raw.data.size());
  std::memset(out + raw.data.size(), 0, filled - raw.data.size());
  out += filled;
  out = put16(out, kPacketId);
  out = put16(out, 8);
  out = put64(out, packet_id);
  out = put32(out, 0);  // opt_endofopt
  put32(out, size);
}

}  // namespace catenary::packets
