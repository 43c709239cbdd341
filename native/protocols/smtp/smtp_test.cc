// SMTP by its specification: RFC 5321, RFC 3030, RFC 4954; messages by RFC 5322, RFC 2045 and RFC 2046.
#include "protocols/smtp/smtp.h"

#include <utility>

#include "base/test.h"
#include "files/mime/message.h"
#include "protocols/harness.h"
#include "protocols/smtp/addresses.h"
#include "protocols/smtp/mail.h"

using namespace catenary;
using flow::Dir;
using flow::Harness;
using flow::Probe;

namespace {

Harness flow_of(std::uint16_t port = 25) { return {smtp::kProtocol, 6, 40000, port}; }

using Turn = std::pair<Dir, std::string>;
constexpr Dir kClient = Dir::kOrig, kServer = Dir::kResp;

void play(Harness& h, const std::vector<Turn>& turns) {
  for (const auto& [dir, text] : turns) h.send(dir, as_bytes(text));
}

std::vector<Turn> greeting() {
  return {{kServer, "220 mail.example ESMTP\r\n"},
          {kClient, "EHLO client\r\n"},
          {kServer, "250-mail.example\r\n250 OK\r\n"}};
}

std::vector<Turn> envelope() {
  std::vector<Turn> t = greeting();
  t.insert(t.end(), {{kClient, "MAIL FROM:<a@example.com>\r\n"},
                     {kServer, "250 ok\r\n"},
                     {kClient, "RCPT TO:<b@example.org>\r\n"},
                     {kServer, "250 ok\r\n"},
                     {kClient, "DATA\r\n"},
                     {kServer, "354 go on\r\n"}});
  return t;
}

// A whole conversation around the message.
std::vector<Turn> message(const std::string& text) {
  std::vector<Turn> t = envelope();
  t.push_back({kClient, text + ".\r\n"});
  t.push_back({kServer, "250 queued\r\n"});
  return t;
}

std::string of_message(const std::string& text) {
  Harness h = flow_of();
  play(h, message(text));
  return h.close();
}

const std::string kMultipart =
    "From: A <a@example.com>\r\nTo: B <b@example.org>,\r\n \"C, D\" <c@example.org>\r\nSubject: folded\r\n\tline\r\n"
    "Content-Type: multipart/mixed; boundary=\"x=y\"\r\n\r\npreamble\r\n"
    "--x=y\r\nContent-Type: text/html\r\n\r\n<a href=\"http://h.example/\">\r\n-- \r\n"
    "--x=y\r\nContent-Disposition: attachment; filename=a.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    "UEsDBAo\r\nA\r\n--x=y--\r\nepilogue\r\n";

Probe ask(Dir dir, std::string_view text, std::uint16_t port) {
  return smtp::probe({dir, as_bytes(text), 40000, port, true, true});
}

}  // namespace

TEST(smtp, ehlo_is_smtp_on_any_port_a_greeting_on_the_usual_ones) {
  EXPECT(ask(kClient, "EHLO x\r\n", 2525) == Probe::kYes);
  EXPECT(ask(kClient, "helo x\r\n", 2525) == Probe::kYes);
  EXPECT(ask(kClient, "EHL", 2525) == Probe::kMore);
  EXPECT(ask(kClient, "MAIL FROM:<a@b>\r\n", 2525) == Probe::kNo);
  EXPECT(ask(kClient, "MAIL FROM:<a@b>\r\n", 25) == Probe::kYes);
  EXPECT(ask(kClient, "GET / HTTP/1.1\r\n", 25) == Probe::kNo);
  EXPECT(ask(kServer, "220 x\r\n", 25) == Probe::kYes);
  EXPECT(ask(kServer, "554 no\r\n", 587) == Probe::kYes);
  EXPECT(ask(kServer, "22", 25) == Probe::kMore);
  EXPECT(ask(kServer, "2200", 25) == Probe::kNo);
  EXPECT(ask(kServer, "220 x\r\n", 2525) == Probe::kMore);
  EXPECT(ask(kServer, "220-x\r\n220 x\r\n250 y\r\n", 2525) == Probe::kYes);
  EXPECT(ask(kServer, "220 x\r\n331 Password?\r\n", 2525) == Probe::kNo);
  EXPECT(ask(kServer, "SSH-2.0-x\r\n", 25) == Probe::kNo);
}

