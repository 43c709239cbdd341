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
bool is_only(const fragment::Result& r, Weird w) { return r.weirds.is(w); }
std::vector<std::uint8_t> fill(std::size_t n, std::uint8_t v) { return std::vector<std::uint8_t>(n, v); }

}  // namespace

TEST(fragment, any_order_makes_the_same_datagram) {
  const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  for (const auto& order : orders) {
    Table t({1, 2});
    fragment::Result r;
    for (const int i : order) {
      r = t.add(key_of(1), kSecond, {static_cast<std::uint32_t>(i) * 16, i < 2},
                fill(i < 2 ? 16 : 5, static_cast<std::uint8_t>(i)));
    }
    EXPECT(r.is_complete && r.weirds.empty());
    EXPECT_EQ(r.payload.size(), 37u);
    EXPECT_EQ(r.payload[15], 0);
    EXPECT_EQ(r.payload[16], 1);
    EXPECT_EQ(r.payload[36], 2);
  }
}

// What ends a datagram: an overlap in part (RFC 5722, 4). The next fragment begins another one.
TEST(fragment, an_overlap_in_part_ends_the_datagram) {
  Table t({1, 2});
  t.add(key_of(1), kSecond, {0, true}, fill(16, 0xaa));
  const auto overlap = t.add(key_of(1), kSecond, {8, true}, fill(16, 0xbb));
  EXPECT_EQ(overlap.weirds.size(), 2u);
  EXPECT(overlap.weirds.has(Weird::ip_fragment_overlap_differs) && overlap.weirds.has(Weird::ip_fragment_overlap));
  EXPECT_EQ(t.active(), 0u);
  EXPECT(!t.add(key_of(1), kSecond, {24, false}, fill(8, 0xcc)).is_complete);
  EXPECT_EQ(t.active(), 1u);
}

TEST(fragment, what_adds_nothing_is_left_out) {
  for (const std::uint8_t same : {std::uint8_t{1}, std::uint8_t{2}}) {
    Table t({1, 2});
    t.add(key_of(1), kSecond, {0, true}, fill(16, 1));
    EXPECT_EQ(is_only(t.add(key_of(1), kSecond, {8, true}, fill(8, same)), Weird::ip_fragment_overlap_differs),
              same == 2);
    const auto whole = t.add(key_of(1), kSecond, {16, false}, fill(8, 3));
    EXPECT(whole.is_complete);
    EXPECT_EQ(whole.payload[8], 1);
  }
}

// A copy of a fragment that will not reach its target has another TTL than its siblings.
TEST(fragment, another_ttl_is_told_once) {
  Table t({1, 2});
  t.add(key_of(1), kSecond, {0, true, 17, 64}, fill(8, 1));
  EXPECT(is_only(t.add(key_of(1), kSecond, {8, true, 17, 3}, fill(8, 1)), Weird::ip_fragment_ttl_differs));
  EXPECT_EQ(t.add(key_of(1), kSecond, {16, true, 17, 2}, fill(8, 1)).weirds.size(), 0u);
}

// RFC 8200, 4.5: what the others say follows is not looked at.
TEST(fragment, the_first_fragment_says_what_follows) {
  Table t({1, 2});
  t.add(key_of(1), kSecond, {8, false, 6}, fill(8, 1));
  const auto whole = t.add(key_of(1), kSecond, {0, true, 17}, fill(8, 1));
  EXPECT(whole.is_complete && whole.proto == 17);
}

TEST(fragment, the_ping_of_death_is_refused) {
  Table t({1, 2});
  EXPECT_EQ(t.add(key_of(1), kSecond, {65528, false}, fill(7, 1)).weirds.size(), 0u);
  EXPECT_EQ(t.add(key_of(2), kSecond, {65528, false}, fill(8, 1)).weirds.size(), 0u);
  EXPECT(is_only(t.add(key_of(3), kSecond, {65528, false}, fill(9, 1)), Weird::ip_fragment_past_64k));
}

TEST(fragment, lengths_that_cannot_be) {
  Table t({1, 2});
  EXPECT(is_only(t.add(key_of(1), kSecond, {0, true}, {}), Weird::ip_fragment_length_invalid));
  t.add(key_of(1), kSecond, {16, false}, fill(4, 1));
  EXPECT(is_only(t.add(key_of(1), kSecond, {24, false}, fill(4, 1)), Weird::ip_fragment_ends_differ));
  t.add(key_of(1), kSecond, {24, true}, fill(8, 1));
  EXPECT(is_only(t.add(key_of(1), kSecond, {8, false}, fill(8, 1)), Weird::ip_fragment_ends_differ));
  EXPECT_EQ(t.active(), 0u);
}

