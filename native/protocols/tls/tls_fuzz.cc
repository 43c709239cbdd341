// The same chunks as a TCP stream and as datagrams.
#include "protocols/harness.h"
#include "protocols/tls/tls.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  catenary::flow::fuzz_protocol(catenary::tls::kProtocol, 6, data, size);
  return catenary::flow::fuzz_protocol(catenary::tls::kProtocol, 17, data, size);
}
