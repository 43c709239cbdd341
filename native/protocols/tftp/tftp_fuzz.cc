#include "protocols/harness.h"
#include "protocols/tftp/tftp.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return catenary::flow::fuzz_protocol(catenary::tftp::kProtocol, 17, data, size, catenary::tftp::kPort);
}
