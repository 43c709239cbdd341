// A row for each protocol: what one side says first, what the other answers, and what is not it.
#include "protocols/named/named.h"

#include "base/test.h"
#include "protocols/harness.h"
#include "protocols/named/recognise.h"

using namespace catenary;
using flow::Dir;
using flow::Harness;
using test::hex;
using Data = std::vector<std::uint8_t>;

namespace {

Data text(std::string_view s) { return {s.begin(), s.end()}; }
Data operator+(Data a, const Data& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
Data sized(Data d, std::size_t n) {
  d.resize(n);
  return d;
}

struct Case {
  const char* service;
  std::uint8_t proto;
  std::uint16_t port;
  Dir first;
  Data said, answered;
  bool needs_answer;
};

const Data kGreeting = sized(hex("4a000000 0a 382e302e3330"), 78);  // "8.0.30"

std::vector<Case> cases() {
  return {
      {"modbus", 6, 9000, Dir::kOrig, hex("0001 0000 0006 01 03 0000 0002"), hex("0001 0000 0007 01 03 04 00000000"),
       true},
      {"modbus", 6, 9000, Dir::kOrig, hex("0001 0000 0009 01 10 0000 0001 02 0007"),
       hex("0001 0000 0006 01 10 0000 0001"), true},
      {"modbus", 6, 502, Dir::kOrig, hex("0001 0000 0002 01 11"), hex("0001 0000 0003 01 91 01"), true},
      {"dnp3_tcp", 6, 9000, Dir::kOrig, hex("0564 05c0 0100 0004 e921"), {}, false},
      {"dnp3_udp", 17, 9000, Dir::kOrig, hex("0564 05c0 0100 0004 e921"), {}, false},
      {"mqtt", 6, 9000, Dir::kOrig, hex("100c 0004 4d515454 04 02 003c 0000"), {}, false},
      {"mqtt", 6, 9000, Dir::kOrig, hex("100e 0006 4d5149736470 03 02 003c 0000"), {}, false},
      {"mqtt", 6, 1883, Dir::kOrig, hex("8206 0001 0001 61 00"), {}, false},
      {"mqtt5", 6, 9000, Dir::kOrig, hex("100d 0004 4d515454 05 02 003c 00 0000"), {}, false},
      {"rfb", 6, 9000, Dir::kResp, text("RFB 003.008\n"), text("RFB 003.003\n"), true},
      {"sip", 17, 9000, Dir::kOrig, text("OPTIONS sip:a@b.example SIP/2.0\r\nVia: x\r\n"), text("SIP/2.0 200 OK\r\n"),
       true},
      {"mysql", 6, 9000, Dir::kResp, kGreeting, hex("05000001 8da20a00 00"), true},
      {"mysql", 6, 3306, Dir::kResp, hex("0a000000 ff 6904 6e6f20686f7374"), hex("01000001 01"), true},
      {"irc", 6, 9000, Dir::kOrig, text("NICK a\r\nUSER a b c :d\r\n"), text(":irc.example NOTICE * :hi\r\n"), true},
      {"irc", 6, 9000, Dir::kOrig, text("USER a b c :d\r\n"), text("NOTICE AUTH :hi\r\n"), true},
      {"xmpp", 6, 9000, Dir::kOrig, text("<?xml version='1.0'?><stream:stream to='a'>"),
       text("<?xml version='1.0'?><stream:stream>"), true},
      {"rdpeudp", 17, 3389, Dir::kOrig, sized(hex("ffffffff 0040 0001"), 1232), sized(hex("00000000 0040 0005"), 1232),
       true}};
}

std::string service_of(Harness& h) {
  const flow::Flow& f = h.flow();
  return f.service_count == 1 ? f.services[0] : "";
}

Harness flow_of(const Case& c) { return {named::kProtocol, c.proto, 40000, c.port}; }

}  // namespace

TEST(named, each_protocol_has_its_service) {
  for (const Case& c : cases()) {
    Harness h = flow_of(c);
    h.send(c.first, c.said);
    EXPECT_EQ(service_of(h), c.needs_answer ? "" : c.service);
    if (c.needs_answer) h.send(flow::other(c.first), c.answered);
    EXPECT_EQ(service_of(h), c.service);
    EXPECT(!h.is_attached());  // nothing more is read
    h.close();
  }
}

TEST(named, an_answer_of_something_else_takes_the_flow_away) {
  for (const Case& c : cases()) {
    if (!c.needs_answer) continue;
    Harness h = flow_of(c);
    h.send(c.first, c.said);
    h.send(flow::other(c.first), hex("474554202f20485454502f312e310d0a"));
    EXPECT_EQ(service_of(h), "");
    EXPECT(!h.is_attached());
    h.close();
  }
}

TEST(named, the_answer_may_end_anywhere) {
  for (const Case& c : cases()) {
    if (!c.needs_answer || c.proto == 17) continue;
    for (std::size_t cut = 1; cut < c.answered.size(); cut++) {
      Harness h = flow_of(c);
      h.send(c.first, c.said);
      h.send(flow::other(c.first), Bytes(c.answered).first(cut));
      if (h.is_attached()) h.send(flow::other(c.first), Bytes(c.answered).subspan(cut));
      EXPECT_EQ(service_of(h), c.service);
      h.close();
    }
  }
}

TEST(named, a_first_message_cut_short_is_nothing) {
  for (const Case& c : cases()) {
    for (std::size_t cut = 0; cut < std::min<std::size_t>(c.said.size(), 8); cut++) {
      const Bytes said = Bytes(c.said).first(cut);
      EXPECT(named::probe({c.first, said, 40000, 9000, c.proto == 6, true}) != flow::Probe::kYes);
    }
  }
}

TEST(named, what_looks_alike_is_left_alone) {
  struct {
    Dir dir;
    Data bytes;
  } const others[] = {
      {Dir::kOrig, text("USER anonymous\r\n")},                      // FTP, POP3
      {Dir::kOrig, text("GET / HTTP/1.1\r\n")},                      //
      {Dir::kOrig, hex("160301 0005 01 0000 00")},                   // TLS
      {Dir::kOrig, hex("0001 0000 0007 01 03 0000 0002 00")},        // no read of Modbus has seven bytes
      {Dir::kOrig, hex("0001 0001 0006 01 03 0000 0002")},           // protocol 1
      {Dir::kOrig, hex("0564 05c0 0100 0004 e922")},                 // checksum
      {Dir::kOrig, hex("100c 0004 4d515455 04 02 003c 0000")},       // MQTU
      {Dir::kResp, text("RFB 003.008x")},                            //
      {Dir::kOrig, text("<?xml version='1.0'?>") + sized({}, 1500)}  //
  };
  for (const auto& o : others) {
    const flow::Probe r = named::probe({o.dir, o.bytes, 40000, 9000, true, true});
    EXPECT(r == flow::Probe::kNo);
  }
}

TEST(named, tls_follows_where_it_was_agreed_on) {
  Harness mysql{named::kProtocol, 6, 40000, 3306};
  mysql.resp(kGreeting);
  Data request = sized(hex("20000001 00080000"), 36);
  const Data hello = hex("160301");
  request.insert(request.end(), hello.begin(), hello.end());
  mysql.orig(request);
  EXPECT_EQ(service_of(mysql), "mysql");
  // The bytes behind the request wait for the next probe.
  EXPECT_EQ(mysql.flow().end(Dir::kOrig).stream.unread_len, 3u);
  EXPECT(mysql.flow().detection == flow::Detection::kOpen);

  Harness xmpp{named::kProtocol, 6, 40000, 5222};
  xmpp.orig(text("<stream:stream to='a'>"));
  xmpp.resp(text("<stream:stream>"));
  EXPECT(xmpp.flow().detection == flow::Detection::kOpen);
}

TEST(named, what_is_looked_at_is_bounded) {
  for (const std::size_t size : {named::kHeadBytesMax - 1, named::kHeadBytesMax, named::kHeadBytesMax + 1}) {
    Harness h{named::kProtocol, 6, 40000, 5222};
    h.orig(text("<stream:stream to='a'>"));
    h.resp(sized(text("<?xml "), size));
    EXPECT_EQ(h.is_attached(), size < named::kHeadBytesMax);
    h.close();
  }
}
