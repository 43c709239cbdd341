// Any bytes as records of any kind: the validator judges, and what it lets pass the transposer takes whole.
#include "base/check.h"
#include "event/transpose.h"
#include "event/validate.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace catenary;
  if (size == 0) return 0;
  const Kind kind = kKinds[data[0] % kKinds.size()];
  const Bytes bytes{data + 1, size - 1};
  const Validation checked = validate(kind, bytes);
  CATENARY_CHECK(checked.fault.offset <= bytes.size());
  Transposer transposer(kind);
  CATENARY_CHECK(transposer.add(bytes, {"s", 1, 2}).ok() == checked.ok());
  const std::uint64_t rows = transposer.rows();
  CATENARY_CHECK(rows == (checked.ok() ? checked.records : 0));
  std::vector<std::uint8_t> block;
  transposer.finish(block);
  CATENARY_CHECK(block.empty() == (rows == 0));
  return 0;
}
