// Fuzzes every layer: the first byte picks the link type, the rest is up to four frames, each with a
// length of two bytes before it, so that fragments meet.
#include <pcap/dlt.h>

#include "decode/recorder.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace catenary;
  constexpr int kLinks[] = {DLT_EN10MB, DLT_RAW, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_NULL, DLT_PPP, 9999};
  Cursor in(Bytes{data, size});
  const int link = kLinks[in.u8() % std::size(kLinks)];
  decode::Recorder r;
  for (int i = 0; i < 4 && in.has(2); i++) {
    const std::size_t n = in.be16();
    r.frame(link, in.take(std::min(n, in.left())), (i + 1) * kSecond);
  }
  return 0;
}
