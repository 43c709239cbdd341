// A row for each record type, and what becomes of a message: RFC 1035 3 and 4, RFC 2136, RFC 6762, RFC 6891, RFC 1002.
#include "protocols/dns/compose.h"

#include "protocols/dns/builders.h"
#include "protocols/dns/names.h"

using namespace catenary;
using namespace catenary::dns::builders;

// RFC 1035 3.3 and 3.4, and the documents named; worded as Zeek words them.
TEST(dns, record_data_as_text) {
  const Data numbers = be32(1) + be32(2) + be32(3) + be32(4) + be32(5);
  const Data six = hex("20010db8 00000000 00000000 00000053");
  struct Row {
    const char* what;
    unsigned type;
    Data data;
    const char* expected;
  };
  const std::vector<Row> rows = {
      {"A", 1, kFour, R"("answers":["192.0.2.80"])"},
      {"NS", 2, name("NS1.test"), R"("answers":["ns1.test"])"},
      {"CNAME", 5, name("c.test"), R"("answers":["c.test"])"},
      {"SOA", 6, name("m.test") + name("r.test") + numbers, R"("answers":["m.test"])"},
      {"PTR with a pointer", 12, counted("p") + pointer(12), R"("answers":["p.x.test"])"},
      {"MX", 15, be16(10) + name("mx.test"), R"("answers":["mx.test"])"},
      {"TXT", 16, counted("v=1") + counted("b"), R"("answers":["TXT 3 v=1 TXT 1 b"])"},
      {"AAAA", 28, six, R"("answers":["2001:db8::53"])"},
      {"AAAA of an IPv4", 28, hex("00000000 00000000 0000ffff c0000250"), R"("answers":["192.0.2.80"])"},
      {"LOC, RFC 1876", 29, hex("00 12 16 13 00000000 00000000 00000000"), R"("answers":["LOC:  18 22 19"])"},
      {"SRV, RFC 2782", 33, be16(1) + be16(2) + be16(5060) + name("s.test"), R"("answers":["s.test"])"},
      {"NAPTR, RFC 3403", 35,
       be16(100) + be16(50) + counted("s") + counted("SIP+D2T") + counted("!a!b!") + name("n.test"),
       R"("answers":["NAPTR 100 50 s SIP+D2T !a!b! n.test"])"},
      {"A6", 38, six, R"("answers":["2001:db8::53"])"},
      {"DNAME is not told apart", 39, name("d.test"), R"("answers":["<unknown type=39>"])"},
      {"DS, RFC 4034 5", 43, hex("0001 08 02 aabb"), R"("answers":["DS 8 2"])"},
      {"SSHFP, RFC 4255", 44, hex("01 01 f90f"), R"("answers":["SSHFP: f90f"])"},
      {"RRSIG, RFC 4034 3", 46, be16(1) + hex("08 02 00000000 00000000 00000000 0001") + name("S.test") + hex("00"),
       R"("answers":["RRSIG 1 s.test"])"},
      {"RRSIG of the root", 46, be16(48) + hex("08 02 00000000 00000000 00000000 0001 00 00"),
       R"("answers":["RRSIG 48 <Root>"])"},
      {"NSEC, RFC 4034 4", 47, name("n.test") + hex("00 01 40"), R"("answers":["NSEC x.test n.test"])"},
      {"DNSKEY, RFC 4034 2", 48, hex("0101 03 0d 00"), R"("answers":["DNSKEY 13"])"},
      {"NSEC3, RFC 5155", 50, hex("01 00 000a 00 00"), R"("answers":["NSEC3"])"},
      {"NSEC3PARAM", 51, hex("01 00 000a 00"), R"("answers":["NSEC3PARAM"])"},
      {"SPF", 99, counted("v=spf1"), R"("answers":["SPF 6 v=spf1"])"},
      {"BIND's signing", 65534, hex("08 0001 00 01"), R"("answers":["BIND9 signing signal"])"},
      {"NULL", 10, hex("00"), R"("answers":["<unknown type=10>"])"},
      {"HINFO", 13, counted("CPU") + counted("OS"), R"("answers":[])"},
      {"HINFO apart", 13, counted("CPU") + counted("OS"), R"("more_answers":["HINFO CPU OS"])"},
      {"CAA, RFC 8659", 257, hex("80") + counted("issue") + text("ca.test"),
       R"("more_answers":["CAA 128 issue ca.test"])"},
      {"HTTPS, RFC 9460", 65,
       be16(1) + hex("00") + be16(0) + be16(2) + be16(1) + be16(1) + be16(6) + counted("h2") + counted("h3") + be16(2) +
           be16(0) + be16(3) + be16(2) + be16(8443) + be16(4) + be16(8) + kFour + kFour + be16(5) + be16(3) +
           text("ech") + be16(6) + be16(16) + six + be16(99) + be16(1) + hex("ff"),
       R"("more_answers":["HTTPS 1 . mandatory=1 alpn=h2,h3 no-default-alpn port=8443 ipv4hint=192.0.2.80,192.0.2.80)"
       R"( ech=3 bytes ipv6hint=2001:db8::53 key99=ff"])"},
      {"SVCB", 64, be16(0) + name("Svc.test"), R"("more_answers":["SVCB 0 Svc.test"])"},
  };
  for (const Row& row : rows) {
    const std::string out = answer_text(row.type, row.data);
    if (!has(out, row.expected) || has(out, "weird"))
      test::fail(__FILE__, __LINE__, row.what + std::string(": ") + out);
    EXPECT(has(out, row.expected) && !has(out, "weird"));
  }
}

