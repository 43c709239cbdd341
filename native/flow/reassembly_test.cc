#include "flow/reassembly.h"

#include <algorithm>

#include "base/test.h"
#include "flow/tcp_tracker.h"

using namespace catenary;
using namespace catenary::flow;

namespace {

struct Stage final : StreamListener {
  void on_bytes(Flow&, Dir, Bytes b) override { got.append(as_text(b)); }
  void on_lost(Flow&, Dir, std::uint64_t n) override { got.append(std::min<std::uint64_t>(n, 100), '?'); }
  void on_finished(Flow&, Dir) override {}
  bool wants_bytes(const Flow&) const override { return wants; }
  void on_stream_weird(Flow&, Weird w) override { weirds.push_back(w); }
  void on_conflict(Flow&, std::uint64_t, Bytes read, Bytes other) override {
    weirds.push_back(Weird::tcp_overlap_conflict);
    conflict = std::string(as_text(read)) + "|" + std::string(as_text(other));
  }

  Stage() {
    for (Endpoint& e : flow.ends) e.state = TcpState::kEstablished;
    flow.ends[0].start_seq = 0;
    flow.ends[0].ack_seq = 1000;  // something was acknowledged: the tighter limit does not apply
  }
  ~Stage() override { reassembler.release(flow); }
  void add(std::uint64_t at, std::string_view text) {
    reassembler.add(flow, Dir::kOrig, at, as_bytes(text), static_cast<std::uint32_t>(text.size()));
  }

  bool wants = true;
  std::string got;
  std::vector<Weird> weirds;
  std::string conflict;
  Flow flow;
  Pool pool{std::size_t{16} << 20};
  Reassembler reassembler{pool, *this};
};

// A small generator: the same numbers everywhere.
struct Random {
  std::uint32_t state;
  std::uint32_t next(std::uint32_t n) {
    state = state * 1664525 + 1013904223;
    return (state >> 8) % n;
  }
};

}  // namespace

TEST(reassembly, in_order_bytes_pass_through) {
  Stage s;
  s.add(1, "abc");
  s.add(4, "def");
  EXPECT_EQ(s.got, "abcdef");
  EXPECT_EQ(s.pool.used(), 0u);
}

// Whatever the cuts, overlaps and order: the stream that was sent, or nothing.
TEST(reassembly, any_segmentation_gives_the_stream_back) {
  const std::string text = "The catenary is the curve of a chain that hangs between two points.";
  for (std::uint32_t seed = 1; seed <= 2000; seed++) {
    Random random{seed};
    Stage s;
    std::vector<std::pair<std::size_t, std::size_t>> cuts;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t n = std::min<std::size_t>(1 + random.next(9), text.size() - at);
      const std::size_t back = std::min<std::size_t>(random.next(4), at);
      cuts.emplace_back(at - back, n + back);
      at += n;
    }
    for (std::size_t i = cuts.size(); i > 1; i--) {
      std::swap(cuts[i - 1], cuts[random.next(static_cast<std::uint32_t>(i))]);
    }
    for (const auto& [at, n] : cuts) s.add(at + 1, std::string_view(text).substr(at, n));
    EXPECT_EQ(s.got, text);
    EXPECT(s.weirds.empty());
    EXPECT_EQ(s.pool.used(), 0u);
  }
}

// Each way two segments can lie: who is read, and that both are told.
TEST(reassembly, an_overlap_is_read_as_linux_does_and_a_difference_is_told) {
  struct Row {
    std::uint64_t first_at;
    const char* first;
    std::uint64_t second_at;
    const char* second;
    const char* got;
    const char* read_other;  // of the conflict
  };
  const Row rows[] = {
      {3, "cd", 2, "bXYe", "abXYe", "XY|cd"},  // covers what waits: takes its place
      {2, "bcde", 3, "XY", "abcde", "cd|XY"},  // lies within what waits: dropped
      {2, "bcd", 3, "XYe", "abcde", "cd|XY"},  // the one that begins earlier
      {3, "cde", 2, "bXY", "abXYe", "XY|cd"}, {2, "bc", 2, "XYZ", "aXYZ", "XY|bc"},  // begins alike, is longer
      {2, "bcd", 2, "XY", "abcd", "bc|XY"},   {2, "bcd", 2, "bcd", "abcd", ""},      // a mere retransmission
  };
  for (const Row& row : rows) {
    Stage s;
    s.add(row.first_at, row.first);
    s.add(row.second_at, row.second);
    s.add(1, "a");
    EXPECT_EQ(s.got, row.got);
    EXPECT_EQ(s.conflict, row.read_other);
    EXPECT_EQ(s.weirds.size(), *row.read_other ? 1u : 0u);
  }
}

