#include "protocols/harness.h"
#include "protocols/rdp/rdp.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return catenary::flow::fuzz_protocol(catenary::rdp::kProtocol, 6, data, size, 3389);
}
