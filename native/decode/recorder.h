// For tests and fuzz targets: decodes one frame and keeps what came out.
#pragma once

#include <optional>
#include <vector>

#include "decode/arp/arp.gen.h"
#include "decode/decoder.h"
#include "event/gen/neighbour.gen.h"
#include "event/json.h"

namespace catenary::decode {

class Recorder final : public Sink {
 public:
  Recorder() : decoder_(*this, {1, 2}) {}

  // Decodes one frame; results of earlier frames stay.
  void frame(int linktype, Bytes bytes, Nanos ts = kSecond) {
    Packet p;
    p.ts = ts;
    p.wire_len = static_cast<std::uint32_t>(bytes.size());
    p.frame = bytes;
    decoder_.link(linktype, p);
  }

  // Decodes what a datagram to a port holds, as if it came within `outer`.
  bool udp(std::uint16_t resp_port, Bytes data, Packet outer = {}) {
    return decoder_.udp_tunnel(40000, resp_port, Uid{1}, data, static_cast<std::uint32_t>(data.size()), outer);
  }

  std::vector<Packet> packets;                      // that reached an IP payload; views die with the frame
  std::vector<std::vector<std::uint8_t>> payloads;  // copies of their payloads
  std::vector<ArpEvent> arps;
  std::vector<std::string> neighbours;  // as JSON, from `protocol` on
  std::vector<Weird> weirds;

  bool is_weird(Weird w) const { return weirds.size() == 1 && weirds[0] == w && packets.empty(); }
  const fragment::Table& fragments() { return decoder_.fragments(); }

 private:
  void on_ip(const Packet& p) override {
    packets.push_back(p);
    payloads.emplace_back(p.payload.begin(), p.payload.end());
  }
  void on_arp(ArpEvent& e, const Packet&) override { arps.push_back(e); }
  void on_neighbour(NeighbourEvent& e, const Packet&) override {
    std::vector<std::uint8_t> bytes(kRecordBytesMax);
    Buffer out{bytes.data(), 0, bytes.size()};
    RecordWriter writer(out);
    e.encode(writer);
    const std::string line = event::json_lines(Kind::neighbour, {bytes.data(), out.size}).front();
    const std::size_t from = line.find(R"("protocol")");
    neighbours.push_back(line.substr(from, line.size() - 1 - from));
  }
  void on_weird(Weird name, const Packet&) override { weirds.push_back(name); }

  Decoder decoder_;
};

}  // namespace catenary::decode
