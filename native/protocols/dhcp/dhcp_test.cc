// Messages of RFC 2131 and options of RFC 2132, what a transaction becomes and when; limits at their edges.
#include "protocols/dhcp/dhcp.h"

#include <algorithm>

#include "base/test.h"
#include "protocols/harness.h"

using namespace catenary;
using flow::Dir;
using flow::Harness;
using test::hex;
using Data = std::vector<std::uint8_t>;

namespace {

enum : std::uint8_t { kDiscover = 1, kOffer = 2, kAsk = 3, kDecline = 4, kAck = 5, kNak = 6, kInform = 8 };

Data operator+(Data a, const Data& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
Data option(std::uint8_t code, const Data& value) {
  return Data{code, static_cast<std::uint8_t>(value.size())} + value;
}
Data option(std::uint8_t code, std::string_view value) { return option(code, test::bytes(value)); }

const Data kEnd = {255};
const Data kAddress = {192, 0, 2, 7}, kNone = {0, 0, 0, 0};
const Data kHardware = hex("00 11 22 aa bb cc");

struct Fields {
  std::uint8_t op = dhcp::kRequest;
  std::uint32_t xid = 0x12345678;
  Data yiaddr = kNone, giaddr = kNone;
  Data sname = Data(64), file = Data(128);
};
Data packet(const Fields& f, const Data& options) {
  Data out = {f.op, 1, 6, 0};
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(f.xid >> shift));
  out = out + Data(4) + kNone + f.yiaddr + kNone + f.giaddr + kHardware + Data(10) + f.sname + f.file;
  return out + hex("63 82 53 63") + options;
}
Data message(std::uint8_t type, const Data& options = {}, std::uint32_t xid = 0x12345678) {
  return packet({.xid = xid}, option(53, Data{type}) + options + kEnd);
}
Data reply(std::uint8_t type, const Data& options = {}) {
  return packet({.op = dhcp::kReply, .yiaddr = kAddress}, option(53, Data{type}) + options + kEnd);
}

// A client without an address, broadcasting.
struct Client : Harness {
  Client() : Harness(dhcp::kProtocol, 17, 68, 67) { flow().orig_h = Ip::v4(kNone); }
};
// What follows is in another flow of the same worker.
void as_other_flow(Harness& h, std::uint64_t uid) { h.flow().uid = {uid}; }

bool has(const std::string& all, std::string_view part) { return all.find(part) != std::string::npos; }

std::string told_of(const Data& one) {
  Client h;
  h.orig(one);
  return h.close();
}

}  // namespace

TEST(dhcp, a_transaction_of_two_flows_is_one_event) {
  Client h;
  h.orig(message(kDiscover, option(12, "LAPTOP-7") + option(55, Data{1, 3, 6, 15}) + option(60, "MSFT 5.0") +
                                option(61, Data{1} + kHardware) +
                                option(81, hex("000000") + test::bytes("laptop-7.test"))));
  as_other_flow(h, 2);
  h.flow().orig_h = Ip::v4(kAddress);
  h.wait(kSecond / 4);
  h.resp(reply(kOffer, option(51, hex("00015180")) + option(54, Data{198, 51, 100, 2})));
  as_other_flow(h, 1);
  h.flow().orig_h = Ip::v4(kNone);
  h.orig(message(kAsk, option(50, kAddress)));
  as_other_flow(h, 2);
  h.flow().orig_h = Ip::v4(kAddress);
  h.wait(kSecond / 4);
  h.resp(reply(kAck, option(15, test::bytes("corp.test") + Data(2)) + option(3, hex("c00002fe c00002fd")) +
                         option(6, hex("c0000235")) + option(60, "dhcpd")));
  const std::string out = h.close();
  EXPECT_EQ(h.count(Kind::dhcp), 1u);
  for (const char* part :
       {R"("client_addr":"192.0.2.7")", R"("server_addr":"198.51.100.2")", R"("mac":"00:11:22:aa:bb:cc")",
        R"("host_name":"LAPTOP-7")", R"("client_fqdn":"laptop-7.test")", R"("domain":"corp.test")",
        R"("requested_addr":"192.0.2.7")", R"("assigned_addr":"192.0.2.7")", R"("lease_time":86400)",
        R"("msg_types":["DISCOVER","OFFER","REQUEST","ACK"])", R"("duration":0.5)", R"("client_software":"MSFT 5.0")",
        R"("server_software":"dhcpd")", R"("trans_id":305419896)", R"("client_id":"01001122aabbcc")",
        R"("param_list":[1,3,6,15])", R"("routers":["192.0.2.254","192.0.2.253"])", R"("dns_servers":["192.0.2.53"])",
        R"("uids":["C00000000001","C00000000002"])"}) {
    if (!has(out, part)) test::fail(__FILE__, __LINE__, out);
    EXPECT(has(out, part));
  }
  EXPECT_EQ(h.count(Kind::weird), 0u);
}

