// IMAP by RFC 9051, RFC 7888 and RFC 4959.
#include "protocols/imap/imap.h"

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

Harness flow_of() { return {imap::kProtocol, 6, 40000, 143}; }

const std::vector<Turn> kFetch = {
    {kServer, "* OK ready\r\n"},
    {kClient, "a1 LOGIN \"al\\\"ice\" secret\r\n"},
    {kServer, "a1 OK in\r\n"},
    {kClient, "a2 SELECT INBOX\r\n"},
    {kServer, "* 1 EXISTS\r\na2 OK\r\n"},
    {kClient, "a3 UID FETCH 1 BODY[]\r\n"},
    {kServer, "* 1 FETCH (UID 1 BODY[] {18}\r\nSubject: x\r\n\r\nMZ\r\n)\r\na3 OK done\r\n"},
    {kClient, "a4 LOGOUT\r\n"},
    {kServer, "* BYE\r\na4 OK bye\r\n"}};

std::string play(const std::vector<Turn>& turns) {
  Harness h = flow_of();
  for (const auto& [dir, text] : turns) h.send(dir, as_bytes(text));
  return h.close();
}

Probe ask(Dir dir, std::string_view text, std::uint16_t port = 4444) {
  return imap::probe({dir, as_bytes(text), 40000, port, true, true});
}

}  // namespace

TEST(imap, first_bytes) {
  EXPECT(ask(kServer, "* OK [CAPABILITY IMAP4rev1] hi\r\n") == Probe::kYes);
  EXPECT(ask(kServer, "* PREAUTH imap\r\n") == Probe::kYes);
  EXPECT(ask(kServer, "* OK hi\r\n") == Probe::kNo);
  EXPECT(ask(kServer, "* OK hi\r\n", 143) == Probe::kYes);
  EXPECT(ask(kServer, "* O") == Probe::kMore);
  EXPECT(ask(kServer, "* OK hi") == Probe::kMore);
  EXPECT(ask(kServer, "* OK " + std::string(600, 'x')) == Probe::kNo);
  EXPECT(ask(kServer, "+OK ready\r\n", 143) == Probe::kNo);
  EXPECT(ask(kClient, "* OK IMAP\r\n") == Probe::kNo);
}

TEST(imap, a_connection_is_one_event_and_its_messages_are_files) {
  const std::string out = play(kFetch);
  EXPECT_HAS(out, R"("user":"al\"ice","auth_method":"LOGIN","auth_success":true,"auth_failures":0,"mailbox":"INBOX")");
  EXPECT_HAS(out, R"("fetched":1,"appended":0,"searches":0,"tls":false,"last_reply":"a4 OK bye")");
  EXPECT_HAS(out, R"("source":"imap","depth":1)");
  EXPECT_HAS(out, R"("seen_bytes":4)");
  EXPECT_LACKS(out, "secret");
  EXPECT_LACKS(out, "\"kind\":\"weird\"");
}

TEST(imap, segments_may_end_anywhere) {
  const std::string expected = play(kFetch);
  for (std::size_t size = 1; size < 40; size++) {
    Harness h = flow_of();
    for (const auto& [dir, text] : kFetch)
      for (std::size_t at = 0; at < text.size(); at += size) h.send(dir, as_bytes(text.substr(at, size)));
    EXPECT_EQ(h.close(), expected);
  }
}

TEST(imap, every_cut_ends) {
  std::size_t total = 0;
  for (const auto& [dir, text] : kFetch) total += text.size();
  for (std::size_t n = 0; n < total; n++) {
    Harness h = flow_of();
    std::size_t left = n;
    for (const auto& [dir, text] : kFetch) {
      h.send(dir, as_bytes(text).first(std::min(left, text.size())));
      left -= std::min(left, text.size());
    }
    h.close();
    EXPECT(h.count(Kind::imap) <= 1);
  }
}

