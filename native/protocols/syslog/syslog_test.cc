// Syslog by its specifications: RFC 3164 4, RFC 5424 6, RFC 6587 3.4.
#include "protocols/syslog/syslog.h"

#include "base/test.h"
#include "protocols/harness.h"
#include "protocols/syslog/message.h"

using namespace catenary;
using flow::Dir;
using flow::Harness;
using flow::Probe;

namespace {

constexpr std::string_view kOld = "<34>Oct 11 22:14:15 mymachine su[71]: 'su root' failed";
constexpr std::string_view kNew =
    "<165>1 2003-10-11T22:14:15.003Z host.example.com evntslog 8710 ID47 [a b=\"c\"] text";

std::string datagram(std::string_view text) {
  Harness h(syslog::kProtocol, 17, 40000, 514);
  h.orig(text);
  return h.close();
}

Harness stream() { return {syslog::kProtocol, 6, 40000, 601}; }

Probe ask(std::string_view text, std::uint16_t port, bool is_tcp = false, Dir dir = Dir::kOrig) {
  return syslog::probe({dir, as_bytes(text), 40000, port, is_tcp, true});
}

}  // namespace

TEST(syslog, a_message_of_rfc_3164) {
  const std::string out = datagram(kOld);
  EXPECT_HAS(out,
             R"("facility":"AUTH","severity":"CRIT","message":"Oct 11 22:14:15 mymachine su[71]: 'su root' failed")");
  EXPECT_HAS(out, R"("is_5424":false,"hostname":"mymachine","app_name":"su","procid":"71")");
}

TEST(syslog, a_message_of_rfc_5424) {
  const std::string out = datagram(kNew);
  EXPECT_HAS(out, R"("facility":"LOCAL4","severity":"NOTICE")");
  EXPECT_HAS(out,
             R"("is_5424":true,"hostname":"host.example.com","app_name":"evntslog","procid":"8710","msgid":"ID47")");
}

// RFC 5424 6.2: "-" stands for nothing.
TEST(syslog, nothing_is_not_a_name) {
  const std::string out = datagram("<14>1 - - app - - - x");
  EXPECT_HAS(out, R"("is_5424":true,"app_name":"app"})");
  EXPECT_LACKS(out, "hostname");
}

TEST(syslog, headers_that_are_less) {
  struct Row {
    const char *text, *host, *app, *procid;
  };
  constexpr Row kRows[] = {
      {"<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!", "10.0.0.99", "", ""},
      {"<13>Feb  5 17:32:18 cron[7]: x", "", "cron", "7"},
      {"<13>Feb  5 17:32:18 gate dhcpd: x", "gate", "dhcpd", ""},
      {"<13>Feb  5 17:32:18 gate dhcpd[8", "gate", "", ""},
      {"<13>Feb 05 17:32:18 gate x", "gate", "", ""},
      {"<13>Fxb  5 17:32:18 gate a: x", "", "", ""},
      {"<13>Feb  5 17:32 gate a: x", "", "", ""},
      {"<13>1 yesterday gate a b c", "", "", ""},
      {"<13>", "", "", ""},
      {"<13>Feb  5 17:32:18 ", "", "", ""},
  };
  for (const Row& row : kRows) {
    const syslog::Message m = syslog::parse(row.text);
    EXPECT(m.priority == syslog::Priority::kOk);
    EXPECT_EQ(m.hostname, row.host);
    EXPECT_EQ(m.app_name, row.app);
    EXPECT_EQ(m.procid, row.procid);
  }
  for (const std::size_t n : {31u, 32u, 33u}) {
    const std::string text = "<13>Feb  5 17:32:18 gate " + std::string(n, 'a') + ": x";
    EXPECT_EQ(syslog::parse(text).app_name.size(), n > 32 ? std::size_t{0} : n);
  }
}

TEST(syslog, a_priority_is_a_number_to_191) {
  EXPECT_HAS(datagram("<190>x"), R"("facility":"LOCAL7","severity":"INFO","message":"x")");
  EXPECT_HAS(datagram("<191>x"), R"("facility":"LOCAL7","severity":"DEBUG","message":"x")");
  EXPECT_HAS(datagram("<0>x"), R"("facility":"KERN","severity":"EMERG")");
  for (const char* const text : {"<192>x", "<1234>x", "<>x", "<12", "<1x>x", "<"}) {
    const std::string out = datagram(text);
    EXPECT_HAS(out, "syslog_priority_malformed");
    EXPECT_HAS(out, R"("facility":"UNSPECIFIED","severity":"UNSPECIFIED","message":"<)");
  }
  const std::string none = datagram("no priority");
  EXPECT_HAS(none, "syslog_priority_missing");
  EXPECT_HAS(none, R"("facility":"UNSPECIFIED","severity":"UNSPECIFIED","message":"no priority")");
}

