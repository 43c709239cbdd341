// Any chunks on both sides of a DNS flow: over UDP by its port, over TCP by its content.
#include "protocols/dns/dns.h"
#include "protocols/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  return catenary::flow::fuzz_protocol(catenary::dns::kProtocol, (data[0] & 0x80) ? 6 : 17, data, size);
}
