#include "protocols/dce_rpc/dce_rpc.h"
#include "protocols/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return catenary::flow::fuzz_protocol(catenary::dce_rpc::kProtocol, 6, data, size, 135);
}