TEST(syslog, a_message_cut_at_every_byte_is_its_front) {
  for (std::size_t cut = 1; cut < kNew.size(); cut++) {
    const std::string out = datagram(kNew.substr(0, cut));
    EXPECT_EQ(out.find("syslog_priority_malformed") != std::string::npos, cut < 5);
    EXPECT_EQ(out.find("\"is_5424\":true") != std::string::npos, cut >= 27);
  }
}

TEST(syslog, messages_of_one_less_as_many_and_one_more_bytes_than_are_kept) {
  for (const std::size_t n : {8191u, 8192u, 8193u}) {
    const std::string text = "<13>" + std::string(n - 4, 'a');
    const std::string lines = text + "\n<14>b\n", counted = std::to_string(n) + " " + text + "6 <14>bc";
    for (const std::string& bytes : {lines, counted}) {
      for (const std::size_t step : {std::size_t{20000}, std::size_t{777}}) {
        Harness h = stream();
        for (std::size_t at = 0; at < bytes.size(); at += step) h.orig(std::string_view(bytes).substr(at, step));
        const std::string out = h.close();
        EXPECT_EQ(h.count(Kind::syslog), 2u);
        EXPECT_EQ(out.find("syslog_message_too_long") != std::string::npos, n > 8192);
        EXPECT_HAS(out, "\"message\":\"b");
      }
    }
  }
}

// RFC 6587 3.4: with a length in front, or a line end behind.
TEST(syslog, a_stream_splits_anywhere) {
  const std::string lines = std::string(kOld) + "\n" + std::string(kNew) + "\n";
  const std::string counted =
      std::to_string(kOld.size()) + " " + std::string(kOld) + std::to_string(kNew.size()) + " " + std::string(kNew);
  for (const std::string& bytes : {lines, counted}) {
    Harness whole = stream();
    whole.orig(bytes);
    const std::string expected = whole.close();
    EXPECT_EQ(whole.count(Kind::syslog), 2u);
    for (std::size_t cut = 1; cut < bytes.size(); cut++) {
      Harness h = stream();
      h.orig(bytes.substr(0, cut));
      h.orig(bytes.substr(cut));
      EXPECT_EQ(h.close(), expected);
    }
  }
}

TEST(syslog, the_last_line_needs_no_end) {
  Harness h = stream();
  h.orig(std::string(kOld) + "\n" + std::string(kOld));
  h.finish(Dir::kOrig);
  h.close();
  EXPECT_EQ(h.count(Kind::syslog), 2u);
  Harness broken = stream();
  broken.orig(std::string(kOld) + "\n" + std::string(kOld));
  broken.close();
  EXPECT_EQ(broken.count(Kind::syslog), 1u);
}

TEST(syslog, a_gap_ends_with_the_next_line) {
  Harness h = stream();
  h.orig(std::string(kOld) + "\n<1");
  h.gap(Dir::kOrig, 9);
  h.orig("lost\n" + std::string(kNew) + "\n");
  h.close();
  EXPECT_EQ(h.count(Kind::syslog), 2u);
  Harness counted = stream();
  counted.orig("6 <14>bc6 <1");
  counted.gap(Dir::kOrig, 9);
  EXPECT(!counted.is_attached());
}

TEST(syslog, a_length_that_is_none_ends_it) {
  for (const char* const bytes : {"6 <14>bc0 <14>x", "6 <14>bc12345678 x", "6 <14>bc7x<14>bcd"}) {
    Harness h = stream();
    h.orig(bytes);
    EXPECT(!h.is_attached());
  }
}

TEST(syslog, what_is_claimed) {
  EXPECT(ask("anything", 514) == Probe::kYes);
  EXPECT(ask(std::string_view("\x01\x02\x03", 3), 514) == Probe::kNo);
  EXPECT(ask("", 514) == Probe::kNo);
  EXPECT(ask("anything", 5140) == Probe::kNo);
  EXPECT(ask("<13>anything", 5140) == Probe::kNo);
  EXPECT(ask(kOld, 5140) == Probe::kYes);
  EXPECT(ask(kNew, 5140) == Probe::kYes);
  EXPECT(ask(kNew, 5140, true) == Probe::kYes);
  EXPECT(ask("54 " + std::string(kOld), 5140, true) == Probe::kYes);
  EXPECT(ask(kNew, 5140, true, Dir::kResp) == Probe::kNo);
  EXPECT(ask("<13>x", 601, true) == Probe::kYes);
  EXPECT(ask("<13>x", 5140, true) == Probe::kMore);
  EXPECT(ask("<13>x\n", 5140, true) == Probe::kNo);
  EXPECT(ask("<1", 601, true) == Probe::kMore);
  EXPECT(ask("12", 601, true) == Probe::kMore);
  EXPECT(ask("<html>", 601, true) == Probe::kNo);
  EXPECT(ask("<?xml version", 601, true) == Probe::kNo);
  EXPECT(ask("1023", 514, true) == Probe::kMore);
  EXPECT(ask(std::string_view("1023\0root\0", 10), 514, true) == Probe::kNo);
  EXPECT(ask("GET / HTTP/1.1\r\n", 514, true) == Probe::kNo);
}
