#include "flow/table.h"

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
  for (std::uint16_t p = 0; p < 9; p++) open(t, p, (10 + p) * kSecond);
  EXPECT_EQ(t.active(), 9u);
  open(t, 9, 20 * kSecond);
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