TEST(reassembly, what_fills_the_hole_is_read_before_what_waits) {
  Stage s;
  s.add(3, "cd");
  s.add(1, "abX");
  EXPECT_EQ(s.got, "abXd");
  EXPECT_EQ(s.conflict, "X|c");
}

TEST(reassembly, overlaps_are_read_as_a_linux_receiver_reads_them) {
  struct Row {
    const char* segments;
    const char* read;
  };
  constexpr Row kRows[] = {
#include "flow/oracle/overlaps.inc"
  };
  int differ = 0;
  for (const Row& row : kRows) {
    Stage s;
    const std::string_view all = row.segments;
    std::string held(std::string_view(row.read).size(), ' ');
    for (std::size_t i = 0; i < all.size();) {
      const std::size_t equals = all.find('=', i), end = std::min(all.find(' ', i), all.size());
      const auto at = static_cast<std::uint64_t>(std::stoi(std::string(all.substr(i, equals - i))));
      const std::string_view text = all.substr(equals + 1, end - equals - 1);
      held.replace(at, text.size(), text);
      s.add(at + 1, text);
      i = end + 1;
    }
    for (std::size_t at = 0; at < held.size(); at++) {
      if (held[at] == ' ') s.add(at + 1, "z");
    }
    if (s.got != row.read) {
      differ++;
      EXPECT(!s.conflict.empty());
    }
    EXPECT_EQ(s.pool.used(), 0u);
  }
  EXPECT_EQ(std::size(kRows), 400u);
  EXPECT_EQ(differ, 6);  // those in which the shape of Linux's tree decides: see keep()
}

TEST(reassembly, an_acknowledged_hole_is_lost) {
  Stage s;
  s.add(4, "def");
  s.reassembler.acknowledge(s.flow, Dir::kOrig, 7);
  EXPECT_EQ(s.got, "???def");
  EXPECT_EQ(s.flow.ends[0].missed_bytes, 3u);
}

TEST(reassembly, waiting_segments_are_limited) {
  for (const std::uint32_t n : {Reassembler::kPendingMax - 1, Reassembler::kPendingMax, Reassembler::kPendingMax + 1}) {
    Stage s;
    for (std::uint32_t i = 0; i < n; i++) s.add(2 + 2 * i, "x");
    const bool is_over = n > Reassembler::kPendingMax;
    EXPECT_EQ(s.got, is_over ? "?x" : "");
    EXPECT_EQ(s.weirds.size(), is_over ? 1u : 0u);
  }
}

TEST(reassembly, waiting_bytes_are_limited) {
  const std::string block(16384, 'x');
  Stage s;
  std::uint64_t at = 2;
  for (std::uint32_t n = 0; n < Reassembler::kPendingBytesMax; n += 16384, at += 16384) s.add(at, block);
  EXPECT_EQ(s.got, "");
  s.add(at, "y");
  EXPECT_EQ(s.got.size(), Reassembler::kPendingBytesMax + 2u);
  EXPECT_EQ(s.got.front(), '?');
}

TEST(reassembly, without_any_ack_patience_is_shorter) {
  const std::string block(16384, 'x');
  Stage s;
  s.flow.ends[0].ack_seq = 1;
  std::uint64_t at = 2;
  for (std::uint32_t n = 0; n < Reassembler::kUnackedBytesMax; n += 16384, at += 16384) s.add(at, block);
  EXPECT_EQ(s.got, "");
  s.add(at, "y");
  EXPECT_EQ(s.got.size(), Reassembler::kUnackedBytesMax + 2u);
}

TEST(reassembly, ranges_alone_are_kept_when_nobody_reads) {
  Stage s;
  s.wants = false;
  s.add(4, "def");
  s.add(1, "abc");
  EXPECT_EQ(s.flow.ends[0].stream.next, 7u);
  EXPECT_EQ(s.flow.ends[0].missed_bytes, 0u);
}

TEST(reassembly, a_payload_cut_by_the_capture_is_a_hole) {
  Stage s;
  s.reassembler.add(s.flow, Dir::kOrig, 1, as_bytes("ab"), 5);
  EXPECT(s.weirds.size() == 1 && s.weirds[0] == Weird::tcp_payload_cut_by_snaplen);
  s.reassembler.acknowledge(s.flow, Dir::kOrig, 6);
  EXPECT_EQ(s.got, "?????");
}

TEST(reassembly, a_spent_budget_loses_bytes_and_says_so) {
  Pool small(128);
  Stage s;
  Reassembler r(small, s);
  const std::string block(200, 'x');
  r.add(s.flow, Dir::kOrig, 2, as_bytes(block), 200);
  EXPECT(s.weirds.size() == 1 && s.weirds[0] == Weird::tcp_reassembly_memory_full);
  r.release(s.flow);
}

