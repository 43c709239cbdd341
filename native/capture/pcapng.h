// Reads pcapng (draft-ietf-opsawg-pcapng): section headers, interface descriptions, enhanced and
// simple packet blocks; every other block is skipped. Interfaces may differ in link type, snap length
// and time resolution.
#pragma once

#include <cstdio>
#include <memory>
#include <vector>

#include "base/cursor.h"
#include "capture/source.h"

namespace catenary::capture {

// Takes `file` over. `seen` are the bytes already read from it.
std::unique_ptr<Source> open_pcapng(std::FILE* file, Bytes seen, const FileOptions& options);

// One interface of a section, as its description block declares it.
struct PcapngInterface {
  int linktype = 0;
  std::uint32_t snaplen = 0;
  std::uint64_t ticks_per_second = 1'000'000;  // if_tsresol, section 4.2
  std::int64_t offset_seconds = 0;             // if_tsoffset
};

// The part that looks at bytes, apart from the part that reads files: this is what is fuzzed.
class PcapngSection {
 public:
  enum class Block { kPacket, kOther, kBad };
  // Parses the body of one block (without type, lengths and trailer). kBad when it contradicts itself.
  Block block(std::uint32_t type, Cursor body, RawPacket& out);
  // Starts a section from its header block's byte-order magic; false when that is not one.
  bool start(Bytes byte_order_magic);
  std::uint32_t load32(Bytes four) const;

 private:
  std::uint16_t u16(Cursor& c) const { return little_ ? c.le16() : c.be16(); }
  std::uint32_t u32(Cursor& c) const { return little_ ? c.le32() : c.be32(); }
  Block interface_description(Cursor body);
  Block packet(const PcapngInterface& i, std::uint64_t ticks, std::uint32_t caplen, std::uint32_t len, Cursor body,
               RawPacket& out);

  bool little_ = true;
  std::vector<PcapngInterface> interfaces_;
};

}  // namespace catenary::capture
