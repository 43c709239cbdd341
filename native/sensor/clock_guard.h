// Whether the time of a packet of a file can be believed. A stamp far in the future would end every open flow, and all
// that came after would be late.
//
// A packet that is further ahead than kJump waits until the next ones show what it was: a real pause, when they are
// past it as well, or one wrong stamp, when they are back where the others were. The wrong one is then taken at the
// time of the packet before it. What waits is a few packets, and copied: nowhere else is a packet. Live the kernel's
// clock is believed.
#pragma once

#include <array>
#include <vector>

#include "capture/source.h"

namespace catenary::sensor {

class ClockGuard {
 public:
  // Less ends no TCP connection (kTcpInactivity).
  static constexpr Nanos kJump = 300 * kSecond;
  // So many packets after it have to agree; merged captures of two clocks have runs of one.
  static constexpr std::size_t kWitnesses = 3;

  // pass(packet, jump): a packet in its turn; jump: by how much its stamp, which was not believed, was ahead, else 0.
  template <class Pass>
  void packet(const capture::RawPacket& raw, Pass&& pass) {
    if (count_ == 0 && raw.ts - now_ <= kJump) return take(raw, 0, pass);  // what nearly all are
    if (now_ == 0) return take(raw, 0, pass);
    if (count_ > 0 && raw.ts - now_ <= kJump) {
      refuse(pass);
      return take(raw, 0, pass);
    }
    hold(raw);
    if (count_ > kWitnesses) flush(pass);
  }
  // Nothing has come that contradicts: what waits is believed.
  template <class Pass>
  void flush(Pass&& pass) {
    for (std::size_t i = 0; i < count_; i++) take(held_[i].packet(), 0, pass);
    count_ = 0;
  }

 private:
  struct Held {
    capture::RawPacket raw;
    std::vector<std::uint8_t> bytes;
    capture::RawPacket packet() const {
      capture::RawPacket out = raw;
      out.data = Bytes(bytes);
      return out;
    }
  };

  template <class Pass>
  void take(const capture::RawPacket& raw, Nanos jump, Pass&& pass) {
    if (raw.ts > now_) now_ = raw.ts;
    pass(raw, jump);
  }
  template <class Pass>
  void refuse(Pass&& pass) {
    for (std::size_t i = 0; i < count_; i++) {
      capture::RawPacket odd = held_[i].packet();
      const Nanos jump = odd.ts - now_;
      odd.ts = now_;
      pass(odd, jump);
    }
    count_ = 0;
  }
  void hold(const capture::RawPacket& raw) {
    Held& h = held_[count_++];
    h.raw = raw;
    h.bytes.assign(raw.data.begin(), raw.data.end());
  }

  Nanos now_ = 0;  // the latest that was believed
  std::array<Held, kWitnesses + 1> held_;
  std::size_t count_ = 0;
};

}  // namespace catenary::sensor
