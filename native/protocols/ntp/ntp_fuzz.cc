// Any datagrams from both sides of one flow.
#include "protocols/harness.h"
#include "protocols/ntp/ntp.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return catenary::flow::fuzz_protocol(catenary::ntp::kProtocol, 17, data, size, catenary::ntp::kPort);
}
