// SMB over TCP, bare (port 445) or in NetBIOS sessions (139): MS-SMB2, MS-SMB, MS-CIFS; RFC 1002 4.3.
//
//   type (1, 0: a message) | length (3) | fe 'SMB' version 2 and 3 | ff 'SMB' version 1 | fd 'SMB' encrypted | fc 'SMB'
//   compressed
//
// Content of files is not kept: a message that carries much of it is read by its head, and its bytes pass.
#pragma once

#include "flow/protocol.h"
#include "protocols/smb/messages.h"

namespace catenary::smb {

// A message that carries no content is kept whole up to this: a listing of a folder is the longest. Of a longer one
// only so much is read.
inline constexpr std::size_t kMessageKeptMax = 65536;
// Content from this on is not kept.
inline constexpr std::size_t kTransferMin = 4096;
inline constexpr std::uint32_t kUnreadMax = 3 * kMessageKeptMax;

// Yes to a message of any version, or the request for a NetBIOS session, on any port.
flow::Probe probe(const flow::ProbeInput& in) noexcept;

class Parser final : public flow::Parser {
 public:
  flow::Step on_stream(flow::Context& cx, flow::Dir dir, Cursor& in) override;
  flow::Step on_gap(flow::Context& cx, flow::Dir dir, std::uint64_t bytes) override;
  void on_close(flow::Context& cx) override;

 private:
  struct Side {
    // What passes: bytes to skip, content, bytes to skip.
    Transfer transfer;
    std::uint64_t behind = 0;
    bool is_lost = false;  // behind a hole: until something is a message for certain
    bool is_passing() const noexcept { return transfer.skip + transfer.bytes + behind > 0; }
  };

  Side& side(flow::Dir d) noexcept { return sides_[flow::index(d)]; }
  void pass(flow::Context& cx, flow::Dir dir, Side& s, Cursor& in);
  void miss(Side& s, std::uint64_t bytes);
  // False: wait for more, or the end of this.
  bool find_message(Side& s, Cursor& in);
  flow::Step on_unit(flow::Context& cx, flow::Dir dir, Side& s, Cursor& in, bool& must_wait);
  flow::Step on_long(flow::Context& cx, flow::Dir dir, Side& s, Cursor& unit, std::size_t length, bool& must_wait);

  std::array<Side, 2> sides_;
  State state_;
};

inline constexpr flow::ProtocolInfo kProtocol =
    flow::make_protocol<Parser, Worker>("smb", true, false, probe, kUnreadMax);

}  // namespace catenary::smb
