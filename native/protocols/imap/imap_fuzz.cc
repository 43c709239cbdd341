#include "protocols/harness.h"
#include "protocols/imap/imap.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return catenary::flow::fuzz_protocol(catenary::imap::kProtocol, 6, data, size, 143);
}
