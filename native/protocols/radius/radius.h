// RADIUS over UDP: RFC 2865 (access), RFC 2866 (accounting), RFC 5176 (changes of a running session).
//
//   code (1) | identifier (1) | length (2) | authenticator (16) | attributes: type (1), length (1), value
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/net.h"
#include "flow/protocol.h"

namespace catenary::radius {

inline constexpr std::uint16_t kPort = 1812, kAccountingPort = 1813, kChangePort = 3799;
inline constexpr std::uint16_t kOldPort = 1645, kOldAccountingPort = 1646;
// RFC 2865 3: of a packet; and of a value, whose length with its head is one byte.
inline constexpr std::size_t kHeaderBytes = 20, kPacketBytesMax = 4096, kValueBytesMax = 253;
// Requests of one flow that wait: the identifier tells 256 apart, few are under way at once.
inline constexpr std::size_t kPendingMax = 64;

// Yes to a packet of an assigned code whose attributes fill its length; without attributes on a usual port only.
flow::Probe probe(const flow::ProbeInput& in) noexcept;

class Parser final : public flow::Parser {
 public:
  flow::Step on_datagram(flow::Context& cx, flow::Dir dir, Cursor in) override;
  void on_close(flow::Context& cx) override;

 private:
  struct Request {
    std::uint8_t id = 0, code = 0;
    Nanos at = 0;
    std::optional<std::string> user, mac, tunnel_client, connect_info, reply, nas, called;
    std::optional<std::string> challenge;  // what a challenge shows
    std::string state;                     // of the last challenge: the request that answers it repeats it
    std::optional<Ip> framed, offered;
    std::uint32_t challenges = 0;
    std::string_view auth;  // static
  };

  // The waiting request of this identifier, or the one whose challenge these attributes answer; end: none.
  std::vector<Request>::iterator find(std::uint8_t code, std::uint8_t id, Cursor attributes);
  void read(Request& r, std::uint8_t code, Cursor attributes);
  void emit(flow::Context& cx, const Request& r, std::optional<std::uint8_t> answer);

  std::vector<Request> pending_;
};

inline constexpr flow::ProtocolInfo kProtocol = flow::make_protocol<Parser>("radius", false, true, probe);

}  // namespace catenary::radius
