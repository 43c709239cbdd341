// Detection and feeding, shown with a toy protocol: "TOY" then lines of one length byte and a body.
#include "flow/dispatch.h"

#include "base/test.h"
#include "protocols/harness.h"

using namespace catenary;
using namespace catenary::flow;

namespace {

std::string g_log;

class Toy final : public Parser {
 public:
  Step on_stream(Context& cx, Dir dir, Cursor& in) override {
    if (!greeted_[index(dir)]) {
      if (!in.has(3)) return cx.need(dir, 3), Step::kContinue;
      in.skip(3);
      greeted_[index(dir)] = true;
      cx.confirm("toy");
    }
    while (!in.done()) {
      Cursor unit = in;
      const std::uint8_t length = unit.u8();
      if (length == 0xff) return Step::kDetach;
      if (length == 0xfe) {
        in = unit;
        cx.hand_over();
        return Step::kContinue;
      }
      const Bytes body = unit.take(length);
      if (!unit.ok()) return cx.need(dir, 1u + length), Step::kContinue;
      g_log += (dir == Dir::kOrig ? ">" : "<") + std::string(as_text(body));
      in = unit;
    }
    return Step::kContinue;
  }
  Step on_gap(Context&, Dir, std::uint64_t n) override {
    g_log += "gap" + std::to_string(n);
    return Step::kContinue;
  }
  void on_end(Context&, Dir) override { g_log += "end"; }
  void on_close(Context&) override { g_log += "close"; }

 private:
  bool greeted_[2] = {};
};

Probe probe(const ProbeInput& in) noexcept {
  if (in.data.size() < 3) return in.data.empty() || in.data[0] == 'T' ? Probe::kMore : Probe::kNo;
  return as_text(in.data.first(3)) == "TOY" ? Probe::kYes : Probe::kNo;
}

constexpr ProtocolInfo kToy = make_protocol<Toy>("toy", true, false, probe, 300, true);

std::string play(const std::vector<std::pair<char, std::string>>& script) {
  g_log.clear();
  Harness h(kToy, 6, 40000, 9999);
  for (const auto& [side, text] : script) h.send(side == '>' ? Dir::kOrig : Dir::kResp, as_bytes(text));
  h.close();
  return g_log;
}

}  // namespace

TEST(dispatch, every_segmentation_feeds_the_same_units) {
  const std::string stream = std::string("TOY") +
                             "\x03"
                             "abc" +
                             "\x01"
                             "d" +
                             "\x05"
                             "efghi";
  for (std::size_t a = 1; a < stream.size(); a++) {
    for (std::size_t b = a; b < stream.size(); b++) {
      EXPECT_EQ(play({{'>', stream.substr(0, a)}, {'>', stream.substr(a, b - a)}, {'>', stream.substr(b)}}),
                ">abc>d>efghiclose");
    }
  }
}

TEST(dispatch, what_the_other_side_said_first_is_not_lost) {
  EXPECT_EQ(play({{'>', "T"}, {'<', "TOY\x01x"}, {'>', "OY\x01y"}}), "<x>yclose");
}

TEST(dispatch, another_protocol_is_left_alone) {
  EXPECT_EQ(play({{'>', "GET / HTTP/1.1\r\n"}, {'<', "HTTP/1.1"}}), "");
}

TEST(dispatch, a_protocol_may_begin_in_mid_stream) {
  EXPECT_EQ(play({{'>', "EHLO x\r\n"}, {'<', "220 go\r\n"}, {'>', "TOY\x01z"}}), ">zclose");
}

TEST(dispatch, detaching_is_for_good) {
  EXPECT_EQ(play({{'>',
                   "TOY\x01"
                   "a\xff"},
                  {'>',
                   "TOY\x01"
                   "b"}}),
            ">aclose");
}

TEST(dispatch, a_hand_over_finds_what_follows) {
  EXPECT_EQ(play({{'>',
                   "TOY\x01"
                   "a\xfeTOY\x01"
                   "b"}}),
            ">aclose>bclose");
}

TEST(dispatch, unread_bytes_are_limited) {
  for (const unsigned n : {248u, 249u}) {
    // One length byte and its body: 253 bytes may wait, the limit is 300.
    EXPECT_EQ(play({{'>', "TOY"}, {'>', "\xfd" + std::string(n, 'x')}}).find('x'), std::string::npos);
  }
  static constexpr ProtocolInfo kTight = make_protocol<Toy>("toy", true, false, probe, 100, false);
  for (const std::size_t n : {99u, 100u, 101u}) {
    g_log.clear();
    Harness h(kTight, 6, 40000, 9999);
    h.orig("TOY");
    h.orig("\xc8" + std::string(n - 1, 'x'));
    EXPECT_EQ(h.is_attached(), n <= 100);
    h.close();
    EXPECT_EQ(h.count(Kind::weird), n <= 100 ? 0u : 1u);
  }
}

TEST(dispatch, gaps_and_ends_reach_the_parser) {
  g_log.clear();
  Harness h(kToy, 6, 40000, 9999);
  h.orig(
      "TOY\x01"
      "a\x05"
      "par");
  h.gap(Dir::kOrig, 7);
  h.orig(
      "\x01"
      "b");
  h.finish(Dir::kOrig);
  h.finish(Dir::kOrig);
  h.close();
  EXPECT_EQ(g_log, ">agap7>bendclose");
  EXPECT_EQ(h.flow().service_count, 1);
}
