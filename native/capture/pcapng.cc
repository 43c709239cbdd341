#include "capture/pcapng.h"

#include <pcap/pcap.h>

#include <algorithm>
#include <array>
#include <limits>

#include "capture/file_bytes.h"
#include "capture/filter.h"

namespace catenary::capture {
namespace {

constexpr std::uint32_t kSectionHeader = 0x0a0d0d0a;
constexpr std::uint32_t kInterfaceDescription = 1;
constexpr std::uint32_t kSimplePacket = 3;
constexpr std::uint32_t kEnhancedPacket = 6;
// A block that is no packet may be long (decryption secrets, name resolution): skipped, not kept.
constexpr std::uint32_t kPacketBlockBytesMax = kPacketBytesMax + 65536;
constexpr std::size_t kInterfacesMax = 65536;

// LINKTYPE_ values of files are DLT_ values but for a few (pcap-linktype(7)).
int dlt_of(std::uint16_t linktype) { return linktype == 101 ? DLT_RAW : linktype; }

std::uint64_t ticks_of(std::uint8_t tsresol) {
  const unsigned exponent = tsresol & 0x7f;
  if (tsresol & 0x80) return exponent < 63 ? std::uint64_t{1} << exponent : 0;
  std::uint64_t ticks = 1;
  for (unsigned i = 0; i < exponent; i++) {
    if (ticks > std::numeric_limits<std::uint64_t>::max() / 10) return 0;
    ticks *= 10;
  }
  return ticks;
}

Nanos nanos_of(std::uint64_t ticks, const PcapngInterface& i) {
  const std::uint64_t whole = ticks / i.ticks_per_second;
  const std::uint64_t part = ticks % i.ticks_per_second;
  const auto nanos =
      static_cast<std::uint64_t>(static_cast<unsigned __int128>(part) * 1'000'000'000u / i.ticks_per_second);
  // Times past 2262 do not fit: keep them at the end of time instead of wrapping into the past.
  constexpr std::uint64_t kSecondsMax = std::numeric_limits<Nanos>::max() / kSecond - 1;
  const auto shifted = static_cast<std::int64_t>(std::min(whole, kSecondsMax / 2)) +
                       std::clamp<std::int64_t>(i.offset_seconds, -1'000'000'000, 1'000'000'000);
  return shifted * kSecond + static_cast<Nanos>(nanos);
}

class PcapngFile final : public Source {
 public:
  PcapngFile(std::FILE* file, Bytes seen, const FileOptions& options) : bytes_(file, seen), filter_(options.filter) {}
  std::uint64_t position() const override { return bytes_.position(); }

  Next next(RawPacket& out) override {
    for (;;) {
      std::array<std::uint8_t, 8> head{};
      const Bytes got = bytes_.take(head.size());
      if (got.empty()) return Next::kEnd;
      if (got.size() < head.size()) return broken("ends inside a block header");
      std::copy(got.begin(), got.end(), head.begin());
      const bool is_section = Cursor(head).be32() == kSectionHeader;
      if (is_section && !section_.start(bytes_.take(4))) return broken("has no byte-order magic");
      const std::uint32_t type = is_section ? kSectionHeader : section_.load32(Bytes{head}.first(4));
      const std::uint32_t length = section_.load32(Bytes{head}.last(4));
      const std::uint32_t used = is_section ? 12 : 8;
      if (length < used + 4 || length % 4 != 0) return broken("has a block of impossible length");
      const bool is_wanted = type == kEnhancedPacket || type == kSimplePacket || type == kInterfaceDescription;
      const std::uint32_t body = length - used;  // with the trailing length
      if (!is_wanted) {
        if (!bytes_.skip(body)) return broken("ends inside a block");
        continue;
      }
      if (length > kPacketBlockBytesMax) return broken("has a packet block longer than any packet");
      const Bytes block = bytes_.take(body);
      if (block.size() < body) return broken("ends inside a block");
      switch (section_.block(type, Cursor(block.first(body - 4)), out)) {
        case PcapngSection::Block::kBad: return broken("has a block that contradicts itself");
        case PcapngSection::Block::kOther: continue;
        case PcapngSection::Block::kPacket: break;
      }
      if (filter_.empty() || filter_.match(out, error_)) return Next::kPacket;
      if (!error_.empty()) return Next::kError;
    }
  }

 private:
  Next broken(const char* what) {
    error_ = std::string("the pcapng file ") + what;
    return Next::kError;
  }

  FileBytes bytes_;
  PcapngSection section_;
  Filter filter_;
};

}  // namespace

bool PcapngSection::start(Bytes magic) {
  Cursor c(magic);
  const std::uint32_t order = c.be32();
  if (!c.ok() || (order != 0x1a2b3c4d && order != 0x4d3c2b1a)) return false;
  little_ = order == 0x4d3c2b1a;
  interfaces_.clear();  // interface numbers are per section
  return true;
}

std::uint32_t PcapngSection::load32(Bytes four) const {
  Cursor c(four);
  return u32(c);
}

PcapngSection::Block PcapngSection::block(std::uint32_t type, Cursor body, RawPacket& out) {
  if (type == kInterfaceDescription) return interface_description(body);
  if (type == kEnhancedPacket) {
    const std::uint32_t id = u32(body);
    const std::uint64_t high = u32(body);
    const std::uint64_t ticks = high << 32 | u32(body);
    const std::uint32_t caplen = u32(body);
    const std::uint32_t len = u32(body);
    if (!body.ok() || id >= interfaces_.size()) return Block::kBad;
    return packet(interfaces_[id], ticks, caplen, len, body, out);
  }
  if (type == kSimplePacket) {
    const std::uint32_t len = u32(body);
    if (!body.ok() || interfaces_.empty()) return Block::kBad;
    // No time and no captured length of its own: cut by the first interface's snap length.
    const std::uint32_t snaplen = interfaces_[0].snaplen ? interfaces_[0].snaplen : kPacketBytesMax;
    return packet(interfaces_[0], 0, std::min(len, snaplen), len, body, out);
  }
  return Block::kOther;
}

PcapngSection::Block PcapngSection::interface_description(Cursor body) {
  PcapngInterface i;
  i.linktype = dlt_of(u16(body));
  body.skip(2);
  i.snaplen = u32(body);
  if (!body.ok() || interfaces_.size() >= kInterfacesMax) return Block::kBad;
  while (body.has(4)) {
    const std::uint16_t code = u16(body);
    const std::uint16_t length = u16(body);
    if (code == 0) break;
    Cursor value = body.sub(length);
    body.skip((4 - length % 4) % 4);
    if (!value.ok()) return Block::kBad;
    if (code == 9 && length == 1) i.ticks_per_second = ticks_of(value.u8());
    if (code == 14 && length == 8) i.offset_seconds = static_cast<std::int64_t>(little_ ? value.le64() : value.be64());
  }
  if (i.ticks_per_second == 0) return Block::kBad;
  interfaces_.push_back(i);
  return Block::kOther;
}

PcapngSection::Block PcapngSection::packet(const PcapngInterface& i, std::uint64_t ticks, std::uint32_t caplen,
                                           std::uint32_t len, Cursor body, RawPacket& out) {
  if (caplen > kPacketBytesMax) return Block::kBad;
  out.data = body.take(caplen);
  if (!body.ok()) return Block::kBad;
  out.ts = nanos_of(ticks, i);
  out.wire_len = len;
  out.linktype = i.linktype;
  return Block::kPacket;
}

std::unique_ptr<Source> open_pcapng(std::FILE* file, Bytes seen, const FileOptions& options) {
  return std::make_unique<PcapngFile>(file, seen, options);
}

}  // namespace catenary::capture