TEST(imap, logins) {
  const std::vector<Turn> plain = {{kServer, "* OK hi\r\n"},
                                   {kClient, "1 AUTHENTICATE PLAIN\r\n"},
                                   {kServer, "+ \r\n"},
                                   {kClient, "AGJvYgBwYXNz\r\n"},
                                   {kServer, "1 NO wrong\r\n"}};
  EXPECT_HAS(play(plain), R"("user":"bob","auth_method":"PLAIN","auth_success":false,"auth_failures":1)");
  const std::vector<Turn> at_once = {
      {kServer, "* OK hi\r\n"}, {kClient, "1 authenticate plain AGJvYgBwYXNz\r\n"}, {kServer, "1 OK\r\n"}};
  EXPECT_HAS(play(at_once), R"("user":"bob","auth_method":"PLAIN","auth_success":true)");
  const std::vector<Turn> counted = {
      {kServer, "* OK hi\r\n"}, {kClient, "1 LOGIN {3+}\r\nbob {4+}\r\npass\r\n"}, {kServer, "1 OK\r\n"}};
  EXPECT_HAS(play(counted), R"("user":"bob","auth_method":"LOGIN","auth_success":true)");
  EXPECT_LACKS(play(counted), "pass");
}

TEST(imap, starttls_hands_the_flow_over) {
  Harness h = flow_of();
  h.resp("* OK hi\r\n");
  h.orig("1 STARTTLS\r\n");
  h.resp("1 OK go\r\n");
  EXPECT(!h.is_attached());
  EXPECT(h.flow().detection == flow::Detection::kOpen);
  EXPECT_HAS(h.close(), R"("tls":true)");
}

TEST(imap, a_message_that_the_client_stores_is_a_file) {
  Harness h = flow_of();
  h.resp("* OK hi\r\n");
  h.orig("1 APPEND Sent (\\Seen) {16}\r\n");
  h.resp("+ go\r\n");
  h.orig("Subject: x\r\n\r\nab\r\n");
  h.resp("1 OK\r\n");
  h.orig("2 UID SEARCH ALL\r\n");
  const std::string out = h.close();
  EXPECT_HAS(out, R"("appended":1,"searches":1)");
  EXPECT_HAS(h.lines(Kind::file)[0], R"("seen_bytes":2)");
}

TEST(imap, a_hole_in_a_message_is_missing_from_its_file) {
  Harness h = flow_of();
  for (std::size_t i = 0; i < 6; i++) h.send(kFetch[i].first, as_bytes(kFetch[i].second));
  h.resp("* 1 FETCH (BODY[] {24}\r\nSubject: x\r\n\r\nMZ");
  h.gap(kServer, 4);
  h.resp("abcd)\r\na3 OK\r\n");
  const std::string out = h.close();
  EXPECT_HAS(out, R"("missing_bytes":4)");
  EXPECT_HAS(out, R"("last_reply":"a3 OK")");
}

TEST(imap, limits) {
  for (const std::size_t n : {imap::kPendingMax - 1, imap::kPendingMax, imap::kPendingMax + 1}) {
    Harness h = flow_of();
    h.resp("* OK hi\r\n");
    for (std::size_t i = 0; i < n; i++) h.orig("t" + std::to_string(i) + " NOOP\r\n");
    EXPECT_EQ(h.close().find("imap_pending_limit") != std::string::npos, n > imap::kPendingMax);
  }
  for (const std::size_t n : {imap::kLineBytesMax - 1, imap::kLineBytesMax, imap::kLineBytesMax + 1}) {
    Harness h = flow_of();
    h.resp("* OK hi\r\n");
    h.orig(std::string(n, 'x') + "\n");
    EXPECT_EQ(h.close().find("imap_line_too_long") != std::string::npos, n > imap::kLineBytesMax);
  }
}

TEST(imap, what_is_no_reply_is_a_weird_or_another_protocol) {
  Harness h = flow_of();
  h.resp("* OK hi\r\n");
  h.resp("hello there\r\n");
  EXPECT(!h.is_attached());
  Harness known = flow_of();
  known.resp("* OK hi\r\n");
  known.orig("1 NOOP\r\n");
  known.resp("1 OK\r\nhello there\r\n");
  EXPECT_HAS(known.close(), "imap_reply_malformed");
}
