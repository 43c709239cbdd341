// Any datagrams from both sides of one flow.
#include "protocols/harness.h"
#include "protocols/snmp/snmp.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return catenary::flow::fuzz_protocol(catenary::snmp::kProtocol, 17, data, size, catenary::snmp::kPort);
}
