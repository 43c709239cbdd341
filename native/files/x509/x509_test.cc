// One row for each rule of RFC 5280 and RFC 4514 that shows in an event. What the texts should be was asked of
// OpenSSL (x509 -nameopt rfc2253) for the same bytes.
#include "files/x509/x509.h"

#include "base/ber.h"
#include "base/test.h"
#include "files/x509/build.h"
#include "flow/dispatch.h"

using namespace catenary;
using namespace catenary::x509;
using build::Der;

namespace {

std::string subject_of(const Der& name) {
  const Der der = build::certificate({.subject = name});
  Certificate c;
  if (!parse(der, c)) return "malformed";
  NameText out;
  name_text(c.subject, out);
  return std::string(out.view());
}
std::string cn(const Der& value) { return subject_of(build::name({{"2.5.4.3", value}})); }

Certificate parsed(const Der& der) {
  Certificate c;
  EXPECT(parse(der, c));
  return c;
}
bool is_certificate(const Der& der) {
  Certificate c;
  return parse(der, c);
}

std::int64_t time_of(std::uint8_t tag, std::string_view text, bool& is_odd) {
  // The certificate has views into its DER: both live here.
  const Der der = build::certificate({.not_before = build::tlv(tag, build::text(text))});
  Certificate c;
  if (!parse(der, c)) return -1;
  is_odd = c.oddities.time;
  return c.not_before;
}

std::string serial_of(const Der& integer) {
  SerialText out;
  serial_text(integer, out);
  return std::string(out.view());
}
std::string decimal_of(const Der& integer) {
  DecimalText out;
  decimal_text(integer, out);
  return std::string(out.view());
}
std::string dotted_of(std::string_view oid) {
  OidText out;
  const Der der = build::oid(oid);
  dotted(Bytes(der).subspan(2), out);
  return std::string(out.view());
}

}  // namespace

TEST(x509, names_are_written_last_attribute_first) {
  EXPECT_EQ(subject_of(build::name(
                {{"2.5.4.6", build::printable("XX")}, {"2.5.4.10", build::utf8("O")}, {"2.5.4.3", build::utf8("a")}})),
            "CN=a,O=O,C=XX");
  EXPECT_EQ(subject_of(build::tlv(0x30, {})), "");
}

TEST(x509, attributes_of_one_rdn_are_joined_by_plus) {
  const Der several = build::rdn({{"2.5.4.3", build::utf8("a")}, {"2.5.4.10", build::utf8("b")}});
  EXPECT_EQ(subject_of(build::tlv(0x30, build::join({several, build::rdn({{"2.5.4.6", build::utf8("c")}})}))),
            "C=c,O=b+CN=a");
}

TEST(x509, an_attribute_without_a_name_shows_its_numbers_and_its_der) {
  EXPECT_EQ(subject_of(build::name({{"1.2.3.4.5", build::utf8("un")}})), "1.2.3.4.5=#0C02756E");
  EXPECT_EQ(cn(build::tlv(0x04, {1, 2})), "CN=#04020102");
}

TEST(x509, characters_are_escaped_as_in_rfc_4514) {
  const std::pair<Der, std::string_view> rows[] = {
      {build::utf8("a,b+c\"d\\e<f>g;h=i"), R"(CN=a\,b\+c\"d\\e\<f\>g\;h=i)"},
      {build::utf8(" a b "), R"(CN=\ a b\ )"},
      {build::utf8("#a#"), R"(CN=\#a#)"},
      {build::utf8(" "), R"(CN=\ )"},
      {build::utf8("a\nb\x7f"), R"(CN=a\0Ab\7F)"},
      {build::utf8("M\xc3\xbcn"), R"(CN=M\C3\BCn)"},
      {build::tlv(0x14, {'M', 0xfc}), R"(CN=M\C3\BC)"},              // TeletexString, read as ISO 8859-1
      {build::tlv(0x1e, {0, 'M', 0x20, 0xac}), R"(CN=M\E2\82\AC)"},  // BMPString
      {build::tlv(0x1e, {0xd8, 0x3d, 0, 'x'}), "CN=x"},              // half a surrogate pair is nothing
      {build::tlv(0x1c, {0, 1, 0xf6, 0x00}), R"(CN=\F0\9F\98\80)"},  // UniversalString
      {build::utf8({"a\0b", 3}), R"(CN=a\00b)"},
  };
  for (const auto& [value, expected] : rows) EXPECT_EQ(cn(value), expected);
}

TEST(x509, strings_of_wide_characters_have_whole_characters) {
  EXPECT_EQ(cn(build::tlv(0x1e, {0, 'M', 0})), "malformed");
  EXPECT_EQ(cn(build::tlv(0x1c, {0, 0, 0})), "malformed");
}

