#include "flow/table.h"

#include <algorithm>

#include "base/test.h"
#include "flow/tcp_tracker.h"

using namespace catenary;
using namespace catenary::flow;

namespace {

struct Endings final : FlowEnder {
  void on_flow_end(Flow& f) override {
    ended.push_back(f.orig_p);
    evicted += f.was_evicted;
  }
  std::vector<std::uint16_t> ended;
  int evicted = 0;
};

Tuple tuple(std::uint16_t port) {
  const std::uint8_t a[4] = {192, 0, 2, 1}, b[4] = {192, 0, 2, 2};
  return {Ip::v4(a), Ip::v4(b), port, 53, 17, false};
}
Tuple reversed(Tuple t) {
  std::swap(t.src, t.dst);
  std::swap(t.src_port, t.dst_port);
  return t;
}
Flow& open(Table& t, std::uint16_t port, Nanos now) {
  Flow& f = t.create(tuple(port), now);
  f.inactivity = kUdpInactivity;
  t.reschedule(f);
  return f;
}

}  // namespace

TEST(table, both_directions_find_the_flow) {
  Endings endings;
  Table t({1, 2}, 100, endings);
  Flow& f = open(t, 1000, kSecond);
  Dir dir{};
  EXPECT(t.find(tuple(1000), kSecond, dir) == &f && dir == Dir::kOrig);
  EXPECT(t.find(reversed(tuple(1000)), kSecond, dir) == &f && dir == Dir::kResp);
  EXPECT(t.find(tuple(1001), kSecond, dir) == nullptr);
}

TEST(table, the_embryonic_make_room_for_one_another) {
  for (const int young : {15, 16, 17}) {
    Endings endings;
    Table t({1, 2}, 64, endings);  // a quarter: 16
    for (std::uint16_t port = 1; port <= 40; port++) t.grow_up(open(t, port, kSecond));
    for (int i = 0; i < young; i++) open(t, static_cast<std::uint16_t>(1000 + i), kSecond);
    EXPECT_EQ(endings.evicted, young > 16 ? 1 : 0);
    if (young > 16) EXPECT_EQ(endings.ended[0], 1000);
    EXPECT_EQ(t.embryonic(), static_cast<std::size_t>(std::min(young, 16)));
    EXPECT_EQ(t.active(), 40 + t.embryonic());
  }
}

TEST(table, when_full_the_oldest_embryonic_flow_goes_before_any_other) {
  Endings endings;
  Table t({1, 2}, 64, endings);
  for (std::uint16_t port = 1; port <= 62; port++) t.grow_up(open(t, port, kSecond));
  open(t, 1000, kSecond);
  t.grow_up(open(t, 1001, kSecond));
  EXPECT_EQ(endings.evicted, 0);
  open(t, 1002, kSecond);
  EXPECT_EQ(endings.evicted, 1);
  EXPECT_EQ(endings.ended[0], 1000);
  EXPECT_EQ(t.active(), 64u);
}

TEST(table, alike_tuples_in_other_tunnels_are_other_flows) {
  Endings endings;
  Table t({1, 2}, 64, endings);
  Tuple inner = tuple(1000);
  inner.tunnels = 7;
  Flow& bare = open(t, 1000, kSecond);
  Flow& tunnelled = t.create(inner, kSecond);
  tunnelled.inactivity = kUdpInactivity;
  Dir dir{};
  EXPECT(t.find(tuple(1000), kSecond, dir) == &bare);
  EXPECT(t.find(reversed(inner), kSecond, dir) == &tunnelled && dir == Dir::kResp);
  EXPECT(uid_of(bare) != uid_of(tunnelled));
}

TEST(table, a_one_way_flow_is_found_one_way) {
  Endings endings;
  Table t({1, 2}, 100, endings);
  Tuple error = tuple(3);
  error.is_one_way = true;
  t.create(error, kSecond).inactivity = kUdpInactivity;
  Dir dir{};
  EXPECT(t.find(error, kSecond, dir) != nullptr);
  Tuple back = reversed(error);
  back.is_one_way = true;
  EXPECT(t.find(back, kSecond, dir) == nullptr);
}

