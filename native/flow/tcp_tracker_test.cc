// conn_state and history by example: every row is a conversation and what Zeek's words for it are.
#include "flow/tcp_tracker.h"

#include "base/test.h"
#include "flow/reassembly.h"

using namespace catenary;
using namespace catenary::flow;

namespace {

class Nobody final : public StreamListener {
 public:
  void on_bytes(Flow&, Dir, Bytes b) override { bytes += std::string(as_text(b)); }
  void on_lost(Flow&, Dir, std::uint64_t n) override { lost += n; }
  void on_finished(Flow&, Dir) override { finished++; }
  bool wants_bytes(const Flow&) const override { return true; }
  void on_stream_weird(Flow&, Weird w) override { weirds.push_back(w); }
  void on_conflict(Flow&, std::uint64_t, Bytes, Bytes) override { weirds.push_back(Weird::tcp_overlap_conflict); }
  std::string bytes;
  std::uint64_t lost = 0;
  int finished = 0;
  std::vector<Weird> weirds;
};

// Plays packets written as "O S 100 0 0": side, flags, seq, ack, payload length.
class Play {
 public:
  Play() : reassembler_(pool_, listener) {
    flow.proto = 6;
    flow.first = flow.last = kSecond;
    flow.inactivity = kUdpInactivity;
  }
  ~Play() { reassembler_.release(flow); }
  Play& packet(char side, std::string_view flags, std::uint32_t seq, std::uint32_t ack = 0, std::uint32_t len = 0,
               std::uint16_t window = 1000) {
    tcp::Segment s;
    for (const char c : flags) {
      s.flags |= c == 'S' ? tcp::kSyn : c == 'A' ? tcp::kAck : c == 'F' ? tcp::kFin : c == 'R' ? tcp::kRst : 0;
    }
    s.seq = seq;
    s.ack = ack;
    s.window = window;
    payload_.assign(len, 'x');
    s.len = len;
    s.data = payload_;
    Dir dir = side == 'O' ? Dir::kOrig : Dir::kResp;
    now_ += kSecond / 100;
    const TcpOutcome out = track_tcp(flow, dir, s, now_);
    if (out.flipped) dir = other(dir);
    if (out.acked > 0) reassembler_.acknowledge(flow, other(dir), out.acked);
    if (out.is_deliverable) reassembler_.add(flow, dir, out.data_seq, s.data, s.len);
    reassembler_.check_finished(flow, dir);
    if (out.closes) {
      if (reassembler_.is_pending(flow, dir))
        flow.close_deferred = true;
      else
        close_tcp_end(flow, dir);
    }
    return *this;
  }
  Play& handshake() { return packet('O', "S", 100).packet('R', "SA", 500, 101).packet('O', "A", 101, 501); }
  std::string result() const { return std::string(flow.conn_state()) + " " + std::string(flow.history_text()); }

  Flow flow;
  Nobody listener;

 private:
  Pool pool_{std::size_t{8} << 20};
  Reassembler reassembler_;
  Nanos now_ = kSecond;
  std::vector<std::uint8_t> payload_;
};

}  // namespace

TEST(tcp_tracker, a_whole_connection_is_SF) {
  Play p;
  p.handshake().packet('O', "A", 101, 501, 10).packet('R', "A", 501, 111, 20).packet('O', "FA", 111, 521);
  p.packet('R', "FA", 521, 112).packet('O', "A", 112, 522);
  EXPECT_EQ(p.result(), "SF ShADdFf");
  EXPECT_EQ(p.flow.tcp_size(Dir::kOrig), 10u);
  EXPECT_EQ(p.flow.tcp_size(Dir::kResp), 20u);
  EXPECT_EQ(p.listener.finished, 2);
  EXPECT(p.flow.delete_at != 0);
}

TEST(tcp_tracker, attempts) {
  EXPECT_EQ(Play().packet('O', "S", 100).result(), "S0 S");
  EXPECT_EQ(Play().packet('O', "S", 100).packet('R', "RA", 0, 101).result(), "REJ Sr");
  EXPECT_EQ(Play().packet('O', "S", 100).packet('O', "R", 101).result(), "RSTOS0 SR");
  EXPECT_EQ(Play().packet('O', "S", 100).packet('O', "F", 101).result(), "SH SF");
  EXPECT_EQ(Play().handshake().result(), "S1 ShA");
}

TEST(tcp_tracker, resets) {
  EXPECT_EQ(Play().handshake().packet('O', "R", 101).result(), "RSTO ShAR");
  EXPECT_EQ(Play().handshake().packet('R', "R", 501).result(), "RSTR ShAr");
  EXPECT_EQ(Play().packet('R', "SA", 500, 101).packet('R', "R", 501).result(), "RSTRH hr");
}

TEST(tcp_tracker, half_closed) {
  EXPECT_EQ(Play().handshake().packet('O', "FA", 101, 501).result(), "S2 ShAF");
  EXPECT_EQ(Play().handshake().packet('R', "FA", 501, 101).result(), "S3 ShAf");
}

TEST(tcp_tracker, seen_from_its_middle) {
  EXPECT_EQ(Play().packet('O', "A", 1000, 2000, 10).packet('R', "A", 2000, 1010, 5).result(), "OTH Dd");
}

TEST(tcp_tracker, odd_flag_combinations_have_letters) {
  EXPECT_EQ(Play().packet('O', "SF", 100).result().substr(3), "Q");
  EXPECT_EQ(Play().handshake().packet('O', "FR", 101).result(), "RSTO ShAI");
}

