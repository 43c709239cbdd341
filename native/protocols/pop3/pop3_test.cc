// POP3 by RFC 1939, RFC 2595 and RFC 5034.
#include "protocols/pop3/pop3.h"

#include <utility>

#include "base/test.h"
#include "protocols/harness.h"

using namespace catenary;
using flow::Dir;
using flow::Harness;
using flow::Probe;

namespace {

using Turn = std::pair<Dir, std::string>;
constexpr Dir kClient = Dir::kOrig, kServer = Dir::kResp;

Harness flow_of() { return {pop3::kProtocol, 6, 40000, 110}; }

const std::vector<Turn> kFetch = {{kServer, "+OK ready\r\n"},
                                  {kClient, "USER alice\r\n"},
                                  {kServer, "+OK\r\n"},
                                  {kClient, "PASS secret\r\n"},
                                  {kServer, "+OK in\r\n"},
                                  {kClient, "LIST\r\n"},
                                  {kServer, "+OK\r\n1 40\r\n.\r\n"},
                                  {kClient, "RETR 1\r\n"},
                                  {kServer, "+OK\r\nSubject: x\r\n\r\n..a\r\nMZ\r\n.\r\n"},
                                  {kClient, "DELE 1\r\nQUIT\r\n"},
                                  {kServer, "+OK\r\n+OK bye\r\n"}};

std::string play(const std::vector<Turn>& turns) {
  Harness h = flow_of();
  for (const auto& [dir, text] : turns) h.send(dir, as_bytes(text));
  return h.close();
}

Probe ask(Dir dir, std::string_view text) { return pop3::probe({dir, as_bytes(text), 40000, 4444, true, true}); }

}  // namespace

TEST(pop3, a_greeting_is_known_on_any_port) {
  EXPECT(ask(kServer, "+OK ready\r\n") == Probe::kYes);
  EXPECT(ask(kServer, "+OK\r\n") == Probe::kYes);
  EXPECT(ask(kServer, "+O") == Probe::kMore);
  EXPECT(ask(kServer, "+OKAY\r\n") == Probe::kNo);
  EXPECT(ask(kServer, "* OK imap\r\n") == Probe::kNo);
  EXPECT(ask(kClient, "+OK ready\r\n") == Probe::kNo);
}

TEST(pop3, a_connection_is_one_event_and_its_messages_are_files) {
  const std::string out = play(kFetch);
  EXPECT_HAS(out, R"("user":"alice","auth_method":"PASS","auth_success":true,"auth_failures":0,"retrieved":1)");
  EXPECT_HAS(out, R"("deleted":1,"tls":false,"last_reply":"+OK bye")");
  EXPECT_HAS(out, R"("source":"pop3","depth":1)");
  EXPECT_HAS(out, R"("seen_bytes":8)");  // ".a" and "MZ" with their line ends
  EXPECT_LACKS(out, "secret");
  EXPECT_LACKS(out, "\"kind\":\"weird\"");
}

// The same events wherever the segments end.
TEST(pop3, segments_may_end_anywhere) {
  const std::string expected = play(kFetch);
  for (std::size_t step = 1; step < 8; step++) {
    Harness h = flow_of();
    for (const auto& [dir, text] : kFetch) {
      for (std::size_t at = 0; at < text.size(); at += step)
        h.send(dir, as_bytes(std::string_view(text).substr(at, step)));
    }
    EXPECT_EQ(h.close(), expected);
  }
}

TEST(pop3, a_connection_cut_short_is_told_as_far_as_it_came) {
  for (std::size_t turns = 0; turns <= kFetch.size(); turns++) {
    Harness h = flow_of();
    for (std::size_t i = 0; i < turns; i++) h.send(kFetch[i].first, as_bytes(kFetch[i].second));
    h.close();
    EXPECT_EQ(h.count(Kind::pop3), turns >= 3 ? 1u : 0u);
  }
}

