// Any chunks on both sides of a DNS flow. Bits of the first byte that the chunks do not use choose the port, and with
// it how names are read and what is expected.
#include <array>

#include "protocols/dns/dns.h"
#include "protocols/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static constexpr std::array<std::uint16_t, 4> kUdpPorts = {53, 137, 5353, 9999}, kTcpPorts = {53, 53, 80, 9999};
  if (size == 0) return 0;
  const bool is_tcp = (data[0] & 0x80) != 0;
  const std::uint16_t port = (is_tcp ? kTcpPorts : kUdpPorts)[data[0] >> 5 & 3];
  return catenary::flow::fuzz_protocol(catenary::dns::kProtocol, is_tcp ? 6 : 17, data, size, port);
}
