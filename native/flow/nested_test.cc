// A protocol inside itself: the outer one is "(" and then what the inner one reads; the inner one reads lines of one
// length byte and a body.
#include "flow/nested.h"

#include "base/test.h"
#include "protocols/harness.h"

using namespace catenary;
using namespace catenary::flow;

namespace {

std::string g_log;

class Onion final : public Parser {
 public:
  void on_nested(Context&, std::string_view where) override {
    is_inner_ = true;
    g_log += "[" + std::string(where);
  }
  void on_outcome(Context&, bool is_success, bool in_token) override {
    g_log += is_success ? "yes" : "no";
    if (in_token) g_log += "!";
  }
  Step on_stream(Context& cx, Dir dir, Cursor& in) override {
    return is_inner_ ? lines(cx, dir, in) : peel(cx, dir, in);
  }
  Step on_datagram(Context& cx, Dir, Cursor in) override {
    g_log += "{" + std::string(as_text(in.rest())) + "}";
    cx.confirm("message");
    return Step::kContinue;
  }
  Step on_gap(Context& cx, Dir dir, std::uint64_t n) override {
    if (is_inner_) g_log += "gap" + std::to_string(n);
    inner_.gap(cx, dir, n);
    return Step::kContinue;
  }
  void on_close(Context& cx) override {
    inner_.close(cx);
    g_log += is_inner_ ? "]" : ".";
  }

 private:
  Step peel(Context& cx, Dir dir, Cursor& in) {
    if (!inner_.is_open()) {
      const std::uint8_t first = in.u8();
      const bool is_known = inner_.open(cx, first == '?' ? "nobody" : "onion", "here");
      if (!is_known) g_log += "unknown";
      if (first == '!') inner_.message(cx, dir, in.rest());
      if (first == '+') inner_.outcome(cx, true, true);
    }
    inner_.bytes(cx, dir, in.rest());
    return Step::kContinue;
  }
  Step lines(Context& cx, Dir dir, Cursor& in) {
    while (!in.done()) {
      Cursor unit = in;
      const std::uint8_t length = unit.u8();
      if (length == 0xff) return Step::kDetach;
      const Bytes body = unit.take(length);
      if (!unit.ok()) return cx.need(dir, 1u + length), Step::kContinue;
      g_log += (dir == Dir::kOrig ? ">" : "<") + std::string(as_text(body));
      in = unit;
    }
    return Step::kContinue;
  }

  Nested inner_;
  bool is_inner_ = false;
};

constexpr ProtocolInfo kOnion = make_protocol<Onion>(
    "onion", true, false, [](const ProbeInput&) noexcept { return Probe::kYes; }, 64);

std::string play(const std::vector<std::pair<char, std::string>>& script) {
  g_log.clear();
  Harness h(kOnion, 6, 40000, 9999);
  for (const auto& [side, text] : script) {
    if (side == 'g')
      h.gap(Dir::kOrig, 7);
    else
      h.send(side == '>' ? Dir::kOrig : Dir::kResp, as_bytes(text));
  }
  h.close();
  return g_log;
}

}  // namespace

TEST(nested, units_may_be_cut_anywhere_in_both_directions) {
  const std::string whole = "(\x02hi\x03you";
  const std::string expected = "[here>hi>you<ok].";
  EXPECT_EQ(play({{'>', whole}, {'<', "\x02ok"}}), expected);
  for (std::size_t cut = 1; cut < whole.size(); cut++) {
    EXPECT_EQ(play({{'>', whole.substr(0, cut)}, {'>', whole.substr(cut)}, {'<', "\x02ok"}}), expected);
  }
  std::vector<std::pair<char, std::string>> bytes;
  for (const char c : whole) bytes.push_back({'>', std::string(1, c)});
  bytes.push_back({'<', "\x02ok"});
  EXPECT_EQ(play(bytes), expected);
}

TEST(nested, an_unknown_protocol_reads_nothing) { EXPECT_EQ(play({{'>', "?\x02hi"}}), "unknown."); }

TEST(nested, one_that_detaches_is_closed_and_the_outer_goes_on) {
  EXPECT_EQ(play({{'>',
                   "(\x01"
                   "a\xff"},
                  {'>',
                   "(\x01"
                   "b"}}),
            "[here>a][here>b].");
}

TEST(nested, messages_outcomes_and_gaps_are_passed_on) {
  EXPECT_EQ(play({{'>', "!abc"}}), "[here{abc}].");
  EXPECT_EQ(play({{'>', "+"}}), "[hereyes!].");
  EXPECT_EQ(play({{'>',
                   "(\x05"
                   "ab"},
                  {'g', ""},
                  {'>',
                   "\x01"
                   "c"}}),
            "[here"
            "gap7>c].");
}

// 64 unread bytes are kept, not one more; the inner one is then closed, and the next byte opens another.
TEST(nested, what_is_unread_has_a_limit) {
  for (const std::size_t n : {63u, 64u, 65u}) {
    const std::string line = static_cast<char>(n) + std::string(n - 1, 'x');
    const std::string log = play({{'>', "("}, {'>', line}, {'>', "y"}});
    EXPECT_EQ(log, n == 63 ? "[here>" + std::string(n - 1, 'x') + "y]." : n == 64 ? "[here]." : "[here][here].");
  }
}