TEST(dns, record_data_of_a_wrong_length_is_a_weird) {
  struct Row {
    unsigned type;
    Data data;
  };
  const std::vector<Row> rows = {{1, hex("c00002")},
                                 {1, hex("c0000201 00")},
                                 {28, hex("20010db8")},
                                 {5, name("c.test") + hex("00")},
                                 {6, name("m.test") + name("r.test") + hex("0000")},
                                 {15, hex("00")},
                                 {16, hex("05 61")},
                                 {29, hex("00 12")},
                                 {33, hex("0000 0000")},
                                 {35, hex("0001 0001 05 61")},
                                 {43, hex("0001 08")},
                                 {44, hex("01")},
                                 {46, hex("0001 08 02")},
                                 {48, hex("0101 03")},
                                 {50, hex("01 00 000a")},
                                 {51, hex("01 00")},
                                 {64, hex("0001")},
                                 {65, be16(1) + hex("00") + be16(1) + be16(9) + hex("02")},
                                 {257, hex("00 05 69")},
                                 {65, be16(1) + hex("00") + be16(1) + be16(6) + counted("h2") + hex("09 6833")},
                                 {13, hex("03 61")},
                                 {65534, hex("08")}};
  for (const Row& row : rows) {
    const std::string out = answer_text(row.type, row.data);
    if (!has(out, "dns_rdata_length_wrong"))
      test::fail(__FILE__, __LINE__, dns::type_name(static_cast<std::uint16_t>(row.type)).data());
    EXPECT(has(out, "dns_rdata_length_wrong"));
  }
}

// As in Zeek: an A record of another length ends what is told of the message; the record before it stays.
TEST(dns, nothing_is_told_behind_a_record_that_is_surely_wrong) {
  const Data response = header(1, kAnswer, 1, 3) + ask("x.test") + rr(pointer(12), 1, 60, kFour) +
                        rr(pointer(12), 1, 60, hex("c0")) + rr(pointer(12), 1, 60, kFour);
  EXPECT(has(exchange(query(1, "x.test"), response), R"("answers":["192.0.2.80"],"TTLs":[60])"));
}

// A TXT record keeps the strings that are whole.
TEST(dns, a_text_that_runs_out_is_told_as_far_as_it_goes) {
  EXPECT(has(answer_text(16, counted("ab") + hex("09 63")), R"("answers":["TXT 2 ab"])"));
}

