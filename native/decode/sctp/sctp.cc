#include "decode/sctp/sctp.h"

namespace catenary::sctp {
namespace {

// Of DATA (RFC 9260, 3.3.1) and I-DATA (RFC 8260, 2.1): what stands before the user's bytes, with the chunk's head.
constexpr std::uint32_t kDataHead = 16, kIDataHead = 20;
constexpr std::uint32_t kInitHead = 20;

constexpr std::uint32_t least_of(std::uint8_t type) noexcept {
  switch (type) {
    case kData: return kDataHead + 1;  // 6.2: a chunk without user data is a protocol violation
    case kIData: return kIDataHead + 1;
    case kInit:
    case kInitAck: return kInitHead;
    case kSack: return 16;
    case kShutdown: return 8;
    default: return 4;
  }
}

}  // namespace

bool parse(Cursor in, std::uint32_t claimed, Packet& out) noexcept {
  const bool is_cut = in.left() < claimed;
  out.src_port = in.be16();
  out.dst_port = in.be16();
  out.tag = in.be32();
  out.checksum = in.be32();
  if (!in.ok()) return false;
  std::size_t count = 0;
  for (; !in.done(); count++) {
    const std::uint8_t type = in.u8();
    in.skip(1);
    const std::uint16_t length = in.be16();
    if (!in.ok() || length < least_of(type) || (length - 4u > in.left() && !is_cut)) {
      if (!is_cut || in.ok()) out.weirds.add(Weird::sctp_chunk_malformed);
      break;
    }
    if (type < 64) out.chunks |= std::uint64_t{1} << type;
    if (type == kData) out.data_bytes += length - kDataHead;
    if (type == kIData) out.data_bytes += length - kIDataHead;
    // 3.2: padded to four bytes, which the length does not count; the last one's padding may be missing.
    const std::size_t body = length - 4u;
    const std::size_t padded = (body + 3) / 4 * 4;
    in.skip(padded <= in.left() ? padded : in.left());
  }
  if (count == 0 && out.weirds.empty() && !is_cut) out.weirds.add(Weird::sctp_no_chunk);
  const bool is_alone = out.has(kInit) || out.has(kInitAck) || out.has(kShutdownComplete);
  if (is_alone && count > 1) out.weirds.add(Weird::sctp_chunk_not_alone);
  // An INIT has no tag yet; everything else has the one that its receiver chose.
  if (count > 0 && out.has(kInit) != (out.tag == 0)) out.weirds.add(Weird::sctp_tag_wrong);
  return true;
}

}  // namespace catenary::sctp
