// Hellos, fingerprints and names alone.
#include "protocols/tls/hello.h"

#include "base/test.h"
#include "protocols/tls/build.h"
#include "protocols/tls/fingerprint.h"
#include "protocols/tls/names.h"

using namespace catenary;
using namespace catenary::tls::build;

namespace {

std::string ja3_of(const Client& c) {
  const Octets body = client_hello_body(c);
  tls::ClientHello h;
  files::Hasher hasher;
  std::array<char, tls::kJa3Bytes> out;
  EXPECT(tls::read(Cursor(body), h));
  return std::string(tls::ja3(h, hasher, out));
}
std::string ja4_of(const Client& c, char transport = 't') {
  const Octets body = client_hello_body(c);
  tls::ClientHello h;
  files::Hasher hasher;
  std::array<char, tls::kJa4Bytes> out;
  EXPECT(tls::read(Cursor(body), h));
  return std::string(tls::ja4(h, transport, hasher, out));
}
bool is_read(const Octets& extensions) {
  const Octets body = client_hello_body({.extensions = extensions});
  tls::ClientHello h;
  return tls::read(Cursor(body), h);
}
bool is_answer_read(const Octets& extensions) {
  const Octets body = server_hello_body({.extensions = extensions});
  tls::ServerHello h;
  return tls::read(Cursor(body), h);
}

}  // namespace

// The two examples of salesforce/ja3's README.
TEST(tls_hello, ja3_as_published) {
  const Octets groups = extension(10, list(u16s({23, 24, 25})));
  EXPECT_EQ(ja3_of({.version = 769,
                    .ciphers = {47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4},
                    .extensions = join({extension(0, {}), groups, extension(11, short_list({0}))})}),
            "ada70206e40642a3e4461f35503241d5");
  EXPECT_EQ(ja3_of({.version = 769, .ciphers = {4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99}, .has_extensions = false}),
            "de350869b8c85de67a350c8d186f11e6");
}

// The example of FoxIO's JA4.md, with GREASE everywhere it may be.
TEST(tls_hello, ja4_as_published) {
  const Octets signatures = extension(13, list(u16s({0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601})));
  const Octets extensions =
      join({extension(0x1a1a, {}), extension(0x1b, {}), server_name("a.test"), extension(0x33, {}),
            alpn({"h2", "http/1.1"}), extension(0x4469, {}), extension(0x17, {}), extension(0x2d, {}), signatures,
            extension(5, {}), extension(0x23, {}), extension(0x12, {}),
            extension(0x2b, short_list(u16s({0x2a2a, 0x0304, 0x0303}))), extension(0xff01, {}),
            extension(0x0b, short_list({0})), extension(0x0a, list(u16s({0x3a3a, 29}))), extension(0x15, {})});
  EXPECT_EQ(ja4_of({.ciphers = {0x0a0a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013,
                                0xc014, 0x009c, 0x009d, 0x002f, 0x0035},
                    .extensions = extensions}),
            "t13d1516h2_8daaf6152771_e5627efa2ab1");
}

TEST(tls_hello, ja4_of_protocols_that_are_no_text) {
  const std::pair<std::vector<std::string_view>, std::string_view> rows[] = {
      {{"h2"}, "h2"},
      {{"http/1.1"}, "h1"},
      {{"a"}, "aa"},
      {{""}, "00"},
      {{}, "00"},
      {{"\xab"}, "ab"},
      {{"\xab\xcd"}, "ad"},
      {{"0\xab"}, "3b"},
      {{"01\xab\xcd"}, "3d"},
      {{"0\xab\xcd"
        "1"},
       "01"},
  };
  for (const auto& [names, expected] : rows) EXPECT_EQ(ja4_of({.extensions = alpn(names)}).substr(8, 2), expected);
}

