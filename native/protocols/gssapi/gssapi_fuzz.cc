// Messages as the protocols around hand them over.
#include "protocols/gssapi/gssapi.h"
#include "protocols/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return catenary::flow::fuzz_protocol(catenary::gssapi::kProtocol, 6, data, size);
}
