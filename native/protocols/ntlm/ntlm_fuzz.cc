// Messages as the protocols around NTLM hand them over.
#include "protocols/harness.h"
#include "protocols/ntlm/ntlm.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return catenary::flow::fuzz_protocol(catenary::ntlm::kProtocol, 6, data, size);
}