TEST(smtp, a_message_is_one_event_with_its_envelope_headers_and_answer) {
  const std::string out = of_message("From: a@example.com\r\nSubject: hi\r\n\r\ntext\r\n");
  EXPECT_HAS(out, R"("trans_depth":1,"helo":"client","mailfrom":"a@example.com","rcptto":["b@example.org"])");
  EXPECT_HAS(out, R"("from":"a@example.com")");
  EXPECT_HAS(out, R"("subject":"hi","last_reply":"250 queued","path":["198.51.100.2","192.0.2.1"])");
  EXPECT_HAS(out, R"("tls":false)");
  EXPECT_HAS(out, R"("source":"smtp","depth":1)");
  EXPECT_HAS(out, R"("seen_bytes":6)");
  EXPECT_LACKS(out, "\"kind\":\"weird\"");
}

TEST(smtp, parts_are_files_and_urls_are_found) {
  Harness h = flow_of();
  play(h, message(kMultipart));
  const std::string out = h.close();
  EXPECT_EQ(h.count(Kind::file), 2u);
  EXPECT_HAS(out, R"("subject":"folded\u0009line")");
  EXPECT_HAS(out, R"("to":["B <b@example.org>","\"C, D\" <c@example.org>"])");
  EXPECT_HAS(out, R"("urls":["http://h.example/"])");
  EXPECT_HAS(out, R"("depth":3,"analyzers":["md5","sha1","sha256"],"mime_type":"application/zip","filename":"a.zip")");
  // The line end before a boundary belongs to the boundary (RFC 2046 5.1.1): "<a href...>", a line end, "-- ".
  EXPECT_HAS(out, R"("seen_bytes":33)");
  EXPECT_HAS(out, R"("seen_bytes":6)");
}

// The same events wherever the segments end.
TEST(smtp, segments_may_end_anywhere) {
  const std::vector<Turn> turns = message(kMultipart);
  Harness whole = flow_of();
  play(whole, turns);
  const std::string expected = whole.close();
  for (std::size_t cut = 1; cut < kMultipart.size(); cut++) {
    Harness h = flow_of();
    for (const auto& [dir, text] : turns) {
      h.send(dir, as_bytes(std::string_view(text).substr(0, cut)));
      h.send(dir, as_bytes(std::string_view(text).substr(std::min(cut, text.size()))));
    }
    EXPECT_EQ(h.close(), expected);
  }
  Harness bytewise = flow_of();
  for (const auto& [dir, text] : turns) {
    for (const char c : text) bytewise.send(dir, as_bytes({&c, 1}));
  }
  EXPECT_EQ(bytewise.close(), expected);
}

TEST(smtp, a_message_cut_short_is_told_as_far_as_it_came) {
  const std::string text = kMultipart + ".\r\n";
  for (std::size_t cut = 0; cut < text.size(); cut++) {
    Harness h = flow_of();
    play(h, envelope());
    h.orig(std::string_view(text).substr(0, cut));
    h.close();
    EXPECT_EQ(h.count(Kind::smtp), 1u);
  }
}

TEST(smtp, periods_are_unstuffed) { EXPECT_HAS(of_message("\r\n..\r\n.x\r\n"), R"("seen_bytes":6)"); }

TEST(smtp, chunks_carry_a_message_without_periods) {
  Harness h = flow_of();
  std::vector<Turn> t = envelope();
  t.resize(t.size() - 2);
  t.insert(t.end(), {{kClient, "BDAT 20\r\nSubject: x\r\n\r\n.\r\nabc"},
                     {kServer, "250 ok\r\n"},
                     {kClient, "BDAT 3 LAST\r\ndef"},
                     {kServer, "250 queued\r\n"}});
  play(h, t);
  const std::string out = h.close();
  EXPECT_EQ(h.count(Kind::smtp), 1u);
  EXPECT_HAS(out, R"("subject":"x","last_reply":"250 queued")");
  EXPECT_HAS(out, R"("seen_bytes":9)");
  EXPECT_EQ(h.count(Kind::weird), 0u);
}

