// Any fields of the two sides of an upgrade, parted by a zero.
#include "flow/flow.h"
#include "protocols/harness.h"
#include "protocols/websocket/websocket.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace catenary;
  const std::string_view text = as_text({data, size});
  const std::size_t zero = std::min(text.find('\0'), text.size());
  flow::Harness h(websocket::kProtocol, 6, 40000, 80);
  h.upgrade("websocket", {.uri = text,
                          .host = text,
                          .user_agent = text,
                          .request_fields = text.substr(0, zero),
                          .response_fields = text.substr(std::min(zero + 1, text.size()))});
  h.close();
  return 0;
}
