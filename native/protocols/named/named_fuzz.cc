#include "protocols/harness.h"
#include "protocols/named/named.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::uint8_t proto = size > 0 && (data[0] & 0x80) != 0 ? 17 : 6;
  return catenary::flow::fuzz_protocol(catenary::named::kProtocol, proto, data, size);
}
