#include "protocols/harness.h"
#include "protocols/ldap/ldap.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return catenary::flow::fuzz_protocol(catenary::ldap::kProtocol, 6, data, size, 389);
}