// Of IPv4 whole eights are read, of IPv6 nothing: one less than two eights, two, one more.
TEST(fragment, a_middle_one_comes_in_eights) {
  for (const std::uint8_t version : {std::uint8_t{4}, std::uint8_t{6}}) {
    for (const std::size_t n : {15u, 16u, 17u}) {
      Table t({1, 2});
      Key key = key_of(1);
      key.version = version;
      const auto first = t.add(key, kSecond, {0, true}, fill(n, 1));
      EXPECT_EQ(is_only(first, Weird::ip_fragment_length_invalid), n != 16);
      const std::uint32_t end = n == 15 ? 8 : 16;
      EXPECT_EQ(t.add(key, kSecond, {end, false}, fill(3, 1)).is_complete, n == 16 || version == 4);
    }
  }
}

TEST(fragment, the_table_is_bounded_and_says_what_it_dropped) {
  Table t({1, 2});
  for (std::uint32_t i = 0; i < Table::kDatagramsMax; i++) t.add(key_of(i), kSecond, {0, true}, fill(8, 1));
  EXPECT_EQ(t.active(), Table::kDatagramsMax);
  EXPECT_EQ(t.evicted(), 0u);
  t.add(key_of(1'000'000), kSecond, {0, true}, fill(8, 1));
  EXPECT_EQ(t.active(), Table::kDatagramsMax);
  EXPECT_EQ(t.evicted(), 1u);
  // The oldest made room: its second half completes nothing now.
  EXPECT(!t.add(key_of(0), kSecond, {8, false}, fill(8, 1)).is_complete);
}

TEST(fragment, what_never_completes_times_out) {
  Table t({1, 2});
  t.add(key_of(1), 0, {0, true}, fill(8, 1));
  t.add(key_of(2), Table::kTimeout, {0, true}, fill(8, 1));
  EXPECT_EQ(t.active(), 2u);
  t.add(key_of(3), Table::kTimeout + 1, {0, true}, fill(8, 1));
  EXPECT_EQ(t.active(), 2u);
  EXPECT_EQ(t.evicted(), 1u);
}

// A datagram in a datagram in a datagram: the inner ones are put together while the outer is still being read.
TEST(fragment, what_was_handed_out_stays_until_the_next_frame) {
  Table t({1, 2});
  const auto outer = t.add(key_of(1), kSecond, {0, false}, fill(64, 1));
  const auto middle = t.add(key_of(2), kSecond, {0, false}, outer.payload.subspan(8));
  const auto inner = t.add(key_of(3), kSecond, {0, false}, middle.payload.subspan(8));
  EXPECT(outer.is_complete && middle.is_complete && inner.is_complete);
  EXPECT(outer.payload.data() != middle.payload.data() && middle.payload.data() != inner.payload.data());
  EXPECT_EQ(t.active(), 0u);
  t.begin_frame();
  EXPECT(t.add(key_of(4), kSecond, {0, false}, fill(8, 1)).is_complete);
}

TEST(fragment, handed_out_buffers_at_the_limit_one_below_one_above) {
  Table t({1, 2});
  for (std::uint32_t i = 0; i < Table::kDatagramsMax; i++) {
    EXPECT(t.add(key_of(i), kSecond, {0, false}, fill(8, 1)).is_complete);
  }
  EXPECT(!t.add(key_of(9999), kSecond, {0, false}, fill(8, 1)).is_complete);
  t.begin_frame();
  EXPECT(t.add(key_of(9999), kSecond, {0, false}, fill(8, 1)).is_complete);
}

// 300 heaps of fragments, and what a Linux kernel put together of each (oracle.py).
TEST(fragment, overlaps_are_read_as_linux_reads_them) {
  struct Row {
    const char* fragments;
    const char* read;
  };
  constexpr Row kRows[] = {
#include "decode/fragment/oracle.inc"
  };
  int differ = 0;
  for (const Row& row : kRows) {
    Table t({1, 2});
    std::string got;
    bool is_told = false;
    const std::string_view all = row.fragments;
    for (std::size_t i = 0; i < all.size();) {
      const std::size_t equals = all.find('=', i), end = std::min(all.find(' ', i), all.size());
      const bool has_more = all[equals - 1] == '+';
      const auto offset = static_cast<std::uint32_t>(std::stoul(std::string(all.substr(i, equals - i))));
      std::vector<std::uint8_t> data(offset == 0 ? 8 : 0);  // UDP's header
      for (const char c : all.substr(equals + 1, end - equals - 1)) data.push_back(static_cast<std::uint8_t>(c));
      t.begin_frame();
      const auto r = t.add(key_of(1), kSecond, {offset == 0 ? 0 : offset + 8, has_more, 17}, data);
      is_told = is_told || !r.weirds.empty();
      // UDP: longer than its own length is cut, shorter is dropped.
      if (r.is_complete && r.payload.size() >= 56) {
        if (!got.empty()) got += ' ';
        got.append(as_text(r.payload.subspan(8, 48)));
      }
      i = end + 1;
    }
    if (got == row.read) continue;
    differ++;
    EXPECT(is_told);
  }
  EXPECT_EQ(std::size(kRows), 300u);
  EXPECT_EQ(differ, 30);  // those in which two neighbours cover a third: README.md
}
