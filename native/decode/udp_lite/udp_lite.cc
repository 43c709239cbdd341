#include "decode/udp_lite/udp_lite.h"

namespace catenary::udp_lite {

bool parse(Cursor in, std::uint32_t claimed, Datagram& out) noexcept {
  constexpr std::uint32_t kHeaderBytes = 8;
  out.src_port = in.be16();
  out.dst_port = in.be16();
  const std::uint16_t coverage = in.be16();
  out.checksum = in.be16();
  if (!in.ok() || claimed < kHeaderBytes) return false;
  out.is_coverage_wrong = coverage != 0 && (coverage < kHeaderBytes || coverage > claimed);
  out.len = claimed - kHeaderBytes;
  return true;
}

}  // namespace catenary::udp_lite