TEST(dhcp, a_server_that_broadcasts_is_no_client) {
  Harness h(dhcp::kProtocol, 17, 67, 68);
  h.orig(reply(kOffer));
  EXPECT(has(h.close(), R"("server_addr":"192.0.2.1","mac":"00:11:22:aa:bb:cc","assigned_addr":"192.0.2.7")"));
}

TEST(dhcp, words_of_both_sides) {
  Client h;
  h.orig(message(kDecline, option(56, "in use")));
  h.resp(packet({.op = dhcp::kReply}, option(53, Data{kNak}) + option(56, "wrong network") + kEnd));
  const std::string out = h.close();
  EXPECT(has(out, R"("client_message":"in use","server_message":"wrong network")") && !has(out, "server_addr"));
}

// RFC 2132 9.14: only an identifier of type 1 is an Ethernet address; without one the header's counts.
TEST(dhcp, whose_hardware_address_it_is) {
  EXPECT(has(told_of(message(kDiscover)), R"("mac":"00:11:22:aa:bb:cc")"));
  EXPECT(has(told_of(message(kDiscover, option(61, hex("01 0a0b0c0d0e0f")))), R"("mac":"0a:0b:0c:0d:0e:0f")"));
  EXPECT(has(told_of(message(kDiscover, option(61, hex("00 0a0b0c0d0e0f")))), R"("mac":"00:11:22:aa:bb:cc")"));
  EXPECT(!has(told_of(message(kDiscover, option(61, hex("01 0a0b")))), "mac"));
}

TEST(dhcp, a_client_that_has_an_address_is_known_by_it) {
  Harness h(dhcp::kProtocol, 17, 68, 67);
  h.orig(message(kInform));
  EXPECT(has(h.close(), R"("client_addr":"192.0.2.1")"));
}

TEST(dhcp, what_a_relay_adds) {
  const Data relay = option(1, "eth0/7") + option(2, "sw1") + option(6, "room 7") + option(9, "x");
  const std::string out =
      told_of(packet({.giaddr = {192, 0, 2, 254}}, option(53, Data{kDiscover}) + option(82, relay) + kEnd));
  EXPECT(
      has(out, R"("relay_addr":"192.0.2.254","circuit_id":"eth0/7","agent_remote_id":"sw1","subscriber_id":"room 7")"));
  EXPECT(has(told_of(message(kDiscover, option(82, hex("01 09 61")))), "dhcp_option_length_wrong"));
}

// RFC 2132 9.3.
TEST(dhcp, options_in_the_fields_of_the_boot_file) {
  Data file = option(12, "in-file") + kEnd, sname = option(15, "in-sname.test");
  file.resize(128);
  sname.resize(64);
  const auto overloaded = [&](std::uint8_t how) {
    return packet({.op = dhcp::kReply, .sname = sname, .file = file},
                  option(52, Data{how}) + option(53, Data{kOffer}) + kEnd);
  };
  Client h;
  h.resp(overloaded(3));
  EXPECT(has(h.close(), R"("domain":"in-sname.test")"));
  dhcp::Message m;
  EXPECT(dhcp::read_message(overloaded(1), m) && m.host_name == "in-file" && !m.domain);
}

TEST(dhcp, options_of_a_wrong_size_are_left_out) {
  for (const Data& wrong :
       {option(50, hex("c00002")), option(51, hex("0001")), option(53, hex("0101")), option(52, Data{}),
        option(3, hex("c0000201 00")), option(6, Data{}), option(81, hex("0000"))}) {
    const std::string out = told_of(message(kDiscover, wrong));
    EXPECT(has(out, "dhcp_option_length_wrong") && has(out, R"("msg_types":["DISCOVER"])"));
  }
}

