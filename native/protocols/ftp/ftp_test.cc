// FTP by its specification: RFC 959, RFC 2428, RFC 4217.
#include "protocols/ftp/ftp.h"

#include "base/test.h"
#include "protocols/ftp/data.h"
#include "protocols/ftp/session.h"
#include "protocols/harness.h"

using namespace catenary;
using flow::Dir;
using flow::Harness;
using flow::Probe;

namespace {

Harness flow_of(std::uint16_t port = 21) { return {ftp::kProtocol, 6, 40000, port}; }

void greet(Harness& h) { h.resp("220 ready\r\n"); }

void log_in(Harness& h, std::string_view user = "alice") {
  greet(h);
  h.orig("USER " + std::string(user) + "\r\n");
  h.resp("331 Password?\r\n");
  h.orig("PASS secret\r\n");
  h.resp("230 Welcome\r\n");
}

std::string one(Harness& h, std::string_view command) {
  h.close();
  std::string found;
  for (const std::string& line : h.lines(Kind::ftp)) {
    if (line.find("\"command\":\"" + std::string(command) + "\"") != std::string::npos) found += line;
  }
  return found;
}

Probe ask(Dir dir, std::string_view text, std::uint16_t port) {
  return ftp::probe({dir, as_bytes(text), 40000, port, true, true});
}

}  // namespace

TEST(ftp, the_usual_port_needs_a_greeting_or_a_command) {
  EXPECT(ask(Dir::kResp, "220 ready\r\n", 21) == Probe::kYes);
  EXPECT(ask(Dir::kResp, "120 soon\r\n", 21) == Probe::kYes);
  EXPECT(ask(Dir::kOrig, "USER a\r\n", 21) == Probe::kYes);
  EXPECT(ask(Dir::kOrig, "pasv\r\n", 21) == Probe::kYes);
  EXPECT(ask(Dir::kOrig, "USE", 21) == Probe::kMore);
  EXPECT(ask(Dir::kOrig, "GET / HTTP/1.1\r\n", 21) == Probe::kNo);
  EXPECT(ask(Dir::kResp, "SSH-2.0-x\r\n", 21) == Probe::kNo);
  EXPECT(ask(Dir::kResp, "2209 x\r\n", 21) == Probe::kNo);
}

// SMTP greets alike, POP3 and IRC log in alike: elsewhere the answer to USER decides.
TEST(ftp, another_port_needs_an_answer_that_only_ftp_gives) {
  EXPECT(ask(Dir::kResp, "220 ready\r\n", 2121) == Probe::kMore);
  EXPECT(ask(Dir::kResp, "220-a\r\n220 b\r\n331 Password\r\n", 2121) == Probe::kYes);
  EXPECT(ask(Dir::kResp, "220 b\r\n230 in\r\n", 2121) == Probe::kYes);
  EXPECT(ask(Dir::kResp, "220 b\r\n250 hello\r\n", 2121) == Probe::kNo);
  EXPECT(ask(Dir::kResp, "+OK pop\r\n", 2121) == Probe::kNo);
  EXPECT(ask(Dir::kOrig, "USER a\r\n", 2121) == Probe::kMore);
  EXPECT(ask(Dir::kOrig, "EHLO a\r\n", 2121) == Probe::kNo);
  EXPECT(ask(Dir::kOrig, "\x16\x03\x01\x02\x00\x01", 2121) == Probe::kNo);
  std::string long_greeting;
  for (int i = 0; i < 64; i++) long_greeting += "220-x\r\n";
  EXPECT(ask(Dir::kResp, long_greeting.substr(7), 2121) == Probe::kMore);
  EXPECT(ask(Dir::kResp, long_greeting, 2121) == Probe::kNo);
  EXPECT(ask(Dir::kResp, long_greeting + "331 x\r\n", 2121) == Probe::kNo);
}

