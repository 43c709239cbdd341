// Any datagrams from both sides of one flow.
#include "protocols/harness.h"
#include "protocols/wireguard/wireguard.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return catenary::flow::fuzz_protocol(catenary::wireguard::kProtocol, 17, data, size, catenary::wireguard::kPort);
}
