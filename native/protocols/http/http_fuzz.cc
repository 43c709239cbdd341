// Any chunks, holes and ends on both sides of an HTTP flow: lines, framing, codings, parts and ranges.
#include "protocols/harness.h"
#include "protocols/http/http.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return catenary::flow::fuzz_protocol(catenary::http::kProtocol, 6, data, size);
}
