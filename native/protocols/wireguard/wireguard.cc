#include "protocols/wireguard/wireguard.h"

#include "flow/flow.h"
#include "protocols/wireguard/wireguard.gen.h"

namespace catenary::wireguard {
namespace {

enum : std::uint32_t { kInitiation = 1, kResponse = 2, kCookie = 3, kTransport = 4 };

// The first four bytes as one number: reserved bytes are zero.
bool has_length(std::uint32_t type, std::size_t size) noexcept {
  switch (type) {
    case kInitiation: return size == kInitiationBytes;
    case kResponse: return size == kResponseBytes;
    case kCookie: return size == kCookieBytes;
    case kTransport: return size >= kTransportMin && size % 16 == 0;
    default: return false;
  }
}

constexpr std::string_view name_of(std::uint32_t type) noexcept {
  switch (type) {
    case kInitiation: return "handshake_initiation";
    case kResponse: return "handshake_response";
    case kCookie: return "cookie_reply";
    default: return "transport_data";
  }
}

}  // namespace

flow::Probe probe(const flow::ProbeInput& in) noexcept {
  const std::uint32_t type = Cursor(in.data).le32();
  if (!has_length(type, in.data.size())) return flow::Probe::kNo;
  if (type == kInitiation || type == kResponse) return flow::Probe::kYes;
  const bool is_usual = in.orig_port == kPort || in.resp_port == kPort;
  return type == kTransport && is_usual ? flow::Probe::kYes : flow::Probe::kNo;
}

flow::Step Parser::on_datagram(flow::Context& cx, flow::Dir dir, Cursor in) {
  const std::size_t size = in.left();
  const std::uint32_t type = in.le32();
  if (!has_length(type, size)) {
    cx.weird(Weird::wireguard_message_malformed);
    return flow::Step::kContinue;
  }
  End& end = ends_[flow::index(dir)];
  const End& peer = ends_[flow::index(flow::other(dir))];
  WireguardEvent e;
  e.ts = micros(cx.now);
  e.message = name_of(type);
  e.is_orig = dir == flow::Dir::kOrig;
  if (type == kInitiation || type == kResponse) e.sender_index = in.le32();
  if (type != kInitiation) e.receiver_index = in.le32();
  if (e.sender_index) {
    end.index = *e.sender_index;
    end.has_index = true;
  }
  if (type == kResponse && peer.has_index) {
    if (peer.index == *e.receiver_index)
      cx.confirm(kProtocol.name);
    else
      cx.weird(Weird::wireguard_index_unknown);
  }
  if (type == kTransport) {
    e.counter = in.le64();
    if (end.has_sent && *e.counter > end.counter) cx.confirm(kProtocol.name);
    const bool is_known = end.has_sent || end.has_index || peer.has_index;
    end.counter = *e.counter;
    end.has_sent = true;
    if (is_known) return flow::Step::kContinue;
  }
  if (events_++ < kEventsMax) cx.emit(e);
  return flow::Step::kContinue;
}

}  // namespace catenary::wireguard