TEST(smtp, an_empty_last_chunk_ends_the_message) {
  Harness h = flow_of();
  play(h, greeting());
  play(h, {{kClient, "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 5\r\na:b\r\nBDAT 0 LAST\r\nQUIT\r\n"},
           {kServer, "250 1\r\n250 2\r\n250 3\r\n250 4\r\n221 5\r\n"}});
  EXPECT_HAS(h.close(), R"("last_reply":"250 4")");
  EXPECT_EQ(h.count(Kind::smtp), 1u);
}

TEST(smtp, a_chunk_without_a_size_is_a_weird) {
  Harness h = flow_of();
  play(h, greeting());
  play(h, {{kClient, "BDAT x\r\nBDAT 99999999999999999999\r\nNOOP\r\n"}});
  EXPECT_HAS(h.close(), "smtp_chunk_malformed");
  Harness unfinished = flow_of();
  play(unfinished, greeting());
  play(unfinished, {{kClient, "BDAT 2\r\nabRSET\r\n"}});
  EXPECT_HAS(unfinished.close(), "smtp_chunk_last_missing");
}

TEST(smtp, a_refused_message_is_followed_by_commands) {
  Harness h = flow_of();
  std::vector<Turn> t = envelope();
  t.back().second = "554 no\r\n";
  t.insert(t.end(), {{kClient, "RSET\r\n"}, {kServer, "250 ok\r\n"}, {kClient, "MAIL FROM:<x@example.com>\r\n"}});
  play(h, t);
  const std::string out = h.close();
  EXPECT_EQ(h.count(Kind::smtp), 2u);
  EXPECT_HAS(out, R"("mailfrom":"x@example.com")");
}

TEST(smtp, a_message_sent_before_the_answer_to_the_last_is_one_of_its_own) {
  Harness h = flow_of();
  std::vector<Turn> t = envelope();
  t.insert(t.end(), {{kClient, "Subject: 1\r\n\r\n.\r\n"},
                     {kClient, "MAIL FROM:<x@example.com>\r\nRCPT TO:<y@example.com>\r\nDATA\r\n"},
                     {kServer, "250 first\r\n250 ok\r\n250 ok\r\n354 go on\r\n"},
                     {kClient, "Subject: 2\r\n\r\n.\r\n"},
                     {kServer, "250 second\r\n"}});
  play(h, t);
  const std::string out = h.close();
  EXPECT_EQ(h.count(Kind::smtp), 2u);
  EXPECT_HAS(out, R"("trans_depth":1,"helo":"client","mailfrom":"a@example.com")");
  EXPECT_HAS(out, R"("trans_depth":2,"helo":"client","mailfrom":"x@example.com")");
  EXPECT_HAS(out, R"("subject":"2","last_reply":"250 second")");
}

// An answer may come while the next message, that nothing announced, is on its way.
TEST(smtp, an_answer_within_the_next_message) {
  Harness h = flow_of();
  std::vector<Turn> t = envelope();
  t.insert(t.end(), {{kClient, "\r\n.\r\nDATA\r\n"}, {kServer, "250 ok\r\n"}, {kClient, "Subject: late\r\n\r\n.\r\n"}});
  play(h, t);
  EXPECT_HAS(h.close(), R"("subject":"late")");
  EXPECT_EQ(h.count(Kind::smtp), 2u);
}

TEST(smtp, starttls_hands_over_and_is_told) {
  Harness h = flow_of();
  play(h, greeting());
  play(h, {{kClient, "STARTTLS\r\n"}, {kServer, "220 go\r\n"}});
  EXPECT(!h.is_attached());
  EXPECT_HAS(h.close(), R"("last_reply":"220 go")");
  EXPECT_HAS(h.close(), R"("tls":true)");
  Harness refused = flow_of();
  play(refused, greeting());
  play(refused, {{kClient, "STARTTLS\r\n"}, {kServer, "454 no\r\n"}});
  EXPECT(refused.is_attached());
  refused.close();
  EXPECT_EQ(refused.count(Kind::smtp), 0u);
}

