// SOCKS by RFC 1928, RFC 1929 and the memos on version 4.
#include "protocols/socks/socks.h"

#include "base/test.h"
#include "protocols/harness.h"

using namespace catenary;
using flow::Dir;
using flow::Harness;
using flow::Probe;
using test::hex;

namespace {

Harness flow_of() { return {socks::kProtocol, 6, 40000, 1080}; }

struct Turn {
  Dir dir;
  std::vector<std::uint8_t> bytes;
};
constexpr Dir kClient = Dir::kOrig, kProxy = Dir::kResp;

// 203.0.113.7:443 asked for, 198.51.100.2:40000 used.
const std::vector<Turn> kConnect = {{kClient, hex("05 01 00")},
                                    {kProxy, hex("05 00")},
                                    {kClient, hex("05 01 00 01 cb007107 01bb")},
                                    {kProxy, hex("05 00 00 01 c6336402 9c40")}};
// alice, secret; www.example:80.
const std::vector<Turn> kLogin = {{kClient, hex("05 02 00 02")},
                                  {kProxy, hex("05 02")},
                                  {kClient, hex("01 05 616c696365 06 736563726574")},
                                  {kProxy, hex("01 00")},
                                  {kClient, hex("05 01 00 03 0b 7777772e6578616d706c65 0050")},
                                  {kProxy, hex("05 05 00 01 00000000 0000")}};

std::string play(const std::vector<Turn>& turns) {
  Harness h = flow_of();
  for (const Turn& t : turns) h.send(t.dir, t.bytes);
  return h.close();
}

Probe ask(std::string_view digits) { return socks::probe({kClient, hex(digits), 40000, 4444, true, true}); }

}  // namespace

TEST(socks, a_first_message_is_known_by_its_exact_length) {
  EXPECT(ask("05 01 00") == Probe::kYes);
  EXPECT(ask("05 02 00") == Probe::kMore);
  EXPECT(ask("05") == Probe::kMore);
  EXPECT(ask("05 01 00 00") == Probe::kNo);
  EXPECT(ask("05 00") == Probe::kNo);
  EXPECT(ask("05 01 40") == Probe::kNo);
  EXPECT(ask("05 0a 00 01 02 03 04 05 06 07 08 09") == Probe::kYes);
  EXPECT(ask("05 0b 00 01 02 03 04 05 06 07 08 09 80") == Probe::kNo);
  EXPECT(ask("04 01 01bb cb007107 00") == Probe::kYes);
  EXPECT(ask("04 01 01bb cb007107 6100") == Probe::kYes);
  EXPECT(ask("04 01 01bb cb007107 61") == Probe::kMore);
  EXPECT(ask("04 01 01bb cb007107 6100 61") == Probe::kNo);
  EXPECT(ask("04 01 01bb 00000001 00 7777 00") == Probe::kYes);
  EXPECT(ask("04 01 01bb 00000000 00 00") == Probe::kNo);
  EXPECT(ask("04 03 01bb cb007107 00") == Probe::kNo);
  EXPECT(ask("16 03 01") == Probe::kNo);
}

TEST(socks, a_request_and_its_reply_are_one_event_and_the_rest_is_handed_over) {
  Harness h = flow_of();
  for (const Turn& t : kConnect) h.send(t.dir, t.bytes);
  EXPECT(!h.is_attached());
  const std::string out = h.close();
  EXPECT_EQ(h.count(Kind::socks), 1u);
  EXPECT_EQ(h.count(Kind::weird), 0u);
  EXPECT_HAS(out, R"("version":5,"status":"succeeded","request_host":"203.0.113.7","request_p":443)");
  EXPECT_HAS(out, R"("bound_host":"198.51.100.2","bound_p":40000,"command":"connect","method":0,"reverse":false)");
  EXPECT_EQ(std::string(h.flow().services[0]), "socks");
}