TEST(dns, an_answer_without_text_still_counts) {
  const std::string out = answer_text(11, hex("c0000201 06"));  // WKS
  EXPECT(has(out, R"("answers":[])") && has(out, R"("rtt":0.25)") && has(out, R"("RA":true)"));
}

// Zeek takes AA, RA and rtt from the records; what the header said is in response_flags.
TEST(dns, without_a_record_the_header_of_an_answer_does_not_count) {
  const std::string out = exchange(query(1, "x.test"), header(1, 0x8583, 1, 0, 1) + ask("x.test") +
                                                           rr(pointer(12), 6, 60, name("m") + name("r") + Data(20)));
  EXPECT(has(out, R"("rcode_name":"NXDOMAIN")") && has(out, R"("AA":false)") && has(out, R"("RA":false)"));
  EXPECT(!has(out, "rtt") && has(out, R"("response_flags":34179)") && has(out, R"("auth":["m"])"));
  EXPECT(has(out, R"("rejected":false)"));
}

TEST(dns, an_answer_with_a_question_alone_is_a_rejection) {
  EXPECT(has(exchange(query(1, "x.test"), header(1, 0x8185, 1, 0) + ask("x.test")), R"("rejected":true)"));
  EXPECT(has(exchange(query(1, "x.test"), header(1, 0x8185, 0, 0)), R"("rejected":true)"));
  EXPECT(has(exchange(query(1, "x.test"), header(1, kAnswer, 0, 0)), R"("rejected":false)"));
}

TEST(dns, a_pointer_may_only_go_back) {
  // The question's name points at itself, forward, and outside.
  for (const unsigned target : {12u, 14u, 17u, 18u, 0x3fffu}) {
    Harness h = flow_of();
    h.orig(header(1, kQuery, 1, 0) + pointer(target) + be16(1) + be16(1));
    const std::string out = h.close();
    EXPECT(has(out, target >= 18 ? "dns_name_pointer_outside" : "dns_name_pointer_loop"));
    EXPECT(has(out, R"("query":"","qclass":1)"));
  }
}

TEST(dns, bytes_of_a_name_that_are_no_text_are_kept) {
  const Data q = header(1, kQuery, 1, 0) + hex("03 41 ff 2e 00 0001 0001");
  Harness h = flow_of();
  h.orig(q);
  EXPECT(has(h.close(), R"("query":"a\\xff.")"));
}

TEST(dns, bytes_behind_the_last_record_are_a_weird) {
  EXPECT(has(exchange(query(1, "x.test") + hex("00"), answer_of(1, kFour)), "dns_trailing_bytes"));
  EXPECT(has(exchange(query(1, "x.test"), answer_of(1, kFour) + hex("00")), "dns_trailing_bytes"));
}