TEST(x509, times_have_two_forms) {
  bool odd = false;
  EXPECT_EQ(time_of(0x17, "230102030405Z", odd), 1672628645);
  EXPECT_EQ(time_of(0x17, "491231235959Z", odd), 2524607999);  // RFC 5280 4.1.2.5.1: up to 49 is 20xx
  EXPECT_EQ(time_of(0x17, "500101000000Z", odd), -631152000);
  EXPECT_EQ(time_of(0x17, "2301020304Z", odd), 1672628640);  // without seconds, as of old
  EXPECT_EQ(time_of(0x18, "20500101000000Z", odd), 2524608000);
  EXPECT_EQ(time_of(0x18, "99991231235959Z", odd), 253402300799);
  EXPECT_EQ(time_of(0x18, "20230102030405.123Z", odd), 1672628645);
  EXPECT(!odd);
}

TEST(x509, a_time_that_is_none_is_told_and_zero) {
  for (const std::string_view text : {"230102030405", "231302030405Z", "230100030405Z", "230102240405Z", "23010203040Z",
                                      "230102030405+0100", "230102030405ZZ", "2a0102030405Z", ""}) {
    bool odd = false;
    EXPECT_EQ(time_of(0x17, text, odd), 0);
    EXPECT(odd);
  }
  bool odd = false;
  EXPECT_EQ(time_of(0x13, "230102030405Z", odd), -1);  // no time at all: no certificate
}

TEST(x509, serials_are_hexadecimal_and_signed) {
  EXPECT_EQ(serial_of({0x00}), "00");
  EXPECT_EQ(serial_of({0x01, 0xab}), "01AB");
  EXPECT_EQ(serial_of({0x00, 0x8f, 0x12}), "8F12");
  EXPECT_EQ(serial_of({0xff}), "-01");
  EXPECT_EQ(serial_of({0xff, 0x01}), "-FF");
  EXPECT_EQ(serial_of({0x80, 0x00}), "-8000");
  EXPECT_EQ(serial_of({0x8a, 0xfa, 0xa7, 0x60, 0, 4, 0xc1, 1}), "-7505589FFFFB3EFF");
}