TEST(tls_hello, ja4_of_versions_and_of_nothing) {
  EXPECT_EQ(ja4_of({.ciphers = {}, .has_extensions = false}), "t12i000000_000000000000_000000000000");
  EXPECT_EQ(ja4_of({.version = 0x0300}).substr(0, 3), "ts3");
  EXPECT_EQ(ja4_of({.version = 0x0301}).substr(0, 3), "t10");
  EXPECT_EQ(ja4_of({.version = 0x0302}).substr(0, 3), "t11");
  EXPECT_EQ(ja4_of({.version = 0x7f12}).substr(0, 3), "t00");
  EXPECT_EQ(ja4_of({.version = 0xfefd}, 'd').substr(0, 3), "dd2");
  EXPECT_EQ(ja4_of({.version = 0x0303}, 'q').substr(0, 3), "q12");
  EXPECT_EQ(
      ja4_of({.version = 0xfefd, .extensions = extension(43, short_list(u16s({0xfefd, 0xfefc})))}, 'd').substr(0, 3),
      "dd3");
}

// The reader's lists at their limits: one more, and there is no fingerprint.
TEST(tls_hello, limits_of_lists) {
  for (const std::size_t n : {tls::kCiphersMax - 1, tls::kCiphersMax, tls::kCiphersMax + 1}) {
    const Client c{.ciphers = std::vector<std::uint16_t>(n, 5)};
    EXPECT_EQ(ja3_of(c).empty(), n > tls::kCiphersMax);
    EXPECT_EQ(ja4_of(c).empty(), n > tls::kCiphersMax);
  }
  for (const std::size_t n : {tls::kExtensionsMax - 1, tls::kExtensionsMax, tls::kExtensionsMax + 1}) {
    Octets all;
    for (std::size_t i = 0; i < n; i++) all = join({all, extension(static_cast<std::uint16_t>(1000 + i), {})});
    EXPECT_EQ(ja4_of({.extensions = all}).empty(), n > tls::kExtensionsMax);
  }
  for (const std::size_t n : {tls::kGroupsMax - 1, tls::kGroupsMax, tls::kGroupsMax + 1}) {
    const Octets both = u16s(std::vector<std::uint16_t>(n, 23));
    EXPECT_EQ(ja3_of({.extensions = extension(10, list(both))}).empty(), n > tls::kGroupsMax);
  }
  for (const std::size_t n : {tls::kSignaturesMax - 1, tls::kSignaturesMax, tls::kSignaturesMax + 1}) {
    const Octets both = u16s(std::vector<std::uint16_t>(n, 0x0403));
    EXPECT_EQ(ja4_of({.extensions = extension(13, list(both))}).empty(), n > tls::kSignaturesMax);
  }
  for (const std::size_t n : {tls::kVersionsMax - 1, tls::kVersionsMax, tls::kVersionsMax + 1}) {
    const Octets all = u16s(std::vector<std::uint16_t>(n, 0x0304));
    EXPECT_EQ(ja4_of({.extensions = extension(43, short_list(all))}).empty(), n > tls::kVersionsMax);
  }
  for (const std::size_t n : {tls::kProtocolsMax - 1, tls::kProtocolsMax, tls::kProtocolsMax + 1}) {
    const Octets body = client_hello_body({.extensions = alpn(std::vector<std::string_view>(n, "h2"))});
    tls::ClientHello h;
    EXPECT(tls::read(Cursor(body), h));
    EXPECT_EQ(h.extensions.protocols.size, std::min(n, tls::kProtocolsMax));
    EXPECT_EQ(h.extensions.protocols.is_full, n > tls::kProtocolsMax);
  }
}