TEST(dns, questions_of_a_query_at_their_limit) {
  for (unsigned n = dns::kQuestionsMax - 1; n <= dns::kQuestionsMax + 1u; n++) {
    Harness h = flow_of();
    Data m = header(1, kQuery, n, 0);
    for (unsigned i = 0; i < n; i++) m = m + ask("q" + std::to_string(i) + ".test");
    h.orig(query(7, "first.test"));
    h.orig(m);
    const std::string out = h.close();
    EXPECT_EQ(has(out, R"("query":"q)" + std::to_string(n - 1) + ".test"), n <= dns::kQuestionsMax);
    EXPECT(has(out, "dns_question_count_not_one"));
  }
}

// The last question is `query`, as in Zeek; RFC 6762 5.3: mDNS asks several at once.
TEST(dns, several_questions_of_mdns) {
  Harness h = flow_of(5353, 5353);
  Data m = header(0, 0, 30, 0);
  for (unsigned i = 0; i < 30; i++) m = m + ask("q" + std::to_string(i) + ".local", 12, 0x8001);
  h.orig(m);
  const std::string out = h.close();
  EXPECT(has(out, R"("query":"q29.local")") && has(out, R"("qclass_name":"qclass-32769")"));
  EXPECT(has(
      out,
      R"("more_queries":["q0.local","q1.local","q2.local","q3.local","q4.local","q5.local","q6.local","q7.local"])"));
  EXPECT(has(out, R"("cut":true)") && !has(out, "weird"));
}

TEST(dns, answers_at_their_limit) {
  for (unsigned n = dns::kAnswersMax - 1; n <= dns::kAnswersMax + 1; n++) {
    Data m = header(1, kAnswer, 1, n) + ask("x.test");
    for (unsigned i = 0; i < n; i++) m = m + rr(pointer(12), 1, i, {10, 0, 0, static_cast<std::uint8_t>(i)});
    const std::string out = exchange(query(1, "x.test"), m);
    EXPECT(has(out, "\"10.0.0." + std::to_string(std::min<std::size_t>(n, dns::kAnswersMax) - 1) + "\"]"));
    EXPECT_EQ(has(out, "dns_record_limit"), n > dns::kAnswersMax);
    EXPECT_EQ(has(out, R"("cut":true)"), n > dns::kAnswersMax);
  }
}

TEST(dns, authority_and_additional_records_at_their_limit) {
  for (unsigned n = dns::kSectionMax - 1; n <= dns::kSectionMax + 1; n++) {
    Data m = header(1, kAnswer, 1, 0, n, n) + ask("x.test");
    for (unsigned i = 0; i < n; i++) m = m + rr(pointer(12), 2, 1, name("ns" + std::to_string(i)));
    for (unsigned i = 0; i < n; i++) m = m + rr(pointer(12), 1, 1, {10, 0, 0, static_cast<std::uint8_t>(i)});
    const std::string out = exchange(query(1, "x.test"), m);
    const std::string last = std::to_string(std::min<std::size_t>(n, dns::kSectionMax) - 1);
    EXPECT(has(out, "\"ns" + last + "\"],\"addl\"") && has(out, "\"10.0.0." + last + "\"]"));
  }
}

// RFC 6891 6.1.3.
TEST(dns, edns_of_the_query_and_its_part_of_the_response_code) {
  const Data q = header(1, kQuery, 1, 0, 0, 1) + ask("x.test") + rr(hex("00"), 41, 0x00008000, {}, 1232);
  const Data a = header(1, kAnswer, 1, 0, 0, 1) + ask("x.test") + rr(hex("00"), 41, 0x01000000, {}, 1232);
  const std::string out = exchange(q, a);
  EXPECT(has(out, R"("edns_version":0,"edns_udp_size":1232)") && has(out, R"("rcode":16,"rcode_name":"BADVERS")"));
}

// RFC 2136: what was asked for is told as the answer repeats it, or else as it was asked.
TEST(dns, dynamic_updates) {
  const Data zone = ask("z.test", 6);
  const Data body = rr(name("h.z.test"), 5, 0, {}, 254) + rr(name("h.z.test"), 255, 0, {}, 255) +
                    rr(name("h.z.test"), 28, 0, {}, 255) + rr(name("h.z.test"), 1, 0, kFour, 254) +
                    rr(name("h.z.test"), 1, 1200, kFour);
  const Data q = header(9, 0x2800, 1, 1, 4) + zone + body, bare = header(9, 0xa800, 1, 0) + zone;
  const char* texts = R"(["pre: NoRRSet CNAME h.z.test","del: RRSet * h.z.test","del: RRSet AAAA",)"
                      R"("del: RR A h.z.test","add: A h.z.test 192.0.2.80"])";
  const std::string repeated = exchange(q, header(9, 0xa800, 1, 1, 4) + zone + body);
  EXPECT(has(repeated, std::string(R"("answers":)") + texts) && has(repeated, R"("query":"h.z.test")"));
  EXPECT(has(repeated, R"("opcode_name":"dynamic-update")") && !has(repeated, "qtype\":"));
  const std::string told = exchange(q, bare);
  EXPECT(has(told, std::string(R"("more_answers":)") + texts) && has(told, R"("more_queries":["z.test"])"));
  Harness alone = flow_of();
  alone.orig(q);
  EXPECT(has(alone.close(), std::string(R"("more_answers":)") + texts));
}

TEST(dns, netbios_queries_and_what_answers_them) {
  const std::string_view workgroup = "FHEPFCELEHFCEPFFFACACACACACACABN";
  const Data q = header(1, 0x0110, 1, 0) + ask(workgroup, 32);
  const Data a = header(1, 0x8500, 0, 1) + rr(name(workgroup), 32, 300, be16(0) + kFour);
  const std::string out = exchange(q, a, 137, 137);
  EXPECT(has(out, R"("query":"WORKGROUP")") && has(out, R"("qtype_name":"NIMLOC")"));
  EXPECT(has(out, R"("opcode_name":"netbios-query")") && has(out, R"("more_answers":["NB 192.0.2.80"])"));
  EXPECT(has(out, R"("Z":1)") && !has(out, "original_query") && !has(out, "weird"));

  const Data status = Data{2} + text("FILESERVER     ") + hex("20 0400") + text("WORKGROUP      ") + hex("00 8400") +
                      hex("000c29aabbcc");
  const std::string names =
      exchange(header(2, 0, 1, 0) + ask("CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 33),
               header(2, 0x8400, 0, 1) + rr(name("CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), 33, 0, status), 50000, 137);
  EXPECT(has(names, R"("query":"*")") && has(names, R"("qtype_name":"NBSTAT")"));
  EXPECT(has(names, R"("more_answers":["NBSTAT FILESERVER<20> WORKGROUP<00>G 00:0c:29:aa:bb:cc"])"));
  EXPECT(has(exchange(header(3, 0x2910, 1, 0) + ask(workgroup, 32), header(3, 0xad80, 0, 0), 137, 137),
             "netbios-registration"));
}

TEST(dns, types_without_a_name_are_told_by_number) {
  Harness h = flow_of();
  h.orig(header(1, kQuery, 1, 0) + ask("x.test", 4711, 9));
  const std::string out = h.close();
  EXPECT(has(out, R"("qtype_name":"query-4711")") && has(out, R"("qclass_name":"qclass-9")"));
}

TEST(dns, answers_apart_at_their_limit) {
  for (unsigned n = dns::kSectionMax - 1; n <= dns::kSectionMax + 1; n++) {
    Data m = header(1, kAnswer, 1, n) + ask("x.test", 65);
    for (unsigned i = 0; i < n; i++) m = m + rr(pointer(12), 65, 60, be16(i) + hex("00"));
    const std::string out = exchange(query(1, "x.test", 65), m);
    const std::string last = std::to_string(std::min<std::size_t>(n, dns::kSectionMax) - 1);
    EXPECT(has(out, "\"HTTPS " + last + " .\"]"));
    EXPECT_EQ(has(out, "dns_record_limit") && has(out, R"("cut":true)"), n > dns::kSectionMax);
  }
}

// Long texts fill the workshop before the lists are full.
TEST(dns, texts_of_one_event_at_their_limit) {
  const Data longest = counted(std::string(255, 'a')) + counted(std::string(255, 'b')) + counted(std::string(255, 'c'));
  Data m = header(1, kAnswer, 1, 64, 32, 32) + ask("x.test", 16);
  for (unsigned i = 0; i < 128; i++) m = m + rr(pointer(12), 16, 60, longest);
  Harness h = stream_of();
  h.orig(framed(query(1, "x.test", 16)));
  const Data f = framed(m);
  h.resp(Bytes(f).first(60000));
  h.resp(Bytes(f).subspan(60000));
  EXPECT(has(h.close(), R"("cut":true)"));
  EXPECT_EQ(h.count(Kind::dns), 1u);
}
