// Any lines and chunks from both sides; messages are taken apart by files/mime.
#include "protocols/harness.h"
#include "protocols/smtp/smtp.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return catenary::flow::fuzz_protocol(catenary::smtp::kProtocol, 6, data, size, 25);
}
