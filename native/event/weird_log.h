// Turns named anomalies into weird events, at a bounded rate: the first of a name at once, then at
// most one a name and second of packet time, whose count tells how many it stands for.
#pragma once

#include <array>
#include <string_view>

#include "event/batch.h"
#include "event/gen/weird.gen.h"
#include "event/gen/weirds.gen.h"

namespace catenary::event {

// Which flow or packet it was about; fields that do not apply stay empty.
struct WeirdSubject {
  std::optional<Uid> uid;
  std::optional<Ip> orig_h, resp_h;
  std::optional<std::uint16_t> orig_p, resp_p;
  std::optional<std::uint8_t> proto;
  std::optional<std::uint16_t> vlan;
};

class WeirdLog {
 public:
  static constexpr std::uint32_t kPerSecond = 20;  // events of one name

  explicit WeirdLog(Batcher& events) : events_(events) {}
  void add(Weird name, const WeirdSubject& subject, std::string_view addl = {}) {
    if (counts(name)) write(name, subject, addl);
  }
  // In two steps, for who makes the subject only where it is written: counts it; true: to be written.
  bool counts(Weird name) noexcept {
    total_++;
    Rate& rate = rates_[static_cast<std::size_t>(name)];
    const Nanos second = events_.now() / kSecond;
    if (second != rate.second) {
      rate.second = second;
      rate.written = 0;
    }
    if (rate.written < kPerSecond) return true;
    rate.held_back++;
    suppressed_++;
    return false;
  }
  void write(Weird name, const WeirdSubject& subject, std::string_view addl);
  std::uint64_t total() const noexcept { return total_; }
  // Of those, without an event of their own: the next one of the name counts them.
  std::uint64_t suppressed() const noexcept { return suppressed_; }

 private:
  struct Rate {
    Nanos second = -1;
    std::uint32_t written = 0;
    std::uint64_t held_back = 0;
  };
  Batcher& events_;
  std::array<Rate, kWeirdCount> rates_{};
  std::uint64_t total_ = 0;
  std::uint64_t suppressed_ = 0;
};

}  // namespace catenary::event