TEST(dhcp, options_cut_anywhere) {
  const Data whole = message(kDiscover, option(12, "LAPTOP-7") + option(50, kAddress));
  for (std::size_t cut = 0; cut < whole.size(); cut++) {
    Client h;
    h.orig(Bytes(whole).first(cut));
    const std::string out = h.close();
    EXPECT_EQ(h.count(Kind::dhcp), cut < dhcp::kFixedBytes + 4 ? 0u : 1u);
    EXPECT_EQ(has(out, "dhcp_option_truncated"), cut >= dhcp::kFixedBytes + 4);
    EXPECT_EQ(has(out, "LAPTOP-7"), cut >= dhcp::kFixedBytes + 4 + 3 + 10);
  }
}

TEST(dhcp, padding_between_options_is_passed) {
  const std::string out =
      told_of(packet({}, Data(3) + option(53, Data{kAsk}) + Data(2) + option(12, "a") + kEnd + Data(9)));
  EXPECT(has(out, R"("host_name":"a")") && !has(out, "weird"));
}

TEST(dhcp, types_of_message) {
  EXPECT(has(told_of(message(18)), R"("msg_types":["TLS"])"));
  const std::string unknown = told_of(message(19));
  EXPECT(has(unknown, R"("msg_types":["unknown-message-type-19"])") && has(unknown, "dhcp_message_type_unknown"));
  const std::string missing = told_of(packet({}, kEnd));
  EXPECT(has(missing, R"("msg_types":["unknown-message-type-0"])") && has(missing, "dhcp_message_type_missing"));
}

TEST(dhcp, bootp_is_a_weird_and_no_event) {
  Data bootp = packet({}, kEnd);
  bootp[dhcp::kFixedBytes] = 0;
  Client h;
  h.orig(bootp);
  EXPECT(has(h.close(), "dhcp_magic_missing"));
  EXPECT_EQ(h.count(Kind::dhcp), 0u);
}

TEST(dhcp, a_hardware_address_that_is_too_long) {
  for (const std::uint8_t size : std::initializer_list<std::uint8_t>{15, 16, 17}) {
    Data m = message(kDiscover);
    m[2] = size;
    EXPECT_EQ(has(told_of(m), "dhcp_hardware_length_wrong"), size > dhcp::kHardwareBytesMax);
  }
}

// ---- when a transaction is told ----

TEST(dhcp, a_transaction_is_told_when_it_has_been_quiet) {
  Client h;
  h.orig(message(kDiscover));
  h.wait(dhcp::kSweepInterval);  // looked through, but its age is exactly the limit
  EXPECT_EQ(h.count(Kind::dhcp), 0u);
  h.wait(dhcp::kSweepInterval - 1);
  EXPECT_EQ(h.count(Kind::dhcp), 0u);
  h.wait(1);
  EXPECT_EQ(h.count(Kind::dhcp), 1u);
}

// A message every 4 s: looked through after 12 s and 24 s, and after 36 s it has been watched for more than 30.
TEST(dhcp, a_transaction_that_goes_on_is_looked_at_again) {
  Client h;
  for (int second = 0; second <= 36; second += 4) {
    h.orig(message(kDiscover));
    EXPECT_EQ(h.count(Kind::dhcp), second < 36 ? 0u : 1u);
    h.wait(4 * kSecond);
  }
  h.close();
  const auto lines = h.lines(Kind::dhcp);
  EXPECT_EQ(lines.size(), 2u);
  EXPECT(has(lines[0], R"("duration":32)") && has(lines[1], R"("duration":0)"));
}

TEST(dhcp, transactions_are_told_apart_by_xid) {
  Client h;
  h.orig(message(kDiscover, {}, 1));
  h.orig(message(kDiscover, {}, 2));
  h.orig(message(kAsk, {}, 1));
  h.close();
  const auto lines = h.lines(Kind::dhcp);
  EXPECT_EQ(lines.size(), 2u);
  EXPECT(has(lines[0], R"(["DISCOVER","REQUEST"])") && has(lines[1], R"(["DISCOVER"])"));
}

