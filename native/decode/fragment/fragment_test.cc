#include "decode/fragment/fragment.h"

#include "base/test.h"

using namespace catenary;
using fragment::Key;
using fragment::Table;

namespace {

Key key_of(std::uint32_t id) {
  Key k;
  k.id = id;
  k.proto = 17;
  k.version = 4;
  return k;
}
std::vector<std::uint8_t> fill(std::size_t n, std::uint8_t v) { return std::vector<std::uint8_t>(n, v); }

}  // namespace

TEST(fragment, any_order_makes_the_same_datagram) {
  const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  for (const auto& order : orders) {
    Table t({1, 2});
    fragment::Result r;
    for (const int i : order) {
      r = t.add(key_of(1), kSecond, static_cast<std::uint32_t>(i) * 16, i < 2,
                fill(i < 2 ? 16 : 5, static_cast<std::uint8_t>(i)));
    }
    EXPECT(r.is_complete && !r.weird);
    EXPECT_EQ(r.payload.size(), 37u);
    EXPECT_EQ(r.payload[15], 0);
    EXPECT_EQ(r.payload[16], 1);
    EXPECT_EQ(r.payload[36], 2);
  }
}

TEST(fragment, the_first_to_come_wins_an_overlap) {
  Table t({1, 2});
  t.add(key_of(1), kSecond, 0, true, fill(16, 0xaa));
  const auto overlap = t.add(key_of(1), kSecond, 8, true, fill(16, 0xbb));
  EXPECT(overlap.weird == Weird::ip_fragment_overlap_differs);
  const auto whole = t.add(key_of(1), kSecond, 24, false, fill(8, 0xcc));
  EXPECT(whole.is_complete);
  EXPECT_EQ(whole.payload[15], 0xaa);
  EXPECT_EQ(whole.payload[16], 0xbb);
}

TEST(fragment, equal_copies_are_no_weird) {
  Table t({1, 2});
  t.add(key_of(1), kSecond, 0, true, fill(16, 1));
  EXPECT(!t.add(key_of(1), kSecond, 0, true, fill(16, 1)).weird);
}

TEST(fragment, the_ping_of_death_is_refused) {
  Table t({1, 2});
  EXPECT(!t.add(key_of(1), kSecond, 65528, false, fill(7, 1)).weird);
  EXPECT(!t.add(key_of(2), kSecond, 65528, false, fill(8, 1)).weird);
  EXPECT(t.add(key_of(3), kSecond, 65528, false, fill(9, 1)).weird == Weird::ip_fragment_past_64k);
}

TEST(fragment, lengths_that_cannot_be) {
  Table t({1, 2});
  EXPECT(t.add(key_of(1), kSecond, 0, true, fill(15, 1)).weird == Weird::ip_fragment_length_invalid);
  EXPECT(t.add(key_of(1), kSecond, 0, true, {}).weird == Weird::ip_fragment_length_invalid);
  t.add(key_of(1), kSecond, 16, false, fill(4, 1));
  EXPECT(t.add(key_of(1), kSecond, 24, false, fill(4, 1)).weird == Weird::ip_fragment_ends_differ);
}

TEST(fragment, the_table_is_bounded_and_says_what_it_dropped) {
  Table t({1, 2});
  for (std::uint32_t i = 0; i < Table::kDatagramsMax; i++) t.add(key_of(i), kSecond, 0, true, fill(8, 1));
  EXPECT_EQ(t.active(), Table::kDatagramsMax);
  EXPECT_EQ(t.evicted(), 0u);
  t.add(key_of(1'000'000), kSecond, 0, true, fill(8, 1));
  EXPECT_EQ(t.active(), Table::kDatagramsMax);
  EXPECT_EQ(t.evicted(), 1u);
  // The oldest made room: its second half completes nothing now.
  EXPECT(!t.add(key_of(0), kSecond, 8, false, fill(8, 1)).is_complete);
}

TEST(fragment, what_never_completes_times_out) {
  Table t({1, 2});
  t.add(key_of(1), 0, 0, true, fill(8, 1));
  t.add(key_of(2), Table::kTimeout, 0, true, fill(8, 1));
  EXPECT_EQ(t.active(), 2u);
  t.add(key_of(3), Table::kTimeout + 1, 0, true, fill(8, 1));
  EXPECT_EQ(t.active(), 2u);
  EXPECT_EQ(t.evicted(), 1u);
}

// A datagram in a datagram in a datagram: the inner ones are put together while the outer is still being read.
TEST(fragment, what_was_handed_out_stays_until_the_next_frame) {
  Table t({1, 2});
  const auto outer = t.add(key_of(1), kSecond, 0, false, fill(64, 1));
  const auto middle = t.add(key_of(2), kSecond, 0, false, outer.payload.subspan(8));
  const auto inner = t.add(key_of(3), kSecond, 0, false, middle.payload.subspan(8));
  EXPECT(outer.is_complete && middle.is_complete && inner.is_complete);
  EXPECT(outer.payload.data() != middle.payload.data() && middle.payload.data() != inner.payload.data());
  EXPECT_EQ(t.active(), 0u);
  t.begin_frame();
  EXPECT(t.add(key_of(4), kSecond, 0, false, fill(8, 1)).is_complete);
}

TEST(fragment, handed_out_buffers_at_the_limit_one_below_one_above) {
  Table t({1, 2});
  for (std::uint32_t i = 0; i < Table::kDatagramsMax; i++) {
    EXPECT(t.add(key_of(i), kSecond, 0, false, fill(8, 1)).is_complete);
  }
  EXPECT(!t.add(key_of(9999), kSecond, 0, false, fill(8, 1)).is_complete);
  t.begin_frame();
  EXPECT(t.add(key_of(9999), kSecond, 0, false, fill(8, 1)).is_complete);
}
