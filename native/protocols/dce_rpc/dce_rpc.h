// DCE/RPC, connection oriented: C706 12.6, MS-RPCE 2.2.2. Over TCP on any port, or in a named pipe of SMB.
//
//   version 5.0 or 5.1 (2) | type (1) | flags (1) | data representation (4) | length of the fragment (2)
//   | length of the authentication (2) | call (4) | body | authentication
//
// Integers have the order that the representation names.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "flow/nested.h"

namespace catenary::dce_rpc {

struct Interface;

// C706 12.6.4.3 counts contexts with one byte; a client adds more with every alter_context.
inline constexpr std::size_t kContextsMax = 256;
inline constexpr std::size_t kCallsMax = 256;  // unanswered
inline constexpr std::uint32_t kUnreadMax = 2 * 65536;

// Yes to a whole header of a type and a representation that are assigned.
flow::Probe probe(const flow::ProbeInput& in) noexcept;

class Parser final : public flow::Parser {
 public:
  void on_nested(flow::Context& cx, std::string_view where) override;
  flow::Step on_stream(flow::Context& cx, flow::Dir dir, Cursor& in) override;
  flow::Step on_gap(flow::Context& cx, flow::Dir dir, std::uint64_t bytes) override;
  void on_close(flow::Context& cx) override;

 private:
  struct Header {
    std::uint8_t type = 0, flags = 0;
    bool is_big = false;
    std::size_t length = 0, auth_length = 0;
    std::uint32_t call = 0;
  };
  // Reads numbers in the order of the fragment's sender.
  struct Reader {
    Cursor in;
    bool is_big = false;
    std::uint16_t u16() noexcept { return is_big ? in.be16() : in.le16(); }
    std::uint32_t u32() noexcept { return is_big ? in.be32() : in.le32(); }
  };
  struct Context {
    std::uint16_t id = 0;
    std::string uuid;
  };
  struct Call {
    std::uint32_t id = 0;
    std::uint16_t context = 0, opnum = 0;
    Nanos at = 0;
    bool is_protected = false;  // encrypted: what it asks is not seen
    std::string mapped_uuid;
  };

  static bool read_header(Cursor& in, Header& out) noexcept;
  void on_fragment(flow::Context& cx, flow::Dir dir, const Header& h, Bytes body, Bytes auth);
  bool on_bind(flow::Context& cx, Reader r);
  bool on_bind_ack(Reader r);
  bool on_request(flow::Context& cx, const Header& h, Reader r);
  bool on_response(flow::Context& cx, const Header& h, Reader r, bool is_fault);
  void on_auth(flow::Context& cx, flow::Dir dir, const Header& h, Bytes auth);
  const std::string* uuid_of(std::uint16_t context) const noexcept;
  void emit(flow::Context& cx, const Call& call, std::optional<std::uint32_t> fault, bool is_answered,
            std::optional<std::uint16_t> mapped_port);

  std::vector<Context> contexts_;
  std::vector<Call> calls_;
  std::string pipe_, named_pipe_;
  flow::Nested gssapi_, ntlm_;
  std::uint8_t auth_type_ = 0, auth_level_ = 0;
  bool is_confirmed_ = false, is_nested_ = false;
};

inline constexpr flow::ProtocolInfo kProtocol = flow::make_protocol<Parser>("dce_rpc", true, false, probe, kUnreadMax);

}  // namespace catenary::dce_rpc
