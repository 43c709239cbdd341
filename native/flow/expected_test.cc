// Announced flows: found by their three values, for five minutes, and never more than kMax of them.
#include "flow/expected.h"

#include "base/test.h"

using namespace catenary;
using flow::Expectation;
using flow::Expected;

namespace {

constexpr Nanos kNow = 1'700'000'000 * kSecond;

Ip address(std::uint8_t last) {
  const std::uint8_t b[4] = {192, 0, 2, last};
  return Ip::v4(b);
}

Expectation to_port(std::uint16_t port, std::uint64_t token = 0) {
  return {address(1), address(2), port, nullptr, nullptr, token};
}

bool has(const Expected& e, std::uint16_t port, Nanos now) { return e.find(address(1), address(2), port, now); }

}  // namespace

TEST(expected, is_found_by_both_addresses_and_the_port) {
  Expected e({1, 2});
  EXPECT(!has(e, 20000, kNow));
  EXPECT(e.add(to_port(20000, 7), kNow));
  EXPECT_EQ(e.find(address(1), address(2), 20000, kNow)->token, 7u);
  EXPECT_EQ(e.find(address(1), address(2), 20000, kNow)->token, 7u);
  EXPECT(!has(e, 20001, kNow));
  EXPECT(e.find(address(3), address(2), 20000, kNow) == nullptr);
  EXPECT(e.find(address(1), address(3), 20000, kNow) == nullptr);
  EXPECT(e.find(address(2), address(1), 20000, kNow) == nullptr);
}

// A capture may claim any time at all.
TEST(expected, before_the_first_one_nothing_is_found_at_any_time) {
  for (const Nanos now : {-kNow, Nanos{-1}, Nanos{0}, kNow}) EXPECT(!has(Expected({1, 2}), 20000, now));
}

TEST(expected, lives_for_its_lifetime) {
  Expected e({1, 2});
  e.add(to_port(20000), kNow);
  e.add(to_port(20001), kNow + kSecond);
  EXPECT(has(e, 20000, kNow + Expected::kLifetime - 1));
  EXPECT(!has(e, 20000, kNow + Expected::kLifetime));
  EXPECT(has(e, 20001, kNow + Expected::kLifetime));
  EXPECT(!has(e, 20001, kNow + Expected::kLifetime + kSecond));
}

TEST(expected, what_is_said_again_replaces_what_was_said) {
  Expected e({1, 2});
  for (std::size_t i = 0; i < 3 * Expected::kMax; i++) EXPECT(e.add(to_port(20000, i), kNow));
  EXPECT_EQ(e.find(address(1), address(2), 20000, kNow)->token, 3 * Expected::kMax - 1);
  EXPECT(e.add(to_port(20001), kNow));
  EXPECT(has(e, 20000, kNow));
}

// One less, as many, one more than are kept: the oldest goes, and it is said.
TEST(expected, the_oldest_is_forgotten_when_full) {
  Expected e({1, 2});
  for (std::uint16_t i = 0; i < Expected::kMax - 1; i++) EXPECT(e.add(to_port(i), kNow));
  EXPECT(e.add(to_port(Expected::kMax - 1), kNow));
  EXPECT(has(e, 0, kNow));
  EXPECT(!e.add(to_port(Expected::kMax), kNow));
  EXPECT(!has(e, 0, kNow));
  EXPECT(has(e, 1, kNow));
  EXPECT(has(e, Expected::kMax, kNow));
  // One that is over anyway goes without a word.
  EXPECT(e.add(to_port(60000), kNow + Expected::kLifetime));
  EXPECT(has(e, 60000, kNow + Expected::kLifetime));
}