TEST(ftp, a_login_on_any_port) {
  Harness h = flow_of(8884);
  log_in(h);
  EXPECT(h.is_attached());
  EXPECT_EQ(h.flow().service_count, 1u);
  EXPECT_HAS(h.close(), R"("user":"alice","command":"USER","arg":"alice","reply_code":331,"reply_msg":"Password?")");
  EXPECT_HAS(h.close(), R"("command":"<init>","reply_code":220,"reply_msg":"ready")");
}

TEST(ftp, a_password_is_never_kept_but_a_guests) {
  Harness h = flow_of();
  log_in(h);
  EXPECT_HAS(one(h, "PASS"), R"("password":"<hidden>","command":"PASS","arg":"<hidden>","reply_code":230)");
  EXPECT_LACKS(h.close(), "secret");
  Harness guest = flow_of();
  log_in(guest, "Anonymous");
  EXPECT_HAS(one(guest, "PASS"), R"("password":"secret","command":"PASS","arg":"secret")");
}

// RFC 959 4.2: the code, a minus, lines of any kind, the code again and a space.
TEST(ftp, a_reply_of_several_lines_is_its_last) {
  Harness h = flow_of();
  greet(h);
  h.orig("FEAT\r\n");
  h.resp("211-Features:\r\n MDTM\r\n211x\r\n212 not it\r\n211 End\r\n");
  EXPECT_HAS(one(h, "FEAT"), R"("reply_code":211,"reply_msg":"End")");
}

TEST(ftp, replies_find_their_command_by_code_text_and_order) {
  Harness h = flow_of();
  greet(h);
  h.orig("SYST\r\nPASV\r\nNOOP\r\n");
  h.resp("200 fine\r\n227 Entering (198,51,100,2,4,1)\r\n215 UNIX\r\n");
  EXPECT_HAS(one(h, "SYST"), R"("reply_code":215)");
  EXPECT_HAS(one(h, "PASV"), R"("reply_code":227)");
  EXPECT_HAS(one(h, "NOOP"), R"("reply_code":200)");
}

TEST(ftp, paths_are_written_from_the_working_directory) {
  Harness h = flow_of();
  log_in(h);
  const auto turn = [&](std::string_view command, std::string_view reply) {
    h.orig(command);
    h.resp(reply);
  };
  turn("DELE a\r\n", "250 ok\r\n");
  turn("PWD\r\n", "257 \"/home/alice\" is it\r\n");
  turn("CWD ../bob/./x\r\n", "250 ok\r\n");
  turn("DELE b\r\n", "250 ok\r\n");
  turn("CDUP\r\n", "250 ok\r\n");
  turn("DELE c d\r\n", "250 ok\r\n");
  turn("DELE /e\r\n", "250 ok\r\n");
  turn("CWD no\r\n", "550 no\r\n");
  turn("DELE f\r\n", "250 ok\r\n");
  const std::string all = one(h, "DELE");
  EXPECT_HAS(all, "ftp://198.51.100.2/./a\"");
  EXPECT_HAS(all, "ftp://198.51.100.2/home/bob/x/b\"");
  EXPECT_HAS(all, "ftp://198.51.100.2/home/bob/c d\"");
  EXPECT_HAS(all, "ftp://198.51.100.2/e\"");
  EXPECT_HAS(all, "ftp://198.51.100.2/home/bob/f\"");
  const std::string moves = one(h, "CWD");
  EXPECT_HAS(moves, "ftp://198.51.100.2/home/bob/x\"");
  EXPECT_HAS(moves, "ftp://198.51.100.2/home/bob/no\"");
}

