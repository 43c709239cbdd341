// The byte-level half of the pcapng reader: a byte-order magic, then blocks of type, length and body.
#include "capture/pcapng.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace catenary;
  Cursor in(Bytes{data, size});
  capture::PcapngSection section;
  if (!section.start(in.take(4))) return 0;
  std::uint64_t sum = 0;
  while (in.has(6)) {
    const std::uint32_t type = section.load32(in.take(4));
    const std::size_t n = in.be16();
    capture::RawPacket p;
    if (section.block(type, in.sub(std::min(n, in.left())), p) == capture::PcapngSection::Block::kPacket) {
      for (const std::uint8_t b : p.data) sum += b;
    }
  }
  return sum == 1 ? 1 : 0;
}
