// Walks a packet from its link layer to its transport header. Each layer is a folder with one
// function; it hands the bytes after its header back to the decoder, which finds the next one.
//
// The walk never recurses deeper than kDepthMax headers. A header that contradicts itself or ends
// too early is a weird, and the packet goes no further.
#pragma once

#include "base/cursor.h"
#include "decode/fragment/fragment.h"
#include "decode/packet.h"
#include "event/gen/weirds.gen.h"

namespace catenary {
struct ArpEvent;
struct NeighbourEvent;
}  // namespace catenary

namespace catenary::decode {

// Where decoded packets go; the sensor's pipeline.
class Sink {
 public:
  virtual ~Sink() = default;
  // A packet whose transport (or other IP payload) is reached: p.ip_* and p.payload are set.
  virtual void on_ip(const Packet& p) = 0;
  virtual void on_arp(ArpEvent& arp, const Packet& p) = 0;
  virtual void on_neighbour(NeighbourEvent& neighbour, const Packet& p) = 0;
  virtual void on_weird(Weird name, const Packet& p) = 0;
};

// Whether this is an IPv4 or IPv6 header that claims exactly `len` bytes: for tunnels, whose ports anybody may use.
bool is_whole_ip(Cursor in, std::size_t len) noexcept;

// The service of a flow that carries a tunnel over UDP, with Zeek's name where it has one; empty: none. Ends with a
// zero. As in Zeek, Teredo is believed when both ends have spoken it.
std::string_view tunnel_service(std::uint16_t orig_port, std::uint16_t resp_port, bool is_both) noexcept;

class Decoder {
 public:
  static constexpr std::uint8_t kDepthMax = 24;

  Decoder(Sink& sink, SipKey key) : sink_(sink), fragments_(key) {}

  // Entry: the frame's first header is of this link type (DLT_). False: a link type we do not know.
  bool link(int linktype, Packet& p);
  // The payload of a UDP datagram of this flow, which answers at resp_port; len: its length on the wire. What a tunnel
  // carries goes on as a packet of its own, one level deeper. False: no tunnel we know.
  bool udp_tunnel(std::uint16_t orig_port, std::uint16_t resp_port, Uid flow, Bytes data, std::uint32_t len,
                  const Packet& outer);
  // For layers: what follows.
  void ethernet(Cursor in, Packet& p);
  void llc(Cursor in, Packet& p);
  void ethertype(std::uint16_t type, Cursor in, Packet& p);
  void ip(Cursor in, Packet& p);  // version 4 or 6 by its first nibble
  void ip_payload(std::uint8_t proto, Cursor in, Packet& p);

  void weird(Weird name, const Packet& p) { sink_.on_weird(name, p); }
  void arp(ArpEvent& event, const Packet& p) { sink_.on_arp(event, p); }
  // Sets what the frame says of itself.
  void neighbour(NeighbourEvent& event, const Packet& p);
  fragment::Table& fragments() { return fragments_; }
  const fragment::Table& fragments() const { return fragments_; }

 private:
  bool deeper(Packet& p);

  Sink& sink_;
  fragment::Table fragments_;
};

}  // namespace catenary::decode
