// Any bytes from both sides of one flow, and the lists by themselves.
#include "protocols/harness.h"
#include "protocols/ssh/ssh.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace catenary;
  ssh::Kexinit k;
  bool is_over = false;
  if (ssh::read_kexinit({data, size}, k)) ssh::agreed(k.lists[ssh::kKex], k.lists[ssh::kHostKey], is_over);
  return flow::fuzz_protocol(ssh::kProtocol, 6, data, size);
}
