#include "protocols/websocket/websocket.h"

#include <array>
#include <optional>
#include <string>

#include "base/ascii.h"
#include "files/hasher.h"
#include "files/mime/parameters.h"
#include "flow/flow.h"
#include "protocols/websocket/websocket.gen.h"

namespace catenary::websocket {

namespace {

using flow::Context;

constexpr std::size_t kItemsMax = 16;
constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 1.3

struct Worker : flow::Shared {
  files::Hasher hasher;
};

// Items of a field that may come more than once, RFC 6455 11.3.2 and 11.3.4.
struct Items {
  std::array<std::string_view, kItemsMax> list;
  std::size_t size = 0;
  bool is_full = false;

  void add(std::string_view value) {
    while (true) {
      const std::size_t comma = value.find(',');
      if (size < kItemsMax)
        list[size++] = ascii::trim(value.substr(0, comma));
      else
        is_full = true;
      if (comma == std::string_view::npos) return;
      value.remove_prefix(comma + 1);
    }
  }
  std::span<const std::string_view> span() const noexcept { return {list.data(), size}; }
};

// The Sec-WebSocket- fields of one side.
struct Fields {
  Items protocols, extensions;
  std::optional<std::string_view> protocol, key, accept;
  bool is_repeated = false;

  explicit Fields(std::string_view lines) {
    while (!lines.empty()) {
      const std::size_t end = lines.find('\n');
      const std::string_view line = lines.substr(0, end);
      lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
      const std::size_t colon = std::min(line.find(':'), line.size());
      const std::string_view name = line.substr(0, colon);
      const std::string_view value = ascii::trim(line.substr(std::min(colon + 1, line.size())));
      const auto is = [&](std::string_view field) { return ascii::equals_any_case(name, field); };
      if (is("sec-websocket-protocol")) {
        protocols.add(value);
        protocol = value;
      } else if (is("sec-websocket-extensions")) {
        extensions.add(value);
      } else if (is("sec-websocket-key")) {
        set(key, value);
      } else if (is("sec-websocket-accept")) {
        set(accept, value);
      }
    }
  }
  void set(std::optional<std::string_view>& field, std::string_view value) {
    is_repeated |= field.has_value();
    field = value;
  }
};

class Parser final : public flow::Parser {
 public:
  void on_upgrade(Context& cx, const flow::Upgrade& u) override;

 private:
  bool answers(std::string_view accept, std::string_view key);
};

// RFC 6455 4.2.2: the SHA-1 of key and GUID, in base64.
bool Parser::answers(std::string_view accept, std::string_view key) {
  std::string text(key), said;
  text += kGuid;
  files::Sha256 room;
  const Bytes digest = static_cast<Worker*>(shared)->hasher.digest(files::Hash::kSha1, as_bytes(text), room);
  return mime::decode_base64(accept, said) && said == as_text(digest);
}

void Parser::on_upgrade(Context& cx, const flow::Upgrade& u) {
  cx.confirm("websocket");
  const Fields client(u.request_fields), server(u.response_fields);
  if (!client.key || !server.accept)
    cx.weird(Weird::websocket_field_missing);
  else if (!answers(*server.accept, *client.key))
    cx.weird(Weird::websocket_accept_wrong, server.accept->substr(0, 32));
  if (client.is_repeated || server.is_repeated || server.protocols.size > 1) cx.weird(Weird::websocket_field_repeated);
  WebsocketEvent e;
  e.ts = micros(cx.now);
  e.host = u.host;
  e.uri = u.uri;
  e.user_agent = u.user_agent;
  e.subprotocol = server.protocol;
  e.client_protocols = client.protocols.span();
  e.server_extensions = server.extensions.span();
  e.client_extensions = client.extensions.span();
  e.cut = client.protocols.is_full || client.extensions.is_full || server.extensions.is_full;
  cx.emit(e);
}

// Only an upgrade says that frames follow; a frame alone could be anything.
flow::Probe never(const flow::ProbeInput&) noexcept { return flow::Probe::kNo; }

}  // namespace

extern constexpr flow::ProtocolInfo kProtocol = flow::make_protocol<Parser, Worker>("websocket", true, false, never);

}  // namespace catenary::websocket