TEST(ftp, a_passive_data_connection_is_a_file) {
  Harness h = flow_of();
  log_in(h);
  h.orig("PASV\r\n");
  h.resp("227 Entering Passive Mode (198,51,100,2,82,16).\r\n");
  EXPECT(!h.open_beside(Dir::kOrig, 21009));
  EXPECT(h.open_beside(Dir::kOrig, 21008));
  h.orig("RETR x.txt\r\n");
  h.resp("150 Opening BINARY mode data connection for x.txt (2000 bytes).\r\n");
  const std::string text(2000, 'a');
  h.send_beside(Dir::kResp, as_bytes(std::string_view(text).substr(0, 1023)));
  h.send_beside(Dir::kResp, as_bytes(std::string_view(text).substr(1023)));
  h.finish_beside(Dir::kResp);
  h.close_beside();
  h.resp("226 Transfer complete.\r\n");
  const std::string passive = one(h, "PASV"), get = one(h, "RETR");
  EXPECT_HAS(passive, R"("passive":true,"data_orig_h":"192.0.2.1","data_resp_h":"198.51.100.2","data_resp_p":21008)");
  EXPECT_HAS(get, R"("mime_type":"text/plain","file_size":2000,"reply_code":226)");
  EXPECT_HAS(get, R"("is_typed":true)");
  EXPECT_LACKS(get, "data_resp_p");
  EXPECT_EQ(h.count(Kind::file), 1u);
  const std::string file = h.lines(Kind::file)[0];
  EXPECT_HAS(file, R"("source":"ftp_data")");
  EXPECT_HAS(file, R"("seen_bytes":2000)");
  EXPECT_HAS(file, R"("direction":"download")");
  EXPECT_HAS(get, "\"fuid\":" + file.substr(file.find("\"fuid\":") + 7, 20));
}

TEST(ftp, an_active_data_connection_is_a_file) {
  Harness h = flow_of();
  log_in(h);
  h.orig("PORT 192,0,2,1,173,251\r\n");
  h.resp("200 ok\r\n");
  EXPECT(h.open_beside(Dir::kResp, 44539));
  h.orig("STOR x\r\n");
  h.resp("150 go\r\n");
  h.send_beside(Dir::kResp, as_bytes("short text here"));
  h.gap_beside(Dir::kResp, 10);
  h.close_beside();
  const std::string put = one(h, "STOR");
  EXPECT_HAS(put, "\"fuid\":\"F");
  EXPECT_HAS(one(h, "PORT"), R"("passive":false,"data_orig_h":"198.51.100.2","data_resp_h":"192.0.2.1")");
  EXPECT_HAS(h.lines(Kind::file)[0], R"("missing_bytes":10)");
}

// RFC 2428: addresses of either family, and none.
TEST(ftp, extended_addresses) {
  struct Row {
    const char *command, *reply, *host;
  };
  constexpr Row kRows[] = {
      {"EPRT |1|192.0.2.1|5282|", "200 ok", "192.0.2.1"},
      {"EPRT |2|2001:db8::1|5282|", "200 ok", "2001:db8::1"},
      {"EPRT !1!192.0.2.1!5282!", "200 ok", "192.0.2.1"},
      {"EPSV", "229 Entering Extended Passive Mode (|||5282|)", "198.51.100.2"},
  };
  for (const Row& row : kRows) {
    Harness h = flow_of();
    log_in(h);
    h.orig(std::string(row.command) + "\r\n");
    h.resp(std::string(row.reply) + "\r\n");
    EXPECT_HAS(one(h, std::string_view(row.command).substr(0, 4)),
               R"("data_resp_h":")" + std::string(row.host) + R"(","data_resp_p":5282)");
    EXPECT_LACKS(h.close(), "ftp_address_malformed");
  }
}

TEST(ftp, addresses_that_are_none) {
  for (const char* const command : {"PORT 1,2,3,4,5", "PORT 256,0,2,1,4,1", "PORT a", "PORT", "PORT 1.2.3.4,5,6",
                                    "EPRT |1||5|", "EPRT |1|1.2.3.4|", "EPRT |1|1.2.3.4|65536|", "EPRT |1|1.2.3.4|5x|",
                                    "EPRT 1111", "EPRT", "EPRT |1|1.2.3|5|", "PORT 1111111,2,3,4,5,6"}) {
    Harness h = flow_of();
    log_in(h);
    h.orig(std::string(command) + "\r\n");
    h.resp("200 ok\r\n");
    EXPECT_HAS(h.close(), "ftp_address_malformed");
    EXPECT_LACKS(h.close(), "data_resp_p");
  }
  for (const char* const reply : {"227 none", "227 (1,2,3", "227", "229 (|||x|)", "229 none", "229 (|||"}) {
    Harness h = flow_of();
    log_in(h);
    h.orig(reply[2] == '7' ? "PASV\r\n" : "EPSV\r\n");
    h.resp(std::string(reply) + "\r\n");
    EXPECT_HAS(h.close(), "ftp_address_malformed");
  }
}