// "\0alice\0secret", and in two answers: "alice", "secret".
TEST(smtp, a_login_is_told_without_its_password) {
  Harness plain = flow_of();
  play(plain, greeting());
  play(plain, {{kClient, "AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n"}, {kServer, "535 no\r\n"}});
  const std::string out = plain.close();
  EXPECT_HAS(out, R"("auth_mechanism":"PLAIN","username":"alice","auth_success":false)");
  EXPECT_HAS(out, R"("has_message":false)");
  EXPECT_LACKS(out, "secret");
  Harness login = flow_of();
  play(login, greeting());
  play(login, {{kClient, "auth login\r\n"},
               {kServer, "334 VXNlcm5hbWU6\r\n"},
               {kClient, "YWxpY2U=\r\n"},
               {kServer, "334 UGFzc3dvcmQ6\r\n"},
               {kClient, "c2VjcmV0\r\n"},
               {kServer, "235 yes\r\n"}});
  EXPECT_HAS(login.close(), R"("auth_mechanism":"LOGIN","username":"alice","auth_success":true)");
  EXPECT_EQ(login.count(Kind::weird), 0u);
}

TEST(smtp, the_way_of_the_message_is_read_from_received) {
  const std::string out = of_message(
      "Received: from b (b.example [203.0.113.2]) by c\r\nReceived: from 10.0.0.1 (HELO a) (203.0.113.1) by b\r\n"
      "X-Originating-IP: [010.00.0.5]\r\n\r\n");
  EXPECT_HAS(out, R"("x_originating_ip":"10.0.0.5","first_received":"from 10.0.0.1 (HELO a) (203.0.113.1) by b")");
  EXPECT_HAS(out, R"("second_received":"from b (b.example [203.0.113.2]) by c")");
  EXPECT_HAS(out, R"("path":["198.51.100.2","192.0.2.1","203.0.113.2","203.0.113.1"])");
}

TEST(smtp, addresses) {
  using smtp::find_address;
  EXPECT_EQ(std::string(find_address(":<a@b.example> SIZE=3")), "a@b.example");
  EXPECT_EQ(std::string(find_address(": a@b.example")), "a@b.example");
  EXPECT_EQ(std::string(find_address(":<>")), "");
  EXPECT_EQ(std::string(find_address("@@ @b a@")), "");
  EXPECT_EQ(std::string(find_address("<@relay,@two:a@b>")), "a@b");
}

TEST(smtp, a_hole_in_a_message_is_missing_from_its_file) {
  Harness h = flow_of();
  play(h, envelope());
  h.orig("Subject: x\r\n\r\nab\r\n");
  h.gap(kClient, 10);
  h.orig("cd\r\n.\r\n");
  h.resp("250 queued\r\n");
  const std::string out = h.close();
  EXPECT_HAS(out, R"("missing_bytes":10)");
  EXPECT_HAS(out, R"("last_reply":"250 queued")");
}

TEST(smtp, an_end_lost_in_a_hole_is_known_by_the_answer) {
  Harness h = flow_of();
  play(h, envelope());
  h.orig("Subject: x\r\n\r\nab");
  h.gap(kClient, 10);
  h.resp("250 queued\r\n");
  h.orig("MAIL FROM:<next@example.com>\r\n");
  EXPECT_HAS(h.close(), R"("mailfrom":"next@example.com")");
  EXPECT_EQ(h.count(Kind::smtp), 2u);
}

TEST(smtp, oddities_are_weirds) {
  Harness h = flow_of();
  play(h, greeting());
  play(h, {{kClient, "XYZZY\r\nNOOP\nDATA\r\n"}, {kServer, "oops\r\n"}});
  const std::string out = h.close();
  for (const char* name : {"smtp_command_unknown", "smtp_bare_lf", "smtp_transaction_invalid", "smtp_reply_malformed"})
    EXPECT_HAS(out, name);
}