TEST(tcp_tracker, repeats_come_at_powers_of_ten) {
  Play p;
  p.handshake();
  for (int i = 0; i < 9; i++) p.packet('O', "A", 101, 501, 10);
  EXPECT_EQ(p.flow.history_text(), "ShADT");  // one transmission, eight repeats
  p.packet('O', "A", 101, 501, 10);
  EXPECT_EQ(p.flow.history_text(), "ShADT");
  p.packet('O', "A", 101, 501, 10);
  EXPECT_EQ(p.flow.history_text(), "ShADTT");  // the tenth
}

TEST(tcp_tracker, a_zero_window_is_noted) {
  EXPECT_EQ(Play().handshake().packet('R', "A", 501, 101, 0, 0).result(), "S1 ShAaw");
}

TEST(tcp_tracker, a_syn_ack_that_overtook_its_syn_turns_the_roles) {
  Play p;
  p.packet('O', "SA", 500, 101);  // came first, so its sender was taken for the originator
  p.packet('R', "S", 100);
  EXPECT_EQ(p.flow.conn_state(), std::string_view("S1"));
  EXPECT(p.flow.history_text().find('^') != std::string_view::npos);
}

TEST(tcp_tracker, what_follows_a_lone_syn_ack_says_who_asked) {
  EXPECT_EQ(Play().packet('O', "SA", 500, 101).result(), "OTH H");
  EXPECT_EQ(Play().packet('O', "SA", 500, 101).packet('R', "A", 101, 501).result(), "S1 ^hA");
  EXPECT_EQ(Play().packet('O', "SA", 500, 101).packet('O', "A", 501, 111).result(), "OTH ^ha");
  // Scanned with SYN-ACKs: nobody is there, so nobody had asked.
  EXPECT_EQ(Play().packet('O', "SA", 500, 101).packet('R', "R", 101).result().substr(4), "Hr");
}

// As Zeek: an end that says FIN is not closed while what its peer sent is not acknowledged, so the flow's last packet
// is a later one.
TEST(tcp_tracker, unacknowledged_data_defers_the_close) {
  Play p;
  p.handshake().packet('R', "FA", 501, 101, 20).packet('O', "FA", 101, 501);
  EXPECT_EQ(p.listener.finished, 2);  // the parser need not wait
  EXPECT(!p.flow.ends[0].did_close && p.flow.delete_at == 0);
  p.packet('O', "A", 102, 522);
  EXPECT(p.flow.ends[0].did_close && p.flow.delete_at != 0);
}

TEST(tcp_tracker, the_sequence_space_wraps) {
  Play p;
  p.packet('O', "S", 0xfffffff0).packet('R', "SA", 500, 0xfffffff1).packet('O', "A", 0xfffffff1, 501);
  p.packet('O', "A", 0xfffffff1, 501, 100).packet('R', "A", 501, 0x55).packet('O', "FA", 0x55, 501);
  EXPECT_EQ(p.flow.tcp_size(Dir::kOrig), 100u);
  EXPECT_EQ(p.listener.bytes.size(), 100u);
}

TEST(tcp_tracker, a_hole_is_lost_when_it_is_acknowledged) {
  Play p;
  p.handshake().packet('O', "A", 111, 501, 10);
  EXPECT_EQ(p.listener.bytes, "");
  p.packet('R', "A", 501, 121);
  EXPECT_EQ(p.listener.lost, 10u);
  EXPECT_EQ(p.listener.bytes.size(), 10u);
  EXPECT_EQ(p.flow.ends[0].missed_bytes, 10u);
  EXPECT_EQ(p.flow.history_text(), "ShADaG");
}

TEST(tcp_tracker, a_late_segment_fills_the_hole) {
  Play p;
  p.handshake().packet('O', "A", 111, 501, 10).packet('O', "A", 101, 501, 10).packet('R', "A", 501, 121);
  EXPECT_EQ(p.listener.lost, 0u);
  EXPECT_EQ(p.listener.bytes.size(), 20u);
}

TEST(tcp_tracker, reuse_of_a_tuple) {
  Play open, closed;
  tcp::Segment syn;
  syn.flags = tcp::kSyn;
  syn.seq = 100;
  open.handshake();
  EXPECT(!is_tcp_reuse(open.flow, syn));  // a retransmission
  syn.seq = 9999;
  EXPECT(is_tcp_reuse(open.flow, syn));
  syn.seq = 100;
  closed.handshake().packet('O', "R", 101);
  EXPECT(is_tcp_reuse(closed.flow, syn));
}

TEST(tcp_tracker, nonsense_from_the_wire_is_survived) {
  // Every flag byte from every state, with sequence numbers at the edges.
  for (unsigned first = 0; first < 64; first++) {
    for (unsigned second = 0; second < 64; second++) {
      Play p;
      const auto flags = [](unsigned bits) {
        std::string f;
        for (unsigned i = 0; i < 4; i++) {
          if (bits & (1u << i)) f += "FSRA"[i];
        }
        return f;
      };
      p.packet('O', flags(first), 0xffffffff, 0, first).packet('R', flags(second), 0x7fffffff, 0x80000000, second);
      p.packet('O', flags(second), 0, 0xffffffff, 1).packet('R', flags(first), 1, 1, 65535);
      EXPECT(!p.flow.conn_state().empty());
    }
  }
}