// RFC 2577 3: the bounce attack.
TEST(ftp, a_third_party_is_a_weird) {
  Harness h = flow_of();
  log_in(h);
  h.orig("PORT 203,0,113,9,0,25\r\n");
  EXPECT_HAS(h.close(), "ftp_third_party");
  Harness own = flow_of();
  log_in(own);
  own.orig("PORT 192,0,2,1,0,25\r\n");
  EXPECT_LACKS(own.close(), "ftp_third_party");
}

TEST(ftp, a_flow_in_tls_is_handed_over) {
  Harness h = flow_of();
  greet(h);
  h.orig("AUTH TLS\r\n");
  h.resp("234 go\r\n");
  EXPECT(!h.is_attached());
  EXPECT_HAS(one(h, "AUTH"), R"("arg":"TLS","reply_code":234)");
  Harness refused = flow_of();
  greet(refused);
  refused.orig("AUTH GSSAPI\r\n");
  refused.resp("234 go\r\n");
  EXPECT(refused.is_attached());
}

// RFC 854: an interrupt is sent as IAC IP IAC DM ahead of ABOR; 255 255 is one byte of text.
TEST(ftp, telnet_commands_are_taken_out) {
  Harness h = flow_of();
  log_in(h);
  h.orig(
      "\xff\xf4\xff\xf2"
      "ABOR\r\n");
  h.resp("226 ok\r\n");
  h.orig(
      "\xff\xfb\x01"
      "NOOP\r\n");
  h.resp("200 ok\r\n");
  h.orig(
      "DELE a\xff\xff"
      "b\r\n");
  EXPECT(!one(h, "ABOR").empty());
  EXPECT(!one(h, "NOOP").empty());
  EXPECT_HAS(one(h, "DELE"), R"(a\\xffb)");
}

TEST(ftp, the_same_wherever_the_segments_end) {
  const std::string orig = "USER alice\r\nPASV\r\nRETR a\r\n";
  const std::string resp = "220 x\r\n331 y\r\n227 (198,51,100,2,1,2)\r\n150-a\r\n150 (9 bytes)\r\n";
  Harness whole = flow_of();
  whole.orig(orig);
  whole.resp(resp);
  const std::string expected = whole.close();
  EXPECT_EQ(whole.count(Kind::ftp), 4u);
  for (std::size_t cut = 1; cut < orig.size(); cut++) {
    Harness h = flow_of();
    h.orig(orig.substr(0, cut));
    h.orig(orig.substr(cut));
    h.resp(resp);
    EXPECT_EQ(h.close(), expected);
  }
  for (std::size_t cut = 1; cut < resp.size(); cut++) {
    Harness h = flow_of();
    h.orig(orig);
    h.resp(resp.substr(0, cut));
    h.resp(resp.substr(cut));
    EXPECT_EQ(h.close(), expected);
  }
}

TEST(ftp, a_line_without_its_end_is_no_command) {
  const std::string line = "RETR abc\r\n";
  for (std::size_t cut = 0; cut < line.size(); cut++) {
    Harness h = flow_of();
    log_in(h);
    h.orig(line.substr(0, cut));
    EXPECT_EQ(one(h, "RETR"), "");
  }
}

TEST(ftp, a_gap_ends_with_the_next_line) {
  Harness h = flow_of();
  log_in(h);
  h.orig("DEL");
  h.gap(Dir::kOrig, 4);
  h.orig("b\r\nNOOP\r\n");
  h.resp("200 ok\r\n");
  h.gap(Dir::kResp, 4);
  h.resp("x\r\n");
  EXPECT(h.is_attached());
  EXPECT_EQ(one(h, "DELE"), "");
  EXPECT(!one(h, "NOOP").empty());
}