TEST(smtp, a_line_at_its_limit) {
  for (const std::size_t length : {8191u, 8192u, 8193u}) {
    Harness h = flow_of();
    play(h, greeting());
    h.orig("NOOP " + std::string(length - 5, 'x') + "\r\n");
    h.close();
    EXPECT_EQ(h.count(Kind::weird), length + 1 > 8192 ? 1u : 0u);
  }
}

TEST(smtp, commands_that_wait_at_their_limit) {
  for (const std::size_t n : {99u, 100u, 101u}) {
    Harness h = flow_of();
    play(h, greeting());
    for (std::size_t i = 0; i < n; i++) h.orig("NOOP\r\n");
    h.close();
    EXPECT_EQ(h.count(Kind::weird), n > 100 ? 1u : 0u);
  }
}

TEST(smtp, lists_at_their_limits) {
  for (const std::size_t n : {smtp::kRecipientsMax - 1, smtp::kRecipientsMax, smtp::kRecipientsMax + 1}) {
    Harness h = flow_of();
    play(h, greeting());
    h.orig("MAIL FROM:<a@b>\r\n");
    for (std::size_t i = 0; i < n; i++) h.orig("RCPT TO:<x" + std::to_string(i) + "@b>\r\n");
    EXPECT_HAS(h.close(), n > smtp::kRecipientsMax ? R"("cut":true)" : R"("cut":false)");
  }
  for (const std::size_t n : {smtp::kUrlsMax - 1, smtp::kUrlsMax, smtp::kUrlsMax + 1}) {
    std::string text = "\r\n";
    for (std::size_t i = 0; i < n; i++) text += "http://a.example/" + std::to_string(i) + "\r\n";
    Harness h = flow_of();
    play(h, message(text));
    h.close();
    EXPECT_HAS(h.lines(Kind::smtp)[0], n > smtp::kUrlsMax ? R"("cut":true)" : R"("cut":false)");
  }
}

TEST(smtp, headers_of_many_items_at_their_limits) {
  const auto is_cut = [](const std::string& text) {
    Harness h = flow_of();
    play(h, message(text + "\r\n"));
    h.close();
    return h.lines(Kind::smtp)[0].find(R"("cut":true)") != std::string::npos;
  };
  for (const std::size_t n : {smtp::kAddresseesMax - 1, smtp::kAddresseesMax, smtp::kAddresseesMax + 1}) {
    for (const std::string name : {"To: ", "Cc: "}) {
      std::string header = name;
      for (std::size_t i = 0; i < n; i++) header += "a" + std::to_string(i) + "@b,";
      EXPECT(is_cut(header + "\r\n") == (n > smtp::kAddresseesMax));
    }
  }
  // Two hops are the ends of the flow.
  for (const std::size_t n : {smtp::kPathMax - 3, smtp::kPathMax - 2, smtp::kPathMax - 1}) {
    std::string headers;
    for (std::size_t i = 0; i < n; i++) headers += "Received: from a ([10.0.0." + std::to_string(i) + "]) by b\r\n";
    EXPECT(is_cut(headers) == (n > smtp::kPathMax - 2));
  }
  for (const std::size_t n : {smtp::kFilesMax - 1, smtp::kFilesMax, smtp::kFilesMax + 1}) {
    std::string text = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
    for (std::size_t i = 0; i < n; i++) text += "--b\r\n\r\nx\r\n";
    EXPECT(is_cut(text) == (n > smtp::kFilesMax));
  }
  for (const std::size_t n : {4095u, 4096u, 4097u}) {
    EXPECT(is_cut("Subject: " + std::string(n, 'x') + "\r\n") == (n > 4096));
  }
}

