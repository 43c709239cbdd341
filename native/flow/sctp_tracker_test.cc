// RFC 9260: the ways an association begins (5.1) and ends (9.1, 9.2), as conn_state and history tell them.
#include "flow/sctp_tracker.h"

#include "base/test.h"
#include "decode/packet.h"

using namespace catenary;
using namespace catenary::flow;

namespace {

// A word a packet: > is the originator's, < the responder's; then its chunks by letter.
Flow play(std::string_view story) {
  Flow f;
  f.proto = decode::ip_proto::kSctp;
  Nanos now = kSecond;
  Dir dir = Dir::kOrig;
  sctp::Packet packet;
  bool has_packet = false;
  const auto send = [&] {
    if (has_packet) track_sctp(f, dir, packet, now += kSecond);
    packet = {};
    has_packet = false;
  };
  const auto put = [&](std::uint8_t type) { packet.chunks |= std::uint64_t{1} << type; };
  for (const char c : story) {
    switch (c) {
      case '>':
      case '<':
        send();
        dir = c == '>' ? Dir::kOrig : Dir::kResp;
        has_packet = true;
        break;
      case 'I': put(sctp::kInit); break;
      case 'i': put(sctp::kInitAck); break;
      case 'C': put(sctp::kCookieEcho); break;
      case 'c': put(sctp::kCookieAck); break;
      case 'D':
        put(sctp::kData);
        packet.data_bytes += 10;
        break;
      case 'S': put(sctp::kSack); break;
      case 'F': put(sctp::kShutdown); break;
      case 'f': put(sctp::kShutdownAck); break;
      case 'e': put(sctp::kShutdownComplete); break;
      case 'R': put(sctp::kAbort); break;
      default: put(sctp::kHeartbeat);
    }
  }
  send();
  return f;
}

}  // namespace

TEST(sctp_tracker, conn_state_and_history_are_as_of_tcp) {
  struct Row {
    const char *story, *state, *history;
    bool ends;
  };
  const Row rows[] = {
      {">I", "S0", "S", false},
      {">I<R", "REJ", "Sr", true},
      {">I<i>C<c", "S1", "ShAa", false},
      {">I<i>CD<cS>D<S", "S1", "ShADa", false},
      {">I<i>C<c>F", "S2", "ShAaF", false},
      {">I<i>C<c<F", "S3", "ShAaf", false},
      {">I<i>C<c>F<f>e", "SF", "ShAaFf", true},
      {">I<i>C<c>R", "RSTO", "ShAaR", true},
      {">I<i>C<c<R", "RSTR", "ShAar", true},
      {"<i>C<c", "S1", "hAa", false},
      {">D<S", "OTH", "Da", false},
      {">B<B", "OTH", "", false},
  };
  for (const Row& row : rows) {
    const Flow f = play(row.story);
    EXPECT_EQ(f.conn_state(), std::string_view(row.state));
    EXPECT_EQ(f.history_text(), std::string_view(row.history));
    EXPECT_EQ(f.delete_at != 0, row.ends);
  }
}

TEST(sctp_tracker, an_open_association_may_be_silent_for_longer) {
  EXPECT(play(">I").inactivity != kSctpInactivity);
  EXPECT_EQ(play(">I<i>C<c").inactivity, kSctpInactivity);
}

TEST(sctp_tracker, user_data_is_counted) {
  const Flow f = play(">I<i>CD<cS>DD<D");
  EXPECT_EQ(f.ends[0].payload_bytes, 30u);
  EXPECT_EQ(f.ends[1].payload_bytes, 10u);
}

TEST(sctp_tracker, a_new_association_on_the_same_ports_is_another_flow) {
  sctp::Packet init;
  init.chunks = 1u << sctp::kInit;
  EXPECT(is_sctp_reuse(play(">I<i>C<c>F<f>e"), init));
  EXPECT(!is_sctp_reuse(play(">I<i>C<c"), init));
  EXPECT(!is_sctp_answer(init));
  init.chunks = 1u << sctp::kInitAck;
  EXPECT(is_sctp_answer(init));
}