TEST(table, silence_ends_a_flow_to_the_nanosecond) {
  Endings endings;
  Table t({1, 2}, 100, endings);
  open(t, 1000, kSecond / 2);
  const Nanos deadline = kSecond / 2 + kUdpInactivity;
  Dir dir{};
  EXPECT(t.find(tuple(1000), deadline - 1, dir) != nullptr);
  EXPECT(t.find(tuple(1000), deadline, dir) == nullptr);
  EXPECT_EQ(endings.ended.size(), 1u);
}

TEST(table, the_wheel_ends_what_nobody_asks_for) {
  Endings endings;
  Table t({1, 2}, 100, endings);
  t.advance(kSecond);
  for (std::uint16_t p = 0; p < 10; p++) open(t, p, (1 + p) * kSecond);
  t.advance(65 * kSecond);
  EXPECT_EQ(endings.ended.size(), 4u);  // ports 0 to 3 fell silent before second 5
  t.advance(1000 * kSecond);
  EXPECT_EQ(endings.ended.size(), 10u);
  EXPECT_EQ(t.active(), 0u);
}

TEST(table, activity_keeps_a_flow_past_its_slot) {
  Endings endings;
  Table t({1, 2}, 100, endings);
  t.advance(kSecond);
  Flow& f = open(t, 1, kSecond);
  for (int s = 2; s < 2000; s += 30) {
    f.last = s * kSecond;
    t.advance(s * kSecond);
  }
  EXPECT_EQ(endings.ended.size(), 0u);
}

TEST(table, a_session_of_questions_ends_at_a_ten_second_tick) {
  Flow f;
  f.first = f.last = 100 * kSecond;
  f.inactivity = kUdpInactivity;
  f.session_from = f.first;
  EXPECT_EQ(deadline_of(f), 110 * kSecond);
  f.last = 102 * kSecond;  // eight seconds of silence at the first tick are not enough
  EXPECT_EQ(deadline_of(f), 120 * kSecond);
  f.last = 101 * kSecond;
  EXPECT_EQ(deadline_of(f), 110 * kSecond);
}

TEST(table, the_number_of_flows_is_capped_and_the_nearest_end_goes_first) {
  Endings endings;
  Table t({1, 2}, 10, endings);
  t.advance(kSecond);
  for (std::uint16_t p = 0; p < 9; p++) t.grow_up(open(t, p, (10 + p) * kSecond));
  EXPECT_EQ(t.active(), 9u);
  t.grow_up(open(t, 9, 20 * kSecond));
  EXPECT_EQ(t.active(), 10u);
  EXPECT_EQ(endings.ended.size(), 0u);
  open(t, 10, 21 * kSecond);
  EXPECT_EQ(t.active(), 10u);
  EXPECT_EQ(endings.evicted, 1);
  EXPECT_EQ(endings.ended[0], 0);
  EXPECT_EQ(t.evicted(), 1u);
}

TEST(table, time_that_jumps_neither_loses_nor_loops) {
  Endings endings;
  Table t({1, 2}, 100, endings);
  t.advance(1'000'000 * kSecond);
  open(t, 1, 1'000'000 * kSecond);
  open(t, 2, 5 * kSecond);  // a packet from the past
  t.advance(1'000'001 * kSecond);
  EXPECT_EQ(endings.ended.size(), 1u);
  EXPECT_EQ(endings.ended[0], 2);
  t.advance(9'000'000'000 * kSecond);
  EXPECT_EQ(endings.ended.size(), 2u);
}

TEST(table, end_all_forgets_nobody) {
  Endings endings;
  Table t({1, 2}, 5000, endings);
  for (std::uint16_t p = 0; p < 3000; p++) open(t, p, kSecond);
  t.end_all();
  EXPECT_EQ(endings.ended.size(), 3000u);
  EXPECT_EQ(t.active(), 0u);
}

TEST(table, the_key_changes_no_uid) {
  Endings endings;
  Table a({1, 2}, 10, endings), b({3, 4}, 10, endings);
  EXPECT(uid_of(a.create(tuple(1), kSecond)) == uid_of(b.create(tuple(1), kSecond)));
  EXPECT(uid_of(a.create(tuple(2), kSecond)) != uid_of(b.create(tuple(2), kSecond + 1)));
}
