// NTLM, MS-NLMP, as other protocols carry it: three messages, each of them a whole token.
//
//   "NTLMSSP" 0 | type (4) | fields of the type | payload
//
// A text is named by a field (length (2), most (2), offset from the message's start (4)) and stands in the payload.
#pragma once

#include <optional>
#include <string>

#include "flow/protocol.h"

namespace catenary::ntlm {

inline constexpr std::size_t kNameBytesMax = 256;  // of a name, as UTF-8
// MS-NLMP 2.2.2.1 has eleven kinds of pairs, each at most once; more are not looked at.
inline constexpr std::size_t kPairsMax = 32;

// Never: only other protocols know where a token is.
flow::Probe probe(const flow::ProbeInput& in) noexcept;

// What is known of an exchange so far.
struct Exchange {
  Nanos began = 0;
  std::optional<std::string> user, host, domain;
  std::optional<std::string> server_nb_computer, server_nb_domain, server_dns_computer, server_dns_domain, server_tree;
  std::string client_version, server_version, challenge;
  std::string_view response;  // static
  std::optional<bool> success;
  bool is_cut = false;
};

class Parser final : public flow::Parser {
 public:
  flow::Step on_datagram(flow::Context& cx, flow::Dir dir, Cursor in) override;
  void on_outcome(flow::Context& cx, bool is_success, bool in_token) override;
  void on_close(flow::Context& cx) override;

 private:
  void begin(flow::Context& cx);
  // False: the message contradicts itself.
  bool on_negotiate(Cursor in, Bytes message);
  bool on_challenge(Cursor in, Bytes message);
  bool on_authenticate(Cursor in, Bytes message);
  bool read_target(Bytes pairs);
  void set(std::optional<std::string>& out, Bytes text, bool is_unicode);
  void emit(flow::Context& cx, bool in_token, bool is_superseded);

  std::optional<Exchange> exchange_;
  std::uint32_t told_ = 0;
  bool is_confirmed_ = false;
};

inline constexpr flow::ProtocolInfo kProtocol = flow::make_protocol<Parser>("ntlm", false, false, probe);

}  // namespace catenary::ntlm
