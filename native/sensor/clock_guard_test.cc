#include "sensor/clock_guard.h"

#include <string>

#include "base/test.h"

using namespace catenary;
using sensor::ClockGuard;

namespace {

// Each number is a packet's second; what comes out: the second it is taken at, with ! where its stamp was not believed.
std::string play(std::initializer_list<Nanos> seconds, bool ends = true) {
  ClockGuard guard;
  std::string out;
  std::uint8_t n = 0;
  std::string order;
  const auto pass = [&](const capture::RawPacket& raw, Nanos jump) {
    out += (out.empty() ? "" : " ") + std::to_string(raw.ts / kSecond) + (jump != 0 ? "!" : "");
    order += std::to_string(raw.data[0]);
  };
  for (const Nanos s : seconds) {
    const std::array<std::uint8_t, 1> byte = {n++};
    guard.packet({s * kSecond, 1, 1, byte}, pass);
  }
  if (ends) guard.flush(pass);
  // In the order they came, each with its own bytes.
  for (std::size_t i = 0; i < order.size(); i++) EXPECT_EQ(order[i] - '0', static_cast<int>(i));
  return out;
}

}  // namespace

TEST(clock_guard, one_wrong_stamp_is_taken_at_the_time_before_it) {
  EXPECT_EQ(play({1000, 1001, 4000000000, 1002}), "1000 1001 1001! 1002");
  EXPECT_EQ(play({1000, 5000, 5001, 1002}), "1000 1000! 1000! 1002");
  EXPECT_EQ(play({1000, 5000, 1001, 6000, 1002}), "1000 1000! 1001 1001! 1002");
}

TEST(clock_guard, a_pause_is_a_pause) {
  EXPECT_EQ(play({1000, 90000, 90001, 90002, 90003}, false), "1000 90000 90001 90002 90003");
  // A packet a day.
  EXPECT_EQ(play({1000, 87400, 173800, 260200, 346600, 433000}), "1000 87400 173800 260200 346600 433000");
  // Nothing comes behind it.
  EXPECT_EQ(play({1000, 90000}), "1000 90000");
}

// At the limit, one less and one more second; three witnesses, one less and one more.
TEST(clock_guard, limits) {
  EXPECT_EQ(play({1000, 1299, 1000}, false), "1000 1299 1000");
  EXPECT_EQ(play({1000, 1300, 1000}, false), "1000 1300 1000");
  EXPECT_EQ(play({1000, 1301, 1000}, false), "1000 1000! 1000");
  EXPECT_EQ(play({1000, 5000, 5000, 5000}, false), "1000");
  EXPECT_EQ(play({1000, 5000, 5000, 5000, 5000}, false), "1000 5000 5000 5000 5000");
  EXPECT_EQ(play({1000, 5000, 5000, 5000, 1000}, false), "1000 1000! 1000! 1000! 1000");
}

TEST(clock_guard, time_that_goes_back_is_the_captures_own) { EXPECT_EQ(play({5000, 1000, 1001}), "5000 1000 1001"); }

TEST(clock_guard, the_first_packet_is_believed) { EXPECT_EQ(play({1700000000, 1700000001}), "1700000000 1700000001"); }