TEST(ftp, lines_of_one_less_as_many_and_one_more_bytes_than_are_read) {
  for (const std::size_t n : {8191u, 8192u, 8193u}) {
    for (const bool in_pieces : {false, true}) {
      Harness h = flow_of();
      log_in(h);
      const std::string line = "DELE /" + std::string(n - 6, 'a') + "\nNOOP\r\n";
      if (in_pieces) {
        for (std::size_t at = 0; at < line.size(); at += 1000) h.orig(std::string_view(line).substr(at, 1000));
      } else {
        h.orig(line);
      }
      h.resp("250 ok\r\n200 ok\r\n");
      const std::string out = h.close();
      EXPECT_EQ(out.find("ftp_line_too_long") != std::string::npos, n > 8192);
      EXPECT(!one(h, "NOOP").empty());
    }
  }
}

TEST(ftp, commands_that_are_none_are_left_out) {
  Harness h = flow_of();
  log_in(h);
  h.orig("AB\r\n\x01\x02\x03\r\n");
  EXPECT_HAS(h.close(), "ftp_command_malformed");
  EXPECT_EQ(h.count(Kind::weird), 2u);
  for (const std::size_t n : {99u, 100u, 101u}) {
    Harness limit = flow_of();
    log_in(limit);
    limit.orig(std::string(n, 'A') + " x\r\n");
    EXPECT_EQ(limit.close().find("ftp_command_too_long") != std::string::npos, n > 100);
  }
}

// The greeting was answered and waits no more when the second command comes.
TEST(ftp, commands_without_a_reply_are_bounded) {
  for (const std::size_t n : {18u, 19u, 20u}) {
    Harness h = flow_of();
    for (std::size_t i = 0; i < n; i++) h.orig("NOOP\r\n");
    const std::string out = h.close();
    EXPECT_EQ(out.find("ftp_pending_limit") != std::string::npos, n > 19);
    const std::size_t expected = n < 19 ? n + 1 : 20;
    EXPECT_EQ(h.count(Kind::ftp), expected);
  }
}

TEST(ftp, arguments_that_wait_are_bounded_together) {
  Harness h = flow_of();
  for (int i = 0; i < 6; i++) h.orig("SITE " + std::string(4096, static_cast<char>('a' + i)) + "\r\n");
  const std::string out = h.close();
  EXPECT_HAS(out, std::string(4096, 'd'));
  EXPECT_HAS(out, "\"" + std::string(64, 'e') + "\"");
}

TEST(ftp, a_reply_without_a_code_is_not_ftp) {
  for (const char* const reply : {"hello\r\n", "099 x\r\n", "200x\r\n", "20\r\n"}) {
    Harness h = flow_of();
    log_in(h);
    h.resp(reply);
    EXPECT(!h.is_attached());
    EXPECT_HAS(h.close(), "ftp_reply_malformed");
  }
}

// A server that never ends its first reply: what looks like a reply is one.
TEST(ftp, an_endless_reply_hides_nothing) {
  Harness h = flow_of();
  log_in(h);
  h.orig("NOOP\r\n");
  h.resp("230-WARNING\r\n   more\r\n200 All is well here\r\n");
  EXPECT_HAS(one(h, "NOOP"), "All is well here");
}

TEST(ftp, control_connections_are_remembered_in_a_ring) {
  ftp::Transfers t;
  const std::uint64_t first = t.add();
  EXPECT_EQ(first, 1u);
  EXPECT(t.find(0) == nullptr);
  EXPECT(t.find(2) == nullptr);
  for (std::size_t i = 0; i < ftp::Transfers::kTransfersMax - 1; i++) t.add();
  EXPECT(t.find(first) != nullptr);
  t.add();
  EXPECT(t.find(first) == nullptr);
  EXPECT(t.find(2) != nullptr);
}
