// Fuzzes every layer: the first byte picks the link type, the rest is up to four frames, each with a
// length of two bytes before it, so that fragments meet.
#include <pcap/dlt.h>

#include "decode/recorder.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace catenary;
  constexpr int kLinks[] = {DLT_EN10MB,    DLT_RAW,    DLT_LINUX_SLL,  DLT_LINUX_SLL2,       DLT_NULL,  DLT_PPP,
                            DLT_PPP_ETHER, DLT_C_HDLC, DLT_IEEE802_11, DLT_IEEE802_11_RADIO, DLT_NFLOG, 9999};
  Cursor in(Bytes{data, size});
  const int link = kLinks[in.u8() % std::size(kLinks)];
  constexpr std::uint16_t kPorts[] = {4789, 6081, 2152, 3544, 1701, 5247, 37008, 40000};
  decode::Recorder r;
  for (int i = 0; i < 4 && in.has(2); i++) {
    const std::size_t n = in.be16();
    const Bytes frame = in.take(std::min(n, in.left()));
    r.frame(link, frame, (i + 1) * kSecond);
    r.udp(kPorts[n % std::size(kPorts)], frame);  // as the payload of a datagram
  }
  return 0;
}
