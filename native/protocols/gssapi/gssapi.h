// Security tokens: RFC 2743 3.1 (the frame of a first token), RFC 4178 (SPNEGO, which picks a mechanism), RFC 4121
// (Kerberos). What is inside is handed to the mechanism's parser.
//
//   first:  [APPLICATION 0] { mechanism, inner token }
//   SPNEGO: [0] NegTokenInit { [0] mechanisms, [2] token } | [1] NegTokenResp { [0] state, [1] mechanism, [2] token }
#pragma once

#include "flow/nested.h"

namespace catenary::gssapi {

// Never: only other protocols know where a token is.
flow::Probe probe(const flow::ProbeInput& in) noexcept;

class Parser final : public flow::Parser {
 public:
  flow::Step on_datagram(flow::Context& cx, flow::Dir dir, Cursor in) override;
  void on_outcome(flow::Context& cx, bool is_success, bool in_token) override;
  void on_close(flow::Context& cx) override;

 private:
  // False: the token contradicts itself.
  bool on_token(flow::Context& cx, flow::Dir dir, Bytes token);
  bool on_first(flow::Context& cx, flow::Dir dir, Bytes content);
  bool on_response(flow::Context& cx, flow::Dir dir, Bytes content);
  bool on_mechanism(flow::Context& cx, flow::Dir dir, Bytes token);

  flow::Nested ntlm_, kerberos_;
  bool is_confirmed_ = false;
};

inline constexpr flow::ProtocolInfo kProtocol = flow::make_protocol<Parser>("gssapi", false, false, probe);

}  // namespace catenary::gssapi