TEST(x509, exponents_are_decimal) {
  EXPECT_EQ(decimal_of({0}), "0");
  EXPECT_EQ(decimal_of({3}), "3");
  EXPECT_EQ(decimal_of({1, 0, 1}), "65537");
  EXPECT_EQ(decimal_of({0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), "18446744073709551615");
  EXPECT_EQ(decimal_of({0x80}), "");
  EXPECT_EQ(decimal_of(Der(23, 0x7f)).size(), 56u);
  EXPECT_EQ(decimal_of(Der(24, 0x7f)).size(), 58u);
  EXPECT_EQ(decimal_of(Der(25, 0x7f)), "");
}

TEST(x509, identifiers_are_dotted) {
  EXPECT_EQ(dotted_of("1.2.840.113549"), "1.2.840.113549");
  EXPECT_EQ(dotted_of("2.999.3"), "2.999.3");
  EXPECT_EQ(dotted_of("0.9.2342.19200300.100.1.25"), "0.9.2342.19200300.100.1.25");
  OidText out;
  const Der endless(40, 0xff);
  dotted(endless, out);
  EXPECT_EQ(out.view(), "");
}

TEST(x509, keys_have_a_type_and_a_length) {
  const Der rsa = build::certificate({.key = build::rsa_key(256)});
  const Certificate r = parsed(rsa);
  EXPECT(r.key_type == KeyType::kRsa);
  EXPECT_EQ(r.key_bits, 2048u);
  EXPECT_EQ(algorithm_name(r.key_algorithm), "rsaEncryption");
  EXPECT_EQ(algorithm_name(r.signature_algorithm), "sha256WithRSAEncryption");

  const Der ec = build::certificate({.key = build::ec_key(build::oid("1.3.132.0.34"))});
  const Certificate e = parsed(ec);
  EXPECT(e.key_type == KeyType::kEc && e.curve != nullptr);
  EXPECT_EQ(e.curve->name, "secp384r1");
  EXPECT_EQ(e.key_bits, 384u);

  const Der dsa = build::certificate(
      {.key = build::sequence(
           {build::sequence({build::oid("1.2.840.10040.4.1"),
                             build::sequence({build::tlv(2, Der(128, 0x7f)), build::tlv(2, {5}), build::tlv(2, {2})})}),
            build::bit_string(build::tlv(2, {9}))})});
  const Certificate d = parsed(dsa);
  EXPECT(d.key_type == KeyType::kDsa);
  EXPECT_EQ(d.key_bits, 1023u);

  const Der ed = build::certificate(
      {.key = build::sequence({build::sequence({build::oid("1.3.101.112")}), build::bit_string(Der(32, 1))})});
  const Certificate o = parsed(ed);
  EXPECT(o.key_type == KeyType::kOther);
  EXPECT_EQ(algorithm_name(o.key_algorithm), "ED25519");
}

// RFC 5480 2.1.1 forbids it; CVE-2020-0601 was made of it.
TEST(x509, a_curve_in_numbers_is_told) {
  const Der numbers = build::sequence({build::tlv(2, {1}), build::sequence({build::oid("1.2.840.10045.1.1")}),
                                       build::sequence({build::tlv(4, {1})}), build::tlv(4, Der(65, 4)),
                                       build::tlv(2, Der(32, 0x7f)), build::tlv(2, {1})});
  const Der der = build::certificate({.key = build::ec_key(numbers)});
  const Certificate c = parsed(der);
  EXPECT(c.key_type == KeyType::kEc && c.curve == nullptr && c.oddities.explicit_curve);
  EXPECT_EQ(c.key_bits, 255u);
}

TEST(x509, alternative_names_and_constraints) {
  const Der names = build::join(
      {build::tlv(0x82, build::text("a.test")), build::tlv(0xa0, {5, 0}), build::tlv(0x87, {192, 0, 2, 9})});
  const Der der = build::certificate(
      {.extensions = build::join({build::alternative_names(names), build::basic_constraints({1, 1, 0xff, 2, 1, 3})})});
  const Certificate c = parsed(der);
  EXPECT(c.alternative_names.has_value() && c.is_ca.value_or(false));
  EXPECT_EQ(c.path_length.value_or(0), 3u);
  EXPECT(!c.oddities.extension);

  const Der none = build::certificate({.extensions = build::basic_constraints({})});
  EXPECT_EQ(parsed(none).is_ca.value_or(true), false);
  for (const Der& bad : {build::basic_constraints({1, 2, 0xff}), build::extension("2.5.29.17", {0x30, 5}),
                         build::alternative_names({0x82, 9, 'a'})}) {
    const Der broken = build::certificate({.extensions = bad});
    EXPECT(parsed(broken).oddities.extension);
  }
}

TEST(x509, limits_of_extensions_and_attributes) {
  for (const std::size_t n : {kExtensionsMax - 1, kExtensionsMax, kExtensionsMax + 1}) {
    Der extensions;
    for (std::size_t i = 1; i < n; i++) extensions = build::join({extensions, build::extension("1.2.3", {5, 0})});
    extensions = build::join({extensions, build::basic_constraints({1, 1, 0xff})});
    const Der der = build::certificate({.extensions = extensions});
    const Certificate c = parsed(der);
    EXPECT_EQ(c.oddities.too_many, n > kExtensionsMax);
    EXPECT_EQ(c.is_ca.has_value(), n <= kExtensionsMax);
  }
  for (const std::size_t n : {kAttributesMax - 1, kAttributesMax, kAttributesMax + 1}) {
    Der rdns;
    for (std::size_t i = 0; i < n; i++) rdns = build::join({rdns, build::rdn({{"2.5.4.3", build::utf8("a")}})});
    const Der der = build::certificate({.subject = build::tlv(0x30, rdns)});
    const Certificate c = parsed(der);
    NameText text;
    name_text(c.subject, text);
    EXPECT_EQ(c.oddities.too_many, n > kAttributesMax);
    EXPECT_EQ(text.view().size(), 5 * std::min(n, kAttributesMax) - 1);
  }
}

TEST(x509, limits_of_a_name_s_text) {
  for (const std::size_t n : {kNameTextBytes - 1, kNameTextBytes, kNameTextBytes + 1}) {
    const Der der = build::certificate({.subject = build::name({{"2.5.4.3", build::utf8(std::string(n - 3, 'a'))}})});
    const Certificate c = parsed(der);
    NameText text;
    name_text(c.subject, text);
    EXPECT_EQ(text.is_cut(), n > kNameTextBytes);
    EXPECT_EQ(text.view().size(), std::min(n, kNameTextBytes));
  }
}

TEST(x509, every_shortened_or_broken_certificate_is_refused) {
  const Der good = build::certificate({.extensions = build::basic_constraints({1, 1, 0xff})});
  EXPECT(is_certificate(good));
  for (std::size_t n = 0; n < good.size(); n++)
    EXPECT(!is_certificate(Der(good.begin(), good.begin() + static_cast<long>(n))));
  EXPECT(!is_certificate(build::certificate({.version = build::tlv(0xa0, {2, 2, 0, 2})})));
  EXPECT(!is_certificate(build::certificate({.serial = build::tlv(2, {})})));
  EXPECT(!is_certificate(build::certificate({.issuer = build::tlv(0x31, {})})));
  Der longer = good;
  longer.push_back(0);
  const Certificate c = parsed(longer);  // what follows is not the certificate's
  EXPECT_EQ(c.whole.size(), good.size());
}

TEST(x509, der_lengths) {
  const auto tag_of = [](const Der& d) {
    Cursor in(d);
    const ber::Tlv t = ber::next(in);
    return in.ok() ? t.value.size() : std::size_t{999};
  };
  EXPECT_EQ(tag_of({4, 0}), 0u);
  EXPECT_EQ(tag_of({4, 0x81, 1, 9}), 1u);  // longer than needed, read all the same
  EXPECT_EQ(tag_of({4, 0x84, 0, 0, 0, 1, 9}), 1u);
  EXPECT_EQ(tag_of({4, 0x85, 0, 0, 0, 0, 1, 9}), 999u);
  EXPECT_EQ(tag_of({4, 0x84, 0xff, 0xff, 0xff, 0xff, 9}), 999u);
  EXPECT_EQ(tag_of({0x24, 0x80, 0, 0}), 999u);  // indefinite
  EXPECT_EQ(tag_of({0x1f, 0x81, 1, 9}), 999u);  // a tag of two bytes
  EXPECT_EQ(tag_of({4}), 999u);
}

TEST(x509, a_host_matches_a_name_or_a_wildcard) {
  struct Row {
    std::string_view host, pattern;
    bool matches;
  };
  constexpr Row rows[] = {
      {"www.example.test", "www.example.test", true},
      {"WWW.Example.Test", "www.example.test", true},  // RFC 6125 6.4.1
      {"www.example.test", "*.example.test", true},
      {"example.test", "*.example.test", false},
      {"a.www.example.test", "*.example.test", false},
      {"www.example.test", "w*.example.test", true},
      {"www.example.test", "x*.example.test", false},
      {"www.example.test", "*w.example.test", false},
      {"www.example.test", "www.*.test", false},
      {"example.test", "*.test", false},
      {"localhost", "*", false},
      {"www.example.test", "", false},
  };
  for (const Row& r : rows) EXPECT_EQ(host_matches(r.host, r.pattern), r.matches);
}

TEST(x509, a_common_name_counts_only_without_alternative_names) {
  const Der subject = build::name({{"2.5.4.3", build::utf8("first.test")}, {"2.5.4.3", build::utf8("last.test")}});
  const Der plain = build::certificate({.subject = subject});
  EXPECT(matches_host(parsed(plain), "last.test"));
  EXPECT(!matches_host(parsed(plain), "first.test"));
  const Der with_names = build::certificate(
      {.subject = subject, .extensions = build::alternative_names(build::tlv(0x82, build::text("other.test")))});
  EXPECT(matches_host(parsed(with_names), "other.test"));
  EXPECT(!matches_host(parsed(with_names), "last.test"));
}

TEST(x509, a_certificate_is_new_once_a_day_and_role) {
  Known known;
  files::Sha256 a{}, b{};
  b[0] = 1;
  const Nanos day = Known::kReportAgainAfter;
  EXPECT(known.is_new(a, true, false, 1));
  EXPECT(!known.is_new(a, true, false, 2));
  EXPECT(known.is_new(b, true, false, 2));
  EXPECT(known.is_new(a, false, false, 3));
  EXPECT(known.is_new(a, true, true, 3));
  EXPECT(!known.is_new(a, true, false, day));
  EXPECT(known.is_new(a, true, false, day + 1));
  EXPECT(!known.is_new(a, true, false, day + 2));
}

TEST(x509, a_full_table_forgets_the_oldest_of_a_set) {
  // kWays - 1, kWays and kWays + 1 certificates of one set: with one too many the first is new again.
  const SipKey key{1, 2};
  std::vector<files::Sha256> same_set;
  for (std::uint32_t i = 0; same_set.size() < Known::kWays + 1; i++) {
    files::Sha256 f{};
    std::memcpy(f.data(), &i, sizeof i);
    if (siphash(key, f) % Known::kSets == 7) same_set.push_back(f);
  }
  for (const std::size_t n : {Known::kWays - 1, Known::kWays, Known::kWays + 1}) {
    Known known(key);
    for (std::size_t i = 0; i < n; i++) EXPECT(known.is_new(same_set[i], true, false, static_cast<Nanos>(i) + 1));
    EXPECT_EQ(known.is_new(same_set[0], true, false, 100), n > Known::kWays);
  }
}