// One source may have an eighth of the whole, or 4 MiB: at its share, one segment below, one above. Another source has
// its own.
TEST(reassembly, what_waits_for_one_source_is_limited) {
  for (const int beyond : {-1, 0, 1}) {
    Pool pool(std::size_t{64} << 20, {7, 8});
    Stage s;
    Reassembler r(pool, s);
    const std::string block(8000, 'x');  // with its head 8 KiB
    Flow flows[9];
    for (int i = 0; i < 9; i++) {
      flows[i].ends[0].ack_seq = 1000;
      for (Endpoint& e : flows[i].ends) e.state = TcpState::kEstablished;
      flows[i].orig_h.bytes[15] = i == 8 ? 2 : 1;
      flows[i].resp_h.bytes[15] = 9;
    }
    const std::size_t all = pool.source_budget() / 8192;
    EXPECT_EQ(all, 1024u);
    const std::size_t n = beyond < 0 ? all - 1 : beyond > 0 ? all + 1 : all;
    for (std::size_t i = 0; i < n; i++) r.add(flows[i / 128 % 8], Dir::kOrig, 2 + i * 9000, as_bytes(block), 8000);
    EXPECT_EQ(s.weirds.size(), beyond > 0 ? 1u : 0u);
    if (beyond > 0) EXPECT(s.weirds[0] == Weird::flow_source_memory_full);
    EXPECT_EQ(pool.used_by(pool.source_of(flows[0].orig_h)), (all - (beyond < 0 ? 1 : 0)) * 8192);
    r.add(flows[8], Dir::kOrig, 2, as_bytes(block), 8000);
    EXPECT_EQ(pool.used_by(pool.source_of(flows[8].orig_h)), 8192u);
    for (Flow& f : flows) r.release(f);
    EXPECT_EQ(pool.used(), 0u);
    EXPECT_EQ(pool.used_by(pool.source_of(flows[0].orig_h)), 0u);
  }
}

// Data that the peer may not read: replaced, acknowledged, or gone on from where the peer is not heard.
TEST(reassembly, doubtful_data_waits_for_what_the_peer_makes_of_it) {
  Stage replaced;
  replaced.flow.ends[1].packets = 1;
  replaced.reassembler.hold(replaced.flow, Dir::kOrig, 1, as_bytes("fakefake"), 8);
  EXPECT_EQ(replaced.got, "");
  replaced.add(1, "real");
  replaced.add(5, "more");
  EXPECT_EQ(replaced.got, "realmore");
  EXPECT_EQ(replaced.conflict, "real|fake");

  Stage taken;
  taken.flow.ends[1].packets = 1;
  taken.flow.ends[0].is_verified = true;
  taken.reassembler.hold(taken.flow, Dir::kOrig, 1, as_bytes("data"), 4);
  taken.add(5, "more");
  EXPECT_EQ(taken.got, "");
  taken.reassembler.acknowledge(taken.flow, Dir::kOrig, 5);
  EXPECT_EQ(taken.got, "datamore");
  EXPECT(!taken.flow.ends[0].is_verified);

  Stage one_way;
  one_way.reassembler.hold(one_way.flow, Dir::kOrig, 1, as_bytes("data"), 4);
  one_way.add(5, "more");
  EXPECT_EQ(one_way.got, "datamore");
}

TEST(reassembly, an_urgent_byte_is_left_out_where_it_lies) {
  for (const std::uint64_t at : {1u, 3u, 6u, 7u}) {
    Stage s;
    s.flow.ends[0].stream.urgent = at;
    s.add(1, "abc");
    s.add(4, "def");
    EXPECT_EQ(s.got, at == 1 ? "bcdef" : at == 3 ? "abdef" : at == 6 ? "abcde" : "abcdef");
    EXPECT_EQ(s.flow.ends[0].stream.next, 7u);
  }
}

TEST(reassembly, behind_a_fin_in_its_place_nothing_is_read) {
  Stage s;
  s.add(1, "abc");
  s.flow.ends[0].fin_count = 1;
  s.flow.ends[0].fin_seq = 5;
  s.add(4, "def");
  s.add(5, "ghi");
  EXPECT_EQ(s.got, "abc");
  EXPECT(s.weirds.size() == 2 && s.weirds[0] == Weird::tcp_data_after_fin);
}

TEST(reassembly, an_ack_from_far_away_costs_nothing) {
  Stage s;
  s.reassembler.acknowledge(s.flow, Dir::kOrig, std::uint64_t{1} << 30);
  EXPECT_EQ(s.flow.ends[0].stream.next, std::uint64_t{1} << 30);
}