TEST(dhcp, what_one_transaction_said_is_not_in_the_next) {
  Client h;
  h.orig(message(kDiscover, option(12, "one") + option(61, hex("01 0a0b0c0d0e0f")) + option(55, Data{1}), 1));
  h.wait(dhcp::kSweepInterval + 1);
  h.wait(dhcp::kSweepInterval + 1);
  EXPECT_EQ(h.count(Kind::dhcp), 1u);
  h.orig(message(kDiscover, {}, 2));
  h.close();
  const std::string second = h.lines(Kind::dhcp)[1];
  EXPECT(!has(second, "host_name") && !has(second, "client_id") && has(second, R"("param_list":[])"));
  EXPECT(has(second, R"("mac":"00:11:22:aa:bb:cc")"));
}

// ---- limits ----

TEST(dhcp, flows_of_a_transaction_at_their_limit) {
  for (std::size_t n = dhcp::kUidsMax - 1; n <= dhcp::kUidsMax + 1; n++) {
    Client h;
    for (std::size_t i = 0; i < n; i++) {
      as_other_flow(h, i + 1);
      h.orig(message(kDiscover));
    }
    EXPECT_EQ(h.count(Kind::dhcp), n >= dhcp::kUidsMax ? 1u : 0u);
    h.close();
    EXPECT_EQ(h.count(Kind::dhcp), n == dhcp::kUidsMax + 1 ? 2u : 1u);
  }
}

TEST(dhcp, messages_of_a_transaction_at_their_limit) {
  for (std::size_t n = dhcp::kTypesMax - 1; n <= dhcp::kTypesMax + 1; n++) {
    Client h;
    for (std::size_t i = 0; i < n; i++) h.orig(message(kDiscover));
    EXPECT_EQ(h.count(Kind::dhcp), n >= dhcp::kTypesMax ? 1u : 0u);
  }
}

TEST(dhcp, transactions_at_their_limit) {
  for (std::size_t n = dhcp::kTransactionsMax - 1; n <= dhcp::kTransactionsMax + 1; n++) {
    Client h;
    for (std::uint32_t i = 0; i < n; i++) h.orig(message(kDiscover, {}, i));
    EXPECT_EQ(h.count(Kind::dhcp), n > dhcp::kTransactionsMax ? 1u : 0u);
    const std::string out = h.close();
    EXPECT_EQ(has(out, "dhcp_pending_evicted"), n > dhcp::kTransactionsMax);
    EXPECT_EQ(h.count(Kind::dhcp), n);
    EXPECT(has(h.lines(Kind::dhcp)[0], R"("trans_id":0)"));  // the oldest goes first
  }
}

TEST(dhcp, lists_at_their_limit) {
  for (std::size_t n = dhcp::kAddressesMax - 1; n <= dhcp::kAddressesMax + 1; n++) {
    Client h;
    h.resp(reply(kAck, option(3, Data(4 * n, 9)) + option(6, Data(4 * n, 9))));
    EXPECT_EQ(has(h.close(), R"("cut":true)"), n > dhcp::kAddressesMax);
  }
  for (std::size_t n = dhcp::kParamsMax - 1; n <= dhcp::kParamsMax + 1; n++) {
    EXPECT_EQ(has(told_of(message(kDiscover, option(55, Data(n, 1)))), R"("cut":true)"), n > dhcp::kParamsMax);
  }
}

// ---- detection ----

TEST(dhcp, the_cookie_is_enough_on_any_port) {
  for (const std::uint16_t port : std::initializer_list<std::uint16_t>{67, 4011, 9999}) {
    Harness h(dhcp::kProtocol, 17, 40000, port);
    h.orig(message(kDiscover));
    EXPECT(h.is_attached());
    EXPECT_EQ(std::string_view(h.flow().services[0]), "dhcp");
  }
}

TEST(dhcp, other_protocols_are_not_claimed) {
  Data bootp = packet({}, kEnd), op = packet({}, kEnd);
  bootp[dhcp::kFixedBytes] = 0;
  op[0] = 3;
  for (const Data& first : {bootp, op, Data(300), Data(240, 1), Data{1}}) {
    Harness h(dhcp::kProtocol, 17, 40000, 9999);
    h.orig(first);
    EXPECT(!h.is_attached());
  }
}
