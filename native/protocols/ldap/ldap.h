// LDAP over TCP and UDP: RFC 4511; connectionless as Windows has it (MS-ADTS 6.3.3). Behind a bind with SASL messages
// may be wrapped (RFC 4422 3.7): a length (4) and a token, read where it is only signed.
#pragma once

#include "flow/nested.h"
#include "protocols/ldap/message.h"

namespace catenary::ldap {

// A message of entries is passed over by its length; of the others nobody sends one this long but in bad faith.
inline constexpr std::size_t kMessageBytesMax = 65536;
inline constexpr std::uint32_t kUnreadMax = 2 * kMessageBytesMax;
inline constexpr std::size_t kPendingMax = 128;

// Yes to a message whose first fields are those of its operation, on any port.
flow::Probe probe(const flow::ProbeInput& in) noexcept;

class Parser final : public flow::Parser {
 public:
  flow::Step on_stream(flow::Context& cx, flow::Dir dir, Cursor& in) override;
  flow::Step on_datagram(flow::Context& cx, flow::Dir dir, Cursor in) override;
  void on_close(flow::Context& cx) override;

 private:
  struct Pending {
    std::uint32_t id = 0;
    std::uint8_t op = 0;
    Nanos at = 0;
    std::string_view opcode;  // static
    std::optional<std::uint32_t> version;
    std::string object, argument;
    std::optional<Search> search;
    std::uint64_t entries = 0;
    bool is_start_tls = false;
  };

  flow::Step on_wrapped(flow::Context& cx, flow::Dir dir, Cursor& in, bool& must_wait);
  void on_messages(flow::Context& cx, flow::Dir dir, Cursor in);
  void on_message(flow::Context& cx, flow::Dir dir, const Head& h, Bytes content);
  void on_request(flow::Context& cx, flow::Dir dir, const Head& h, Bytes content);
  void on_entry(std::uint32_t id);
  void on_result(flow::Context& cx, flow::Dir dir, const Head& h, Bytes content);
  bool read_bind(flow::Context& cx, flow::Dir dir, Bytes content, Pending& out);
  void emit(flow::Context& cx, const Pending& asked, const Result* result);
  Pending* find(std::uint32_t id) noexcept;

  std::vector<Pending> pending_;
  flow::Nested gssapi_;
  std::array<std::uint64_t, 2> skip_{};
  bool is_sasl_ = false, is_handing_over_ = false;
};

inline constexpr flow::ProtocolInfo kProtocol = flow::make_protocol<Parser>("ldap", true, true, probe, kUnreadMax);

}  // namespace catenary::ldap
