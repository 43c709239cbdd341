// Any datagrams from both sides of one flow.
#include "protocols/dhcp/dhcp.h"
#include "protocols/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return catenary::flow::fuzz_protocol(catenary::dhcp::kProtocol, 17, data, size);
}