// Beyond it a text is kept to 64 bytes.
TEST(smtp, the_budget_of_all_mails_at_its_limit) {
  constexpr std::size_t kMax = smtp::TextBudget::kBytesMax;
  for (const std::size_t used : {kMax - 1, kMax, kMax + 1}) {
    smtp::TextBudget budget{used};
    {
      smtp::Mail m;
      m.begin(1, budget);
      m.set(m.helo, std::string(65, 'x'), 256);
      EXPECT_EQ(m.helo->size(), used > kMax ? 64u : 65u);
      EXPECT_EQ(budget.used, used + m.helo->size());
    }
    EXPECT_EQ(budget.used, used);
  }
}

TEST(smtp, parts_at_their_limit) {
  for (const std::uint32_t n : {mime::Message::kPartsMax - 1, mime::Message::kPartsMax, mime::Message::kPartsMax + 1}) {
    std::string text = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
    for (std::uint32_t i = 0; i < n; i++) text += "--b\r\n\r\nx\r\n";
    Harness h = flow_of();
    play(h, message(text + "--b--\r\n"));
    h.close();
    const std::uint64_t files = std::min(n, mime::Message::kPartsMax);
    EXPECT_EQ(h.count(Kind::file), files);
    EXPECT_EQ(h.count(Kind::weird), n > mime::Message::kPartsMax ? 1u : 0u);
  }
}

TEST(smtp, parts_within_parts_at_their_limit) {
  constexpr std::size_t kMax = mime::Message::kDepthMax;
  for (const std::size_t n : {kMax - 1, kMax, kMax + 1}) {
    std::string text;
    for (std::size_t i = 0; i < n; i++) {
      const std::string b = "b" + std::to_string(i) + "e";
      text += "Content-Type: multipart/mixed; boundary=" + b + "\r\n\r\n--" + b + "\r\n";
    }
    Harness h = flow_of();
    play(h, message(text + "\r\ninnermost\r\n"));
    h.close();
    EXPECT_EQ(h.count(Kind::file), n > kMax ? 0u : 1u);
    EXPECT_EQ(h.count(Kind::weird), n > kMax ? 1u : 0u);
  }
}

TEST(smtp, a_header_at_its_limit) {
  constexpr std::size_t kMax = mime::Message::kHeaderBytesMax;
  for (const std::size_t n : {kMax - 1, kMax, kMax + 1}) {
    const std::string name = "Subject: ";
    Harness h = flow_of();
    play(h, message(name + std::string(n - name.size() - 1, 'x') + "\r\n\r\nbody\r\n"));
    h.close();
    EXPECT_EQ(h.count(Kind::weird), n > kMax ? 1u : 0u);
    EXPECT_EQ(h.count(Kind::file), 1u);
  }
}

TEST(smtp, other_structures_of_messages) {
  EXPECT_HAS(of_message("Content-Type: multipart/mixed\r\n\r\nx\r\n"), "mime_boundary_missing");
  EXPECT_HAS(of_message("Content-Transfer-Encoding: rot13\r\n\r\nx\r\n"), "mime_transfer_encoding_unknown");
  // A message within: its headers are not the outer one's.
  const std::string within = of_message("Subject: out\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nx\r\n");
  EXPECT_HAS(within, R"("subject":"out")");
  EXPECT_HAS(within, R"("depth":2)");
  // Of two boundaries that fit, the longer is meant.
  const std::string nested = of_message(
      "Content-Type: multipart/mixed; boundary=p\r\n\r\n--p\r\nContent-Type: multipart/mixed; boundary=p1\r\n\r\n"
      "--p1\r\n\r\none\r\n--p1\r\n\r\ntwo!\r\n--p1--\r\n--p\r\n\r\nthree\r\n--p--\r\n");
  for (const char* size : {"\"seen_bytes\":3", "\"seen_bytes\":4", "\"seen_bytes\":5"}) EXPECT_HAS(nested, size);
  // RFC 2231 3: a name in pieces.
  EXPECT_HAS(of_message("Content-Disposition: attachment; filename*0*=UTF-8''a%20; filename*1=\"b.exe\"\r\n\r\nx\r\n"),
             R"("filename":"a b.exe")");
}
