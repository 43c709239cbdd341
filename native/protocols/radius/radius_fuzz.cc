#include "protocols/harness.h"
#include "protocols/radius/radius.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return catenary::flow::fuzz_protocol(catenary::radius::kProtocol, 17, data, size, catenary::radius::kPort);
}
