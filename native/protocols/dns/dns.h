// DNS (RFC 1035) over UDP and TCP, with what uses its messages: mDNS (RFC 6762), LLMNR (RFC 4795) and NetBIOS names
// (RFC 1002 4.2).
//
// One event a query with its answer, paired by transaction id within the flow in the order they came, as in Zeek's
// dns.log; a query nobody answered and an answer nobody asked for are events of their own when the flow ends. README.md
// says where the columns follow Zeek to the letter.
#pragma once

#include "flow/flow.h"
#include "flow/protocol.h"
#include "protocols/dns/compose.h"

namespace catenary::dns {

// Where DNS is expected any header that could be one will do, and what cannot be parsed is a weird; elsewhere the first
// message has to be whole and beyond doubt.
flow::Probe probe(const flow::ProbeInput& in) noexcept;

class Parser final : public flow::Parser {
 public:
  flow::Step on_stream(flow::Context& cx, flow::Dir dir, Cursor& in) override;
  flow::Step on_datagram(flow::Context& cx, flow::Dir dir, Cursor in) override;
  flow::Step on_gap(flow::Context& cx, flow::Dir dir, std::uint64_t bytes) override;
  void on_end(flow::Context& cx, flow::Dir dir) override;
  void on_close(flow::Context& cx) override;

 private:
  struct Message {
    Bytes bytes;
    Nanos at;
  };

  Workshop& workshop() noexcept { return static_cast<Workshop&>(*shared); }
  void begin(flow::Context& cx, flow::Dir dir, const Header& h);
  flow::Step on_message(flow::Context& cx, flow::Dir dir, Bytes bytes);
  void on_query(flow::Context& cx, const Header& h, Bytes bytes);
  void on_response(flow::Context& cx, const Header& h, Bytes bytes);
  template <class List>
  void give_up_old(flow::Context& cx, List& list);
  template <class List>
  void hold(flow::Context& cx, List& list, const Header& h, Bytes bytes);
  // Tells a held message alone and forgets it.
  template <class List>
  void tell_alone(flow::Context& cx, List& list, Held* held);
  // Either message may be empty; `is_answer_first`: the query came behind its answer.
  void emit(flow::Context& cx, const Message& query, const Message& response, bool is_answer_first);

  Pending<2> queries_;
  Pending<0> responses_;
  std::array<bool, 2> must_resync_{};  // bytes of this direction were lost
  bool is_begun_ = false, is_confirmed_ = false;
};

// A whole message over TCP, and a segment's worth behind it.
inline constexpr std::uint32_t kUnreadBytesMax = 2 * 65537;

inline constexpr flow::ProtocolInfo kProtocol =
    flow::make_protocol<Parser, Workshop>("dns", true, true, probe, kUnreadBytesMax);

}  // namespace catenary::dns
