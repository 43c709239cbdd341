// Remote Desktop Protocol, the beginning of a connection: MS-RDPBCGR 2.2.1. What follows is encrypted.
//
//   TPKT     3 | 0 | length (2, big endian, of the whole)                                   RFC 1006 6
//   X.224    length (1) | type (1): 0xe0 asks, 0xd0 answers, 0xf0 carries data              ITU-T X.224 13
//            asks:    5 bytes, "Cookie: mstshash=..." CR LF, negotiation: type, flags, length (2), protocols (4)
//            data:    0x7f65 MCS Connect-Initial: GCC ConnectData with the client's blocks  ITU-T T.125 7, T.124 8.7
//                     0x7f66 MCS Connect-Response: the server's
//   block    type (2) | length (2, of the whole), little endian
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "flow/protocol.h"

namespace catenary::rdp {

inline constexpr std::size_t kTextMax = 128;
inline constexpr std::size_t kChannelsMax = 31;  // MS-RDPBCGR 2.2.1.3.4
inline constexpr std::size_t kCertificatesMax = 16;

// What is told of one connection; texts are UTF-8, as the record has them.
struct Session {
  Nanos first = 0;
  std::optional<std::string> cookie, result, security, layout, build, client_name, product, colors;
  std::optional<std::string> certificate_type, level, method;
  std::vector<std::string> channels;
  std::optional<std::uint16_t> width, height;
  std::optional<std::uint32_t> requested;
  std::optional<bool> is_permanent;
  std::uint32_t certificates = 0;
  bool has_more_channels = false, is_tls = false, is_over = false;
};

// Yes to a connection request with a cookie, a token or a negotiation, on any port, and to any on port 3389; to MCS
// Connect-Initial of the client's.
flow::Probe probe(const flow::ProbeInput& in) noexcept;

class Parser final : public flow::Parser {
 public:
  flow::Step on_stream(flow::Context& cx, flow::Dir dir, Cursor& in) override;
  void on_close(flow::Context& cx) override;

 private:
  // False: the message contradicts itself.
  bool on_message(flow::Context& cx, flow::Dir dir, Cursor in);
  bool on_request(Cursor in);
  bool on_confirm(flow::Context& cx, Cursor in);
  bool on_connect_initial(flow::Context& cx, Cursor in);
  bool on_connect_response(flow::Context& cx, Cursor in);
  bool on_security(flow::Context& cx, Cursor in);

  Session session_;
  bool is_written_ = false;
};

extern const flow::ProtocolInfo kProtocol;

}  // namespace catenary::rdp
