// Tokens of RFC 2743 3.1 and RFC 4178 4.2, and what they carry.
#include "protocols/gssapi/gssapi.h"

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
Data tlv(std::uint8_t tag, const Data& value) {
  Data out{tag};
  if (value.size() < 0x80)
    out.push_back(static_cast<std::uint8_t>(value.size()));
  else
    out = out + Data{0x82, static_cast<std::uint8_t>(value.size() >> 8), static_cast<std::uint8_t>(value.size())};
  return out + value;
}
const Data kSpnego = hex("06062b0601050502"), kKerberos = hex("06092a864886f712010202");
// NTLM: a negotiate of the shortest form.
const Data kNtlm = hex("4e544c4d53535000 01000000 01000000");
// Kerberos: a request with a ticket for cifs/fs1, encryption 18, in the realm A.
const Data kApRequest = tlv(
    0x6e,
    tlv(0x30,
        hex("a003020105 a10302010e a20703050000000000") +
            tlv(0xa3,
                tlv(0x61, tlv(0x30, hex("a003020105 a1031b0141") +
                                        tlv(0xa2, tlv(0x30, hex("a003020102") +
                                                                tlv(0xa1, tlv(0x30, hex("1b0463696673 1b03667331"))))) +
                                        tlv(0xa3, tlv(0x30, hex("a003020112 a20304010a"))))))));

Data init(const Data& token) {
  return tlv(0x60, kSpnego + tlv(0xa0, tlv(0x30, tlv(0xa0, tlv(0x30, kKerberos)) + tlv(0xa2, tlv(4, token)))));
}
Data response(const char* state, const Data& token = {}) {
  Data fields = hex(state);
  if (!token.empty()) fields = fields + tlv(0xa2, tlv(4, token));
  return tlv(0xa1, tlv(0x30, fields));
}

std::string told(const std::vector<Data>& tokens) {
  Harness h(gssapi::kProtocol, 6, 40000, 445);
  for (const Data& t : tokens) h.orig(t);
  return h.close();
}

}  // namespace

TEST(gssapi, ntlm_in_spnego_and_its_end) {
  const std::string out = told({init(kNtlm), response("a0030a0100")});
  EXPECT_HAS(out, R"("kind":"ntlm")");
  EXPECT_HAS(out, R"("success":true,"success_in_token":true)");
  EXPECT_HAS(told({init(kNtlm), response("a0030a0102")}), R"("success":false,"success_in_token":true)");
  // RFC 4178 4.2.2: incomplete, and wanting a checksum, end nothing.
  EXPECT_LACKS(told({init(kNtlm), response("a0030a0101")}), R"("success":)");
  EXPECT_LACKS(told({init(kNtlm), response("a0030a0103")}), R"("success":)");
}

TEST(gssapi, kerberos_in_its_frame_in_spnego_and_bare) {
  const Data framed = tlv(0x60, kKerberos + hex("0100") + kApRequest);
  for (const Data& token : {init(framed), framed, kApRequest, response("a0030a0101", framed)}) {
    EXPECT_HAS(told({token}), R"("service":"cifs/fs1")");
    EXPECT_HAS(told({token}), R"("ticket_cipher":"aes256-cts-hmac-sha1-96")");
  }
}

TEST(gssapi, services_are_named) {
  Harness h(gssapi::kProtocol, 6, 40000, 445);
  h.orig(init(kNtlm));
  EXPECT_EQ(h.flow().service_count, 2u);
  Harness none(gssapi::kProtocol, 6, 40000, 445);
  none.orig(hex("60 03 06 01 2b"));
  EXPECT_EQ(none.flow().service_count, 0u);
}

TEST(gssapi, contradictions_are_weirds) {
  for (const char* wrong :
       {"60", "60 05 0601", "60 00", "a1 02 3005", "a1 04 3002a005", "60 0a 06062b0601050502 a201"}) {
    EXPECT_HAS(told({hex(wrong)}), "gssapi_malformed");
  }
  EXPECT_EQ(told({Data{}}), "");
  EXPECT_EQ(told({hex("00 11 22")}), "");  // another mechanism
}

TEST(gssapi, every_cut_and_every_changed_byte_ends) {
  for (const Data& whole : {init(kNtlm), init(kApRequest), response("a0030a0100", kNtlm)}) {
    for (std::size_t n = 0; n < whole.size(); n++) {
      told({Data(whole.begin(), whole.begin() + static_cast<long>(n))});
      Data changed = whole;
      changed[n] ^= 0xff;
      told({changed});
    }
  }
}
