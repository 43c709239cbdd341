#include "protocols/harness.h"
#include "protocols/socks/socks.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return catenary::flow::fuzz_protocol(catenary::socks::kProtocol, 6, data, size);
}
