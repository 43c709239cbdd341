// Datagrams from both sides: as they are, or as the frames of an Initial packet that opens. One byte of control (bit 0:
// the side, bit 1: as frames), two bytes of length, the bytes.
#include "protocols/harness.h"
#include "protocols/quic/build.h"
#include "protocols/quic/quic.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace catenary;
  flow::Harness h(quic::kProtocol, 17, 40000, 443);
  Cursor in(Bytes{data, size});
  while (in.has(3)) {
    const std::uint8_t control = in.u8();
    const std::size_t length = std::min<std::size_t>(in.be16(), 4096);
    const Bytes bytes = in.take(std::min(length, in.left()));
    const bool is_client = (control & 1) == 0;
    const flow::Dir dir = is_client ? flow::Dir::kOrig : flow::Dir::kResp;
    if ((control & 2) != 0)
      h.send(dir, quic::build::initial({}, {bytes.begin(), bytes.end()}, is_client));
    else
      h.send(dir, bytes);
  }
  h.close();
  return 0;
}
