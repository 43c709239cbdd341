// RFC 5905 7.3, RFC 7822 7.5, RFC 9327 2, and the private mode; limits at their edges.
#include "protocols/ntp/ntp.h"

#include "base/test.h"
#include "protocols/harness.h"

using namespace catenary;
using flow::Harness;
using test::hex;
using Data = std::vector<std::uint8_t>;

namespace {

Data operator+(Data a, const Data& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Of a client that is in step; version 4, stratum 2, poll 64 s, precision 2^-20.
const Data kClient =
    hex("23 02 06 ec 00000bd9 00000630 55c7d663"
        "e09af49c 12dab000 e09af494 0c60b000 e09af494 13a70000 e09af4d6 07000000");
const Data kControl = hex("16 02 0001 0000 0000 0000 0000");
const Data kMonlist = hex("17 00 03 2a 0000 0000");

Data with(Data m, std::size_t at, std::uint8_t v) {
  m[at] = v;
  return m;
}
Data extension(std::size_t size) {
  Data out(size);
  out[2] = static_cast<std::uint8_t>(size >> 8);
  out[3] = static_cast<std::uint8_t>(size);
  return out;
}
Harness flow_of() { return {ntp::kProtocol, 17, 40000, 123}; }
std::string told_of(const Data& m, std::uint64_t events = 1) {
  Harness h = flow_of();
  h.orig(m);
  const std::string out = h.close();
  EXPECT_EQ(h.count(Kind::ntp), events);
  return out;
}
// In a flow that is known to be NTP already.
std::string told_after(const Data& m, std::uint64_t events) {
  Harness h = flow_of();
  h.orig(kClient);
  h.resp(m);
  const std::string out = h.close();
  EXPECT_EQ(h.count(Kind::ntp), 1 + events);
  return out;
}

}  // namespace

TEST(ntp, a_message_is_an_event) {
  Harness h = flow_of();
  h.orig(kClient);
  const std::string out = h.close();
  EXPECT_HAS(out, R"("version":4,"mode":3,"stratum":2,"poll":64,"precision":9.5367431640625e-07,)"
                  R"("root_delay":0.0462799072265625,"root_disp":0.024169921875,"ref_id":"85.199.214.99")");
  EXPECT_HAS(out, R"("ref_time":1559262748073649,"org_time":1559262740048350,"rec_time":1559262740076767)");
  EXPECT_HAS(out, R"("xmt_time":1559262806027344,"num_exts":0,"leap":0,"bytes":48)");
  EXPECT_EQ(h.count(Kind::weird), 0u);
  EXPECT_EQ(std::string_view(h.flow().services[0]), "ntp");
}

TEST(ntp, a_time_of_zero_is_none_and_one_before_1970_is_negative) {
  Data m = kClient;
  for (std::size_t i = 16; i < 48; i++) m[i] = 0;
  EXPECT_LACKS(told_of(m), "_time");
  EXPECT_HAS(told_of(with(m, 43, 37)), R"("xmt_time":-2208988763000000)");
  for (std::size_t i = 40; i < 48; i++) m[i] = 0xff;
  EXPECT_HAS(told_of(m), R"("xmt_time":2085978496000000)");
}

// RFC 5905 7.3: a kiss code at stratum 0, a clock at 1, an address above.
TEST(ntp, reference_ids) {
  Data m = kClient;
  m[12] = 'R', m[13] = 'A', m[14] = 'T', m[15] = 'E';
  EXPECT_HAS(told_of(with(m, 1, 0)), R"("ref_id":"RATE")");
  EXPECT_HAS(told_of(with(m, 1, 1)), R"("ref_id":"RATE")");
  EXPECT_HAS(told_of(with(m, 1, 2)), R"("ref_id":"82.65.84.69")");
  EXPECT_HAS(told_of(with(with(m, 1, 1), 12, 0xff)), R"("ref_id":"\\xffATE")");
  Data longest = with(m, 1, 255);
  for (std::size_t i = 12; i < 16; i++) longest[i] = 255;
  EXPECT_HAS(told_of(longest), R"("ref_id":"255.255.255.255")");
}

TEST(ntp, exponents_have_a_sign) {
  EXPECT_HAS(told_of(with(kClient, 2, 0x80)), R"("poll":2.938735877055719e-39)");
  EXPECT_HAS(told_of(with(kClient, 3, 32)), R"("precision":4294967296)");
}

TEST(ntp, authenticators) {
  for (const std::size_t digest : std::initializer_list<std::size_t>{0, 16, 20, 28, 32, 48, 64, 68}) {
    EXPECT_HAS(told_of(kClient + hex("00000007") + Data(digest)), R"("num_exts":0,"leap":0,"key_id":7)");
  }
  const std::string out = told_of(kClient + extension(28) + hex("00000007") + Data(16));
  EXPECT_HAS(out, R"("num_exts":1,"leap":0,"key_id":7)");
}

// RFC 7822 7.5.
TEST(ntp, extension_fields) {
  EXPECT_HAS(told_of(kClient + extension(28)), R"("num_exts":1,"leap")");
  EXPECT_HAS(told_of(kClient + extension(16)), R"("num_exts":1,"leap")");
  EXPECT_HAS(told_of(kClient + extension(28) + extension(32) + extension(16)), R"("num_exts":3)");
  for (const Data& wrong : {extension(12), Data(7), extension(28) + Data(9), Data(40), with(extension(40), 3, 30),
                            with(extension(40), 3, 44)}) {
    const std::string out = told_of(kClient + wrong);
    EXPECT_HAS(out, "ntp_extension_malformed");
    EXPECT_LACKS(out, "key_id");
  }
}

// Each takes 16 bytes at least, so the datagram is the limit.
TEST(ntp, extensions_of_the_longest_datagram) {
  Data m = kClient;
  while (m.size() + 16 <= 65507) m = m + extension(16);
  EXPECT_HAS(told_of(m), R"("num_exts":4091)");
}

TEST(ntp, a_control_message) {
  const std::string asked = told_of(kControl);
  EXPECT_HAS(asked, R"("mode":6)");
  EXPECT_HAS(asked,
             R"("op_code":2,"is_response":false,"is_more":false,"err":0,"sequence":1,"status":0,"association_id":0)");
  EXPECT_LACKS(asked, "stratum");
  EXPECT_HAS(told_of(hex("16 e2 0001 0614 0007 0000 0002 6161")),
             R"("op_code":2,"is_response":true,"is_more":true,"err":1,"sequence":1,"status":1556,"association_id":7)");
  EXPECT_HAS(told_of(hex("16 82 0001 0614 0000 0000 0003 6161")), "ntp_message_truncated");
}

TEST(ntp, a_private_message) {
  EXPECT_HAS(told_of(kMonlist),
             R"("req_code":42,"implementation":3,"is_response":false,"is_more":false,"err":0,"sequence":0)");
  EXPECT_HAS(told_of(hex("d7 05 03 2a 4001 0002 0000")), R"("is_response":true,"is_more":true,"err":4,"sequence":5)");
  EXPECT_LACKS(told_of(hex("97 00 03 2a 0001 0002 0000")), "weird");
  EXPECT_HAS(told_of(hex("97 00 03 2a 0001 0003 0000")), "ntp_message_truncated");
}

TEST(ntp, a_message_cut_anywhere) {
  for (const Data& whole : {kClient, kControl, kMonlist}) {
    for (std::size_t cut = 1; cut < whole.size(); cut++) {
      const Data part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(cut));
      EXPECT_HAS(told_after(part, 0), "ntp_message_truncated");
      EXPECT_LACKS(told_of(part, 0), "weird");
    }
    EXPECT_LACKS(told_after(whole, 1), "weird");
  }
}

