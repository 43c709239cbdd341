#include "protocols/harness.h"
#include "protocols/pop3/pop3.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return catenary::flow::fuzz_protocol(catenary::pop3::kProtocol, 6, data, size, 110);
}
