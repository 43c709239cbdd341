// A row for each case of the specification, named for it. RFC 0000 3.
#include "protocols/newproto/newproto.h"

#include "base/test.h"
#include "protocols/harness.h"

using namespace catenary;
using flow::Dir;
using flow::Harness;
using test::hex;

namespace {

// 01 question, 02 answer; 0003 bytes; "who", "you".
const auto kAsk = hex("01 0003 77686f");
const auto kReply = hex("02 0003 796f75");

Harness flow_of() { return {newproto::kProtocol, 6, 40000, 7777}; }

}  // namespace

TEST(newproto, a_question_and_its_answer_are_one_event) {
  Harness h = flow_of();
  h.orig(kAsk);
  h.wait(kSecond);
  h.resp(kReply);
  const std::string out = h.close();
  EXPECT_EQ(h.count(Kind::newproto), 1u);
  EXPECT_EQ(h.count(Kind::weird), 0u);
  EXPECT_HAS(out, R"("question":"who","answer":"you","rtt":1)");
}

TEST(newproto, a_question_without_an_answer_is_told_at_the_end) {
  Harness h = flow_of();
  h.orig(kAsk);
  const std::string out = h.close();
  EXPECT_EQ(h.count(Kind::newproto), 1u);
  EXPECT_HAS(out, "question");
  EXPECT_LACKS(out, "answer");
  EXPECT_LACKS(out, "rtt");
}

// The same event wherever the segments end.
TEST(newproto, segments_may_end_anywhere) {
  Harness whole = flow_of();
  whole.orig(kAsk);
  whole.resp(kReply);
  const std::string expected = whole.close();
  for (std::size_t cut = 1; cut < kAsk.size(); cut++) {
    Harness h = flow_of();
    h.orig(Bytes(kAsk).first(cut));
    h.orig(Bytes(kAsk).subspan(cut));
    h.resp(Bytes(kReply).first(cut));
    h.resp(Bytes(kReply).subspan(cut));
    EXPECT_EQ(h.close(), expected);
  }
}

TEST(newproto, a_message_cut_short_is_no_event) {
  for (std::size_t cut = 0; cut < kAsk.size(); cut++) {
    Harness h = flow_of();
    h.orig(Bytes(kAsk).first(cut));
    h.close();
    EXPECT_EQ(h.count(Kind::newproto), 0u);
  }
}

TEST(newproto, an_answer_nobody_asked_for_is_a_weird) {
  Harness h = flow_of();
  h.orig(kAsk);
  h.resp(kReply);
  h.resp(kReply);
  EXPECT_HAS(h.close(), "newproto_answer_without_question");
  EXPECT_EQ(h.count(Kind::newproto), 2u);
}

TEST(newproto, an_unknown_type_is_a_weird_and_parsing_goes_on) {
  Harness h = flow_of();
  h.orig(kAsk);
  h.orig(hex("07 0001 00"));
  h.resp(kReply);
  EXPECT_HAS(h.close(), "newproto_type_unknown");
  EXPECT_EQ(h.count(Kind::newproto), 1u);
}

TEST(newproto, a_length_beyond_the_limit_is_another_protocol) {
  Harness h = flow_of();
  h.orig(kAsk);
  h.orig(hex("01 ffff 00"));
  EXPECT(!h.is_attached());
}

TEST(newproto, other_protocols_are_not_claimed) {
  for (const std::string_view first : {"GET / HTTP/1.1\r\n", "SSH-2.0-x\r\n", "\x16\x03\x01", "\x01\x01"}) {
    Harness h = flow_of();
    h.orig(first);
    EXPECT(!h.is_attached());
  }
}
