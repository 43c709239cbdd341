// DTLS, RFC 6347, and the first bytes of RFC 9147.
#include "base/test.h"
#include "protocols/harness.h"
#include "protocols/tls/build.h"
#include "protocols/tls/tls.h"

using namespace catenary;
using namespace catenary::tls::build;
using flow::Dir;
using flow::Harness;

namespace {

const tls::build::Client kClient = {.version = 0xfefd};
const tls::build::Server kServer = {.version = 0xfefd};

std::string event_of(Harness& h) {
  h.close();
  const std::vector<std::string> lines = h.lines(Kind::tls);
  return lines.size() == 1 ? lines[0] : "none";
}
bool contains(const std::string& line, std::string_view part) { return line.find(part) != std::string::npos; }

Harness udp_flow() { return {tls::kProtocol, 17, 40000, 4433}; }

}  // namespace

TEST(dtls, a_handshake_with_a_cookie) {
  Harness h = udp_flow();
  h.orig(datagram_message(1, 0, client_hello_body(kClient)));
  h.resp(datagram_message(3, 0, join({u16(0xfefd), short_list(Octets(20, 1))})));
  h.orig(datagram_message(1, 1, client_hello_body(kClient)));
  h.resp(join({datagram_message(2, 1, server_hello_body(kServer)), datagram_message(12, 2, key_exchange_body()),
               datagram_message(14, 3, {})}));
  h.orig(join({datagram_message(16, 2, short_list(Octets(32, 1))), datagram(20, {1}), datagram(22, Octets(40, 1), 1)}));
  h.resp(join({datagram(20, {1}), datagram(22, Octets(40, 1), 1)}));
  const std::string e = event_of(h);
  EXPECT(contains(e, R"("ssl_history":"CvCsknGIi")"));
  EXPECT(contains(e, R"("version":"DTLSv12")") && contains(e, R"("is_dtls":true)") &&
         contains(e, R"("established":true)"));
  EXPECT(contains(e, R"("ja4":"dd2)"));
  EXPECT(!h.is_attached());
  EXPECT_EQ(h.count(Kind::weird), 0u);
}

TEST(dtls, fragments_may_come_in_any_order_and_twice) {
  const Octets body = client_hello_body({.version = 0xfefd, .extensions = server_name("www.example.test")});
  const std::size_t third = body.size() / 3;
  const Octets pieces[] = {datagram(22, fragment(1, 0, body, 0, third)),
                           datagram(22, fragment(1, 0, body, third, third)),
                           datagram(22, fragment(1, 0, body, 2 * third, body.size() - 2 * third))};
  const int orders[][4] = {{0, 1, 2, 2}, {0, 2, 1, 0}, {0, 0, 2, 1}};
  for (const auto& order : orders) {
    Harness h = udp_flow();
    for (const int i : order) h.orig(pieces[i]);
    const std::string e = event_of(h);
    EXPECT(contains(e, R"("ssl_history":"C")") && contains(e, R"("server_name":"www.example.test")"));
  }
}

TEST(dtls, a_fragment_of_another_message_begins_anew) {
  const Octets body = client_hello_body(kClient);
  Harness h = udp_flow();
  h.orig(datagram(22, fragment(1, 0, body, 0, 30)));
  h.orig(datagram(22, fragment(1, 1, body, 0, 40)));
  h.orig(datagram(22, fragment(1, 0, body, 30, body.size() - 30)));
  EXPECT(contains(event_of(h), R"("ssl_history":"")"));
}

TEST(dtls, limits_of_fragments) {
  for (const std::size_t n : {tls::kFragmentedBytesMax - 1, tls::kFragmentedBytesMax, tls::kFragmentedBytesMax + 1}) {
    const Octets body(n, 1);
    Harness h = udp_flow();
    h.orig(datagram_message(1, 0, client_hello_body(kClient)));
    for (std::size_t at = 0; at < n; at += 1200)
      h.orig(datagram(22, fragment(13, 1, body, at, std::min<std::size_t>(1200, n - at))));
    EXPECT(contains(event_of(h), R"("ssl_history":"CR")"));
    EXPECT_EQ(h.count(Kind::weird), n > tls::kFragmentedBytesMax ? 1u : 0u);
  }
  // Every second byte keeps all ranges apart: with one range too many the rest is not taken.
  for (const std::size_t n : {tls::kFragmentsMax - 1, tls::kFragmentsMax, tls::kFragmentsMax + 1}) {
    tls::Fragments f;
    const Octets byte{1};
    const auto length = static_cast<std::uint32_t>(2 * n);
    bool is_whole = false;
    for (std::uint32_t i = 0; i < n; i++) is_whole |= f.add(0, length, 2 * i, byte);
    for (std::uint32_t i = 0; i < n; i++) is_whole |= f.add(0, length, 2 * i + 1, byte);
    EXPECT_EQ(is_whole, n <= tls::kFragmentsMax);
  }
}

TEST(dtls, a_fragment_outside_its_message_is_told) {
  Harness h = udp_flow();
  h.orig(datagram_message(1, 0, client_hello_body(kClient)));
  h.resp(datagram(22, join({u8(2), u24(10), u16(0), u24(8), long_list(Octets(3, 1))})));
  h.resp(datagram(22, join({u8(2), u24(10), u16(0), u24(0), u24(200), Octets(3, 1)})));
  EXPECT(contains(event_of(h), R"("ssl_history":"C")"));
  EXPECT_EQ(h.count(Kind::weird), 2u);
}

TEST(dtls, stun_and_other_datagrams_are_stepped_over) {
  Harness h = udp_flow();
  h.orig(datagram_message(1, 0, client_hello_body(kClient)));
  h.resp(join({{1, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}, Octets(12, 5)}));
  h.resp(Octets(30, 0x80));
  h.resp(Octets{22, 0xfe});
  h.resp(datagram_message(2, 0, server_hello_body(kServer)));
  EXPECT(contains(event_of(h), R"("ssl_history":"Cs")"));
}

TEST(dtls, dtls_1_3_is_established_when_both_encrypt) {
  Harness h = udp_flow();
  h.orig(datagram_message(
      1, 0,
      client_hello_body(
          {.version = 0xfefd, .ciphers = {0x1301}, .extensions = extension(43, short_list(u16(0xfefc)))})));
  h.resp(datagram_message(
      2, 0, server_hello_body({.version = 0xfefd, .cipher = 0x1301, .extensions = extension(43, u16(0xfefc))})));
  h.resp(join({{0x2e}, Octets(60, 7)}));
  EXPECT(h.is_attached());
  h.orig(join({{0x2e}, Octets(60, 7)}));
  const std::string e = event_of(h);
  EXPECT(contains(e, R"("version":"DTLSv13")") && contains(e, R"("established":true)") && contains(e, R"("ja4":"dd3)"));
}
