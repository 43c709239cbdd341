// Any first bytes have a type, or none, and the type is a text of the schema's size.
#include "base/check.h"
#include "files/magic.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  CATENARY_CHECK(catenary::files::mime_type({data, size}).size() < 128);
  return 0;
}