TEST(socks, a_login_is_told_without_its_password) {
  const std::string out = play(kLogin);
  EXPECT_HAS(out, R"("user":"alice","status":"Connection refused","request_name":"www.example","request_p":80)");
  EXPECT_LACKS(out, "secret");
  std::vector<Turn> refused(kLogin.begin(), kLogin.begin() + 3);
  refused.push_back({kProxy, hex("01 01")});
  EXPECT_HAS(play(refused), R"("user":"alice","status":"general SOCKS server failure")");
  EXPECT_HAS(play({{kClient, hex("05 01 02")}, {kProxy, hex("05 ff")}}), R"("status":"no acceptable methods")");
}

TEST(socks, version_4_with_and_without_a_name) {
  EXPECT_HAS(play({{kClient, hex("04 01 01bb cb007107 626f6200")}, {kProxy, hex("00 5a 01bb cb007107")}}),
             R"("version":4,"user":"bob","status":"succeeded","request_host":"203.0.113.7","request_p":443)");
  EXPECT_HAS(play({{kClient, hex("04 01 0050 00000001 00 7777772e61 00")}, {kProxy, hex("00 5b 0000 00000000")}}),
             R"("status":"general SOCKS server failure","request_host":"0.0.0.1","request_name":"www.a")");
  // A server of something else: not confirmed, no event.
  EXPECT_EQ(play({{kClient, hex("04 01 01bb cb007107 00")}, {kProxy, hex("16 03 03 0000 0000 00")}}), "");
}

TEST(socks, the_client_may_be_the_responder) {
  Harness h = flow_of();
  for (const Turn& t : kConnect) h.send(flow::other(t.dir), t.bytes);
  EXPECT_HAS(h.close(), R"("reverse":true)");
}

TEST(socks, what_the_client_sends_ahead_waits_for_the_reply) {
  Harness h = flow_of();
  for (std::size_t i = 0; i < 3; i++) h.send(kConnect[i].dir, kConnect[i].bytes);
  h.orig("GET / HTTP/1.1\r\n");
  EXPECT(h.is_attached());
  h.send(kConnect[3].dir, kConnect[3].bytes);
  EXPECT(!h.is_attached());
  EXPECT_HAS(h.close(), R"("status":"succeeded")");
}

// The same event wherever the segments end, and one however short the talk is cut.
TEST(socks, segments_and_ends_anywhere) {
  for (const std::vector<Turn>& turns : {kConnect, kLogin}) {
    const std::string expected = play(turns);
    Harness bytewise = flow_of();
    for (const Turn& t : turns) {
      for (const std::uint8_t byte : t.bytes) bytewise.send(t.dir, {&byte, 1});
    }
    EXPECT_EQ(bytewise.close(), expected);
    for (std::size_t last = 0; last < turns.size(); last++) {
      for (std::size_t cut = 0; cut < turns[last].bytes.size(); cut++) {
        Harness h = flow_of();
        for (std::size_t i = 0; i < last; i++) h.send(turns[i].dir, turns[i].bytes);
        h.send(turns[last].dir, Bytes(turns[last].bytes).first(cut));
        h.close();
        EXPECT_EQ(h.count(Kind::socks), last >= 2 ? 1u : 0u);
      }
    }
  }
}

TEST(socks, a_message_out_of_the_protocol_ends_it) {
  const std::string out = play({{kClient, hex("05 01 00")}, {kProxy, hex("05 00")}, {kClient, hex("05 01 00 07 00")}});
  EXPECT_HAS(out, "socks_message_malformed");
  Harness h = flow_of();
  h.send(kClient, hex("05 01 00"));
  h.send(kProxy, hex("16 03 03 00"));
  EXPECT(!h.is_attached());
  EXPECT_EQ(h.close(), "");
}

TEST(socks, a_text_of_version_4_at_its_limit) {
  for (const std::size_t n : {254u, 255u, 256u}) {
    std::vector<std::uint8_t> ask = hex("04 01 01bb cb007107");
    ask.insert(ask.end(), n, 'a');
    ask.push_back(0);
    Harness h = flow_of();
    h.orig(ask);
    EXPECT(h.is_attached() == (n <= 255));
    h.resp(hex("00 5a 01bb cb007107"));
    h.close();
    EXPECT_EQ(h.count(Kind::socks), n <= 255 ? 1u : 0u);
  }
}