TEST(pop3, refused_logins_are_counted) {
  EXPECT_HAS(play({{kServer, "+OK\r\n"},
                   {kClient, "USER a\r\nPASS 1\r\nUSER a\r\nPASS 2\r\n"},
                   {kServer, "+OK\r\n-ERR no\r\n+OK\r\n-ERR no\r\n"}}),
             R"("user":"a","auth_method":"PASS","auth_success":false,"auth_failures":2)");
}

// "\0alice\0secret", at once and when asked.
TEST(pop3, a_login_by_auth) {
  const std::string at_once =
      play({{kServer, "+OK\r\n"}, {kClient, "AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n"}, {kServer, "+OK\r\n"}});
  EXPECT_HAS(at_once, R"("user":"alice","auth_method":"PLAIN","auth_success":true)");
  const std::string asked = play({{kServer, "+OK\r\n"},
                                  {kClient, "AUTH plain\r\n"},
                                  {kServer, "+ \r\n"},
                                  {kClient, "AGFsaWNlAHNlY3JldA==\r\n"},
                                  {kServer, "-ERR no\r\n"}});
  EXPECT_HAS(asked, R"("user":"alice","auth_method":"PLAIN","auth_success":false)");
  EXPECT_LACKS(asked, "secret");
  EXPECT_HAS(play({{kServer, "+OK\r\n"}, {kClient, "APOP bob c4c9\r\n"}, {kServer, "+OK\r\n"}}),
             R"("user":"bob","auth_method":"APOP")");
  // Without a mechanism it asks which there are.
  EXPECT_LACKS(play({{kServer, "+OK\r\n"}, {kClient, "AUTH\r\n"}, {kServer, "+OK\r\nPLAIN\r\n.\r\n"}}), "auth_success");
}

TEST(pop3, stls_hands_over) {
  Harness h = flow_of();
  h.resp("+OK\r\n");
  h.orig("STLS\r\n");
  h.resp("+OK go\r\n");
  EXPECT(!h.is_attached());
  EXPECT_HAS(h.close(), R"("tls":true)");
}

TEST(pop3, a_hole_in_a_message_is_missing_from_its_file) {
  Harness h = flow_of();
  h.resp("+OK\r\n");
  h.orig("RETR 1\r\n");
  h.resp("+OK\r\n\r\nab\r\n");
  h.gap(kServer, 10);
  h.resp("cd\r\n.\r\n");
  EXPECT_HAS(h.close(), R"("missing_bytes":10)");
}

TEST(pop3, a_server_of_something_else_is_left) {
  Harness h = flow_of();
  h.resp("+OK\r\n");
  h.resp("hello\r\n");
  EXPECT(!h.is_attached());
  EXPECT_EQ(h.close(), "");
  EXPECT_HAS(play({{kServer, "+OK\r\n"}, {kClient, "NOOP\r\n"}, {kServer, "+OK\r\noops\r\n"}}), "pop3_reply_malformed");
}

TEST(pop3, limits) {
  for (const std::size_t n : {98u, 99u, 100u}) {
    Harness h = flow_of();
    h.resp("+OK\r\n");
    for (std::size_t i = 0; i <= n; i++) h.orig("NOOP\r\n");
    h.close();
    EXPECT_EQ(h.count(Kind::weird), n + 1 > 100 ? 1u : 0u);
  }
  for (const std::size_t n : {8190u, 8191u, 8192u}) {
    Harness h = flow_of();
    h.resp("+OK\r\n");
    h.orig("NOOP " + std::string(n - 5, 'x') + "\r\n");
    h.close();
    EXPECT_EQ(h.count(Kind::weird), n + 1 > 8192 ? 1u : 0u);
  }
  for (const std::size_t n : {63u, 64u, 65u}) {
    Harness h = flow_of();
    h.resp("+OK\r\n");
    for (std::size_t i = 0; i < n; i++) {
      h.orig("RETR 1\r\n");
      h.resp("+OK\r\n\r\nx\r\n.\r\n");
    }
    h.close();
    EXPECT_HAS(h.lines(Kind::pop3)[0], n > 64 ? R"("cut":true)" : R"("cut":false)");
  }
}
