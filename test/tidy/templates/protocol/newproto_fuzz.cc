#include "protocols/harness.h"
#include "protocols/newproto/newproto.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return catenary::flow::fuzz_protocol(catenary::newproto::kProtocol, 6, data, size);
}
