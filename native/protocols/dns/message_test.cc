// Names and numbers: RFC 1035 4.1.4, RFC 1001 14.1, RFC 5952; limits at their edges.
#include "protocols/dns/message.h"

#include "protocols/dns/builders.h"
#include "protocols/dns/names.h"

using namespace catenary;
using namespace catenary::dns::builders;

TEST(dns, a_name_may_not_run_into_its_own_pointer) {
  // "a" and a pointer back to that "a": read once, then the label would run into the pointer again.
  dns::Name n;
  const Data m = header(1, 0, 0, 0) + counted("a") + pointer(12);
  dns::read_name(m, 12, false, dns::Case::kKeep, n);
  EXPECT(n.fault == dns::NameFault::kTruncated);
  EXPECT_EQ(n.view(), "a.a");
}

TEST(dns, pointers_of_a_name_at_their_limit) {
  for (std::size_t jumps = dns::kPointersMax - 1; jumps <= dns::kPointersMax + 1; jumps++) {
    Data m = header(1, 0, 0, 0) + name("end");
    for (std::size_t i = 0; i < jumps; i++) m = m + pointer(i == 0 ? 12 : static_cast<unsigned>(17 + 2 * (i - 1)));
    dns::Name n;
    dns::read_name(m, m.size() - 2, false, dns::Case::kKeep, n);
    EXPECT_EQ(n.fault == dns::NameFault::kNone, jumps <= dns::kPointersMax);
    EXPECT_EQ(n.next, m.size());
  }
}

TEST(dns, length_of_a_name_at_its_limit) {
  for (std::size_t size = dns::kNameBytesMax - 1; size <= dns::kNameBytesMax + 1; size++) {
    std::string dotted;
    while (dotted.size() + 64 < size) dotted += std::string(49, 'a') + ".";
    dotted += std::string(size - dotted.size(), 'b');
    const Data m = header(1, 0, 0, 0) + name(dotted);
    dns::Name n;
    dns::read_name(m, dns::kHeaderBytes, false, dns::Case::kKeep, n);
    EXPECT_EQ(n.fault == dns::NameFault::kNone, size <= dns::kNameBytesMax);
    if (size <= dns::kNameBytesMax) EXPECT_EQ(n.view(), dotted);
  }
}

TEST(dns, length_of_a_label_at_its_limit) {
  for (const std::size_t size : {62u, 63u, 64u}) {
    const Data m = header(1, kQuery, 1, 0) + counted(std::string(size, 'a')) + hex("00 0001 0001");
    dns::Question q;
    std::size_t at = dns::kHeaderBytes;
    EXPECT_EQ(dns::read_question(m, at, false, q), size <= 63);
    EXPECT_EQ(q.name.fault == dns::NameFault::kLabelType, size > 63);
    at = dns::kHeaderBytes;
    EXPECT(dns::read_question(m, at, true, q));  // NetBIOS
  }
}

TEST(dns, netbios_names) {
  struct Row {
    std::string_view encoded, decoded;
  };
  for (const Row& row :
       {Row{"FHEPFCELEHFCEPFFFACACACACACACABN", "WORKGROUP"}, Row{"CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "*"},
        Row{"ABACFPFPENFDECFCEPFHFDEFFPFPACAB", "\x01\x02__MSBROWSE__\x02"},
        Row{"FEEIEFCAEOEFFEECEJEPFDCAEOEBENEF", "THE NETBIOS NAM"}, Row{"CACACACACACACACACACACACACACACACA", ""},
        Row{"FHEPFCELEHFCEPFFFACACACACACACAB", ""}, Row{"GZEPFCELEHFCEPFFFACACACACACACABN", ""}}) {
    char out[16];
    EXPECT_EQ(std::string_view(out, dns::decode_netbios(row.encoded, out)), row.decoded);
  }
}

TEST(dns, numbers_and_their_names) {
  EXPECT_EQ(dns::type_name(53), "SMIMEA");
  EXPECT_EQ(dns::type_name(54), "");
  EXPECT_EQ(dns::type_name(0), "");
  EXPECT_EQ(dns::type_name(255), "*");
  EXPECT_EQ(dns::type_name(65521), "INTEGRITY");
  EXPECT_EQ(dns::rcode_name(8), "NXRRSet");
  EXPECT_EQ(dns::rcode_name(23), "BADCOOKIE");
  EXPECT_EQ(dns::rcode_name(24), "");
  EXPECT_EQ(dns::class_name(3), "C_CHAOS");
  EXPECT_EQ(dns::opcode_name(8, true), "netbios-refresh");
  EXPECT_EQ(dns::opcode_name(8, false), "");
}

// RFC 5952 4.2.
TEST(dns, addresses_as_text) {
  struct Row {
    Data bytes;
    std::string_view expected;
  };
  auto text_arena = std::make_unique<dns::TextArena>();
  for (const Row& row : {Row{Data(16), "::"}, Row{hex("00000000 00000000 00000000 00000001"), "::1"},
                         Row{hex("20010db8 00000000 00010000 00000001"), "2001:db8::1:0:0:1"},
                         Row{hex("20010db8 00000001 00010001 00010001"), "2001:db8:0:1:1:1:1:1"},
                         Row{hex("fe800000 00000000 00000000 00000000"), "fe80::"},
                         Row{hex("00000000 00000000 00000000 c0000201"), "::192.0.2.1"}}) {
    text_arena->reset();
    text_arena->begin();
    EXPECT_EQ(text_arena->ip6(row.bytes).end(), row.expected);
  }
}

TEST(dns, a_text_at_its_limit) {
  auto arena = std::make_unique<dns::TextArena>();
  for (std::size_t n = dns::TextArena::kTextMax - 1; n <= dns::TextArena::kTextMax + 1; n++) {
    arena->reset();
    arena->begin();
    const std::size_t size = arena->put(std::string(n, 'a')).put('b').end().size();
    EXPECT_EQ(size, n < dns::TextArena::kTextMax ? n + 1 : dns::TextArena::kTextMax);
  }
}

TEST(dns, questions_and_records_that_a_flow_may_begin_with) {
  for (const bool is_mdns : {false, true}) {
    const dns::Manner manner{false, is_mdns};
    for (unsigned n = manner.questions_max() - 1u; n <= manner.questions_max() + 1u; n++) {
      dns::Header h;
      h.questions = static_cast<std::uint16_t>(n);
      EXPECT_EQ(dns::is_plausible_header(h, manner), n <= manner.questions_max());
    }
  }
  for (unsigned n = dns::kSureRecordsMax - 1; n <= dns::kSureRecordsMax + 1; n++) {
    Data m = header(1, kAnswer, 1, n) + ask("x.test");
    for (unsigned i = 0; i < n; i++) m = m + rr(pointer(12), 1, 60, kFour);
    EXPECT_EQ(dns::is_surely_dns(m), n <= dns::kSureRecordsMax);
  }
}
