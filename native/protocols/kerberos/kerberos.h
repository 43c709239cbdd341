// Kerberos with its servers: RFC 4120. A datagram is a message, over TCP its length (4) comes before it (7.2.2). Other
// protocols carry the tickets that are shown to their services (flow/nested.h).
#pragma once

#include "flow/protocol.h"
#include "protocols/kerberos/message.h"

namespace catenary::kerberos {

// A ticket with many groups has 12,000 bytes and stands twice in a request; Windows allows 48,000.
inline constexpr std::uint32_t kMessageBytesMax = 65536;
inline constexpr std::uint32_t kUnreadMax = 2 * kMessageBytesMax;

// Yes to a message whose length is that of the datagram, or of the frame.
flow::Probe probe(const flow::ProbeInput& in) noexcept;

class Parser final : public flow::Parser {
 public:
  void on_nested(flow::Context&, std::string_view) override { is_nested_ = true; }
  flow::Step on_stream(flow::Context& cx, flow::Dir dir, Cursor& in) override;
  flow::Step on_datagram(flow::Context& cx, flow::Dir dir, Cursor in) override;
  void on_close(flow::Context& cx) override;

 private:
  void on_message(flow::Context& cx, Bytes bytes, const char* service);
  void emit(flow::Context& cx, const Message* answer);

  std::optional<Message> request_;
  Nanos asked_ = 0;
  std::uint32_t told_ = 0;
  bool is_nested_ = false;
};

inline constexpr flow::ProtocolInfo kProtocol = flow::make_protocol<Parser>("krb", true, true, probe, kUnreadMax);

}  // namespace catenary::kerberos