TEST(tls_hello, lengths_that_contradict_themselves_end_the_reading) {
  EXPECT(is_read({}));
  EXPECT(!is_read({0, 0, 0}));
  EXPECT(!is_read({0, 99, 0, 5, 1}));
  EXPECT(!is_read(extension(0, list(join({u8(0), u16(9), text("abc")})))));
  EXPECT(!is_read(extension(0, join({u16(9), u8(0)}))));
  EXPECT(!is_read(extension(16, list({5, 'h', '2'}))));
  EXPECT(!is_read(extension(13, list({4}))));
  EXPECT(!is_read(extension(10, join({u16(6), u16(23)}))));
  EXPECT(!is_read(extension(11, {3, 0})));
  EXPECT(!is_read(extension(43, {3, 3, 4})));
  EXPECT(!is_read(extension(41, {0, 9, 1})));
  EXPECT(is_read(extension(0, list(join({u8(1), u16(9)})))));  // a name of an unknown type has no known length
  EXPECT(is_read(extension(77, {1, 2, 3})));
  EXPECT(!is_answer_read(extension(43, {3})));
  EXPECT(!is_answer_read(extension(51, {0, 29, 0, 9, 1})));
  EXPECT(!is_answer_read(extension(41, {0})));
  EXPECT(is_answer_read(extension(51, {0, 29})));
}

TEST(tls_hello, what_came_before_the_break_is_kept) {
  const Octets body = client_hello_body({.extensions = join({server_name("a.test"), {0, 99, 0, 9}})});
  tls::ClientHello h;
  EXPECT(!tls::read(Cursor(body), h));
  EXPECT_EQ(h.server_name.value_or(""), "a.test");
}

TEST(tls_hello, oddities_are_noticed) {
  const auto of = [](const Octets& body) {
    tls::ClientHello h;
    EXPECT(tls::read(Cursor(body), h));
    return h;
  };
  const Octets twice = client_hello_body({.extensions = join({extension(23, {}), extension(23, {})})});
  EXPECT(of(twice).extensions.is_repeated);
  Octets longer = client_hello_body({.extensions = extension(23, {})});
  longer[longer.size() - 5] = 9;  // the length of them all
  EXPECT(of(longer).extensions.length_differs);
  const Octets names =
      client_hello_body({.extensions = extension(0, list(join({u8(0), list(text("a")), u8(0), list(text("b"))})))});
  EXPECT_EQ(of(names).server_names, 2u);
  EXPECT_EQ(of(names).server_name.value_or(""), "a");
  Octets odd = client_hello_body();
  odd[36] = 5;  // cipher suites have two bytes each
  tls::ClientHello h;
  EXPECT(!tls::read(Cursor(odd), h));
}

TEST(tls_hello, names_of_numbers) {
  tls::NameBuffer b;
  EXPECT_EQ(tls::version_name(0x0304, b), "TLSv13");
  EXPECT_EQ(tls::version_name(0x7f17, b), "TLSv13-draft23");
  EXPECT_EQ(tls::version_name(0xfeff, b), "DTLSv10");
  EXPECT_EQ(tls::version_name(0x0505, b), "unknown-1285");
  EXPECT_EQ(tls::cipher_name(0xc02f, b), "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
  EXPECT_EQ(tls::cipher_name(0x0034, b), "TLS_DH_ANON_WITH_AES_128_CBC_SHA");
  EXPECT_EQ(tls::cipher_name(0x1a1a, b), "grease_0x1A1A");
  EXPECT_EQ(tls::cipher_name(49407, b), "unknown-49407");
  EXPECT_EQ(tls::cipher_name(0xfffffe, b), "unknown-16777214");
  EXPECT_EQ(tls::cipher_name(0x0700c0, b), "SSLv20_CK_DES_192_EDE3_CBC_WITH_MD5");
  EXPECT_EQ(tls::group_name(29, b), "x25519");
  EXPECT_EQ(tls::group_name(4588, b), "X25519MLKEM768");
  EXPECT_EQ(tls::group_name(300, b), "unknown-300");
  EXPECT_EQ(tls::alert_name(48, b), "unknown_ca");
  EXPECT_EQ(tls::alert_name(200, b), "unknown-200");
}
