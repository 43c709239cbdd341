// A stream of messages with both framings; then the same bytes as datagrams.
#include "protocols/harness.h"
#include "protocols/syslog/syslog.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  catenary::flow::fuzz_protocol(catenary::syslog::kProtocol, 6, data, size, 514);
  return catenary::flow::fuzz_protocol(catenary::syslog::kProtocol, 17, data, size, 514);
}
