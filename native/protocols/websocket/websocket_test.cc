// The opening handshake of RFC 6455 4; its example of 1.3.
#include "protocols/websocket/websocket.h"

#include "base/test.h"
#include "protocols/harness.h"

using namespace catenary;
using flow::Harness;

namespace {

constexpr std::string_view kKey = "sec-websocket-key:dGhlIHNhbXBsZSBub25jZQ==\n";
constexpr std::string_view kAccept = "Sec-WebSocket-Accept:s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n";

std::string upgrade(std::string_view request, std::string_view response) {
  Harness h(websocket::kProtocol, 6, 40000, 80);
  const std::string both(request), answer(response);
  h.upgrade(
      "websocket",
      {.uri = "/chat", .host = "server.example", .user_agent = {}, .request_fields = both, .response_fields = answer});
  return h.close();
}

}  // namespace

TEST(websocket, an_upgrade_is_one_event) {
  const std::string out = upgrade(std::string(kKey) +
                                      "Sec-WebSocket-Protocol: chat , superchat\n"
                                      "sec-websocket-extensions:permessage-deflate; x\n",
                                  std::string(kAccept) + "Sec-WebSocket-Protocol:chat\n");
  EXPECT_HAS(out, R"("host":"server.example","uri":"/chat","subprotocol":"chat")");
  EXPECT_HAS(out, R"("client_protocols":["chat","superchat"],"server_extensions":[])");
  EXPECT_HAS(out, R"("client_extensions":["permessage-deflate; x"])");
  EXPECT_LACKS(out, "weird");
}

TEST(websocket, what_is_missing_wrong_or_repeated_is_a_weird) {
  EXPECT_HAS(upgrade("", kAccept), "websocket_field_missing");
  EXPECT_HAS(upgrade(kKey, ""), "websocket_field_missing");
  EXPECT_HAS(upgrade(kKey, "Sec-WebSocket-Accept:AAAA\n"), "websocket_accept_wrong");
  EXPECT_HAS(upgrade(kKey, "Sec-WebSocket-Accept:*\n"), "websocket_accept_wrong");
  EXPECT_HAS(upgrade(std::string(kKey) + std::string(kKey), kAccept), "websocket_field_repeated");
  EXPECT_HAS(upgrade(kKey, std::string(kAccept) + "Sec-WebSocket-Protocol:a,b\n"), "websocket_field_repeated");
}

TEST(websocket, a_list_at_its_limit) {
  for (const int n : {15, 16, 17}) {
    std::string offered = "Sec-WebSocket-Protocol:0";
    for (int i = 1; i < n; i++) offered += "," + std::to_string(i);
    EXPECT_HAS(upgrade(std::string(kKey) + offered, kAccept), n > 16 ? R"("cut":true)" : R"("cut":false)");
  }
}

TEST(websocket, no_bytes_alone_are_a_websocket) {
  EXPECT(websocket::kProtocol.probe(
             {flow::Dir::kOrig, test::hex("81 85 37fa213d 7f9f4d5158"), 40000, 80, true, true}) == flow::Probe::kNo);
}
