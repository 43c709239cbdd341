// Any lines from both sides of a control connection. Data connections carry no format of their own.
#include "protocols/ftp/ftp.h"
#include "protocols/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return catenary::flow::fuzz_protocol(catenary::ftp::kProtocol, 6, data, size, 21);
}