TEST(ntp, versions_and_modes_at_their_limit) {
  for (unsigned version = 0; version < 8; version++) {
    for (unsigned mode = 0; mode < 8; mode++) {
      const bool is_good = version >= 1 && version <= 4 && mode != 0;
      const std::string out = told_after(with(kClient, 0, static_cast<std::uint8_t>(version << 3 | mode)), is_good);
      EXPECT_EQ(out.find("ntp_header_wrong") == std::string::npos, is_good);
    }
  }
}

TEST(ntp, only_on_its_port) {
  for (const std::uint16_t port : std::initializer_list<std::uint16_t>{122, 123, 124}) {
    Harness h(ntp::kProtocol, 17, 40000, port);
    h.orig(kClient);
    EXPECT_EQ(h.is_attached(), port == 123);
    Harness from(ntp::kProtocol, 17, port, 40000);
    from.orig(kClient);
    EXPECT_EQ(from.is_attached(), port == 123);
  }
}

TEST(ntp, who_speaks_first_from_its_port_answers) {
  for (const std::uint16_t port : std::initializer_list<std::uint16_t>{123, 40000}) {
    Harness h(ntp::kProtocol, 17, 123, port);
    h.orig(kClient);
    h.orig(kClient);
    EXPECT_EQ(h.flow().orig_p, port);
    EXPECT_EQ(h.flow().history_text(), port == 123 ? "" : "^");
  }
}

TEST(ntp, other_protocols_are_not_claimed) {
  for (const Data& first : {Data(48), Data(200, 0xff), test::bytes("GET / HTTP/1.1\r\n\r\n"), Data{0x23}}) {
    Harness h = flow_of();
    h.orig(first);
    EXPECT(!h.is_attached());
  }
}
