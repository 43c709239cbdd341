// Pairing, TCP, detection, and what is held at once; limits at their edges.
#include "protocols/dns/dns.h"

#include "protocols/dns/builders.h"

using namespace catenary;
using namespace catenary::dns::builders;
using flow::Dir;

TEST(dns, a_query_and_its_answer_are_one_event) {
  const std::string out =
      exchange(query(0x1234, "WWW.Example.com"),
               header(0x1234, 0x8580, 1, 1) + ask("www.example.com") + rr(pointer(12), 1, 300, kFour));
  for (const char* part : {R"("trans_id":4660)",
                           R"("rtt":0.25)",
                           R"("query":"www.example.com")",
                           R"("original_query":"WWW.Example.com")",
                           R"("qclass":1)",
                           R"("qclass_name":"C_INTERNET")",
                           R"("qtype":1)",
                           R"("qtype_name":"A")",
                           R"("rcode":0)",
                           R"("rcode_name":"NOERROR")",
                           R"("AA":true)",
                           R"("RD":true)",
                           R"("RA":true)",
                           R"("Z":0)",
                           R"("answers":["192.0.2.80"])",
                           R"("TTLs":[300])",
                           R"("answer_types":[1])",
                           R"("rejected":false)",
                           R"("opcode_name":"query")",
                           R"("request_bytes":33)",
                           R"("response_bytes":49)",
                           R"("request_flags":256)",
                           R"("response_flags":34176)"}) {
    EXPECT(has(out, part));
  }
  EXPECT(!has(out, "weird"));
}

TEST(dns, names_of_the_same_letters_have_no_original) {
  EXPECT(!has(exchange(query(1, "a.test"), answer_of(1, kFour)), "original_query"));
}

TEST(dns, a_message_cut_anywhere_is_told_as_far_as_it_goes) {
  const Data whole =
      header(1, kAnswer, 1, 2) + ask("x.test") + rr(pointer(12), 5, 60, name("y.test")) + rr(pointer(12), 1, 60, kFour);
  for (std::size_t cut = 0; cut < whole.size(); cut++) {
    Harness h = flow_of();
    h.orig(query(1, "x.test"));
    h.resp(Bytes(whole).first(cut));
    const std::string out = h.close();
    EXPECT_EQ(h.count(Kind::dns), 1u);
    EXPECT(cut == 0 || has(out, cut < dns::kHeaderBytes ? "dns_header_truncated" : "dns_counts_exceed_message"));
  }
}

TEST(dns, other_kinds_of_message_are_not_told) {
  for (unsigned opcode = 1; opcode < 16; opcode++) {
    if (opcode == 4 || opcode == 5) continue;
    Harness h = flow_of();
    h.orig(query(1, "x.test"));
    h.resp(answer_of(1, kFour));
    h.orig(header(2, opcode << 11, 1, 0) + ask("x.test"));
    EXPECT_EQ(has(h.close(), "dns_opcode_unknown"), opcode == 3 || opcode > 6);
    EXPECT_EQ(h.count(Kind::dns), 1u);
  }
}

TEST(dns, answers_find_their_queries_by_id_in_any_order) {
  Harness h = flow_of();
  h.orig(query(1, "a.test"));
  h.orig(query(2, "b.test"));
  h.orig(query(3, "c.test"));
  for (const unsigned id : {2u, 3u, 1u}) {
    h.wait(kSecond / 8);
    h.resp(header(id, kAnswer, 1, 1) + ask("x.test") + rr(pointer(12), 1, id, kFour));
  }
  h.close();
  const auto lines = h.lines(Kind::dns);
  EXPECT_EQ(lines.size(), 3u);
  EXPECT(has(lines[0], R"("query":"b.test")") && has(lines[0], R"("TTLs":[2])") && has(lines[0], R"("rtt":0.125)"));
  EXPECT(has(lines[1], R"("query":"c.test")") && has(lines[1], R"("TTLs":[3])") && has(lines[1], R"("rtt":0.25)"));
  EXPECT(has(lines[2], R"("query":"a.test")") && has(lines[2], R"("TTLs":[1])") && has(lines[2], R"("rtt":0.375)"));
}

TEST(dns, queries_of_one_id_are_answered_in_the_order_they_came) {
  Harness h = flow_of();
  for (const char* of : {"a.test", "b.test", "c.test"}) h.orig(query(5, of));
  for (const char* of : {"a.test", "b.test"}) h.resp(header(5, kAnswer, 1, 1) + ask(of) + rr(pointer(12), 1, 1, kFour));
  const std::string out = h.close();
  const auto lines = h.lines(Kind::dns);
  EXPECT_EQ(lines.size(), 3u);
  EXPECT(has(lines[0], "a.test") && has(lines[1], "b.test") && has(lines[2], "c.test") && !has(lines[2], "rcode"));
  EXPECT(!has(out, "dns_response_question_differs"));
}

TEST(dns, an_answer_that_came_first_is_joined_by_its_query) {
  Harness h = flow_of();
  h.orig(query(9, "other.test"));
  h.resp(answer_of(1, kFour));
  h.wait(kSecond);
  h.orig(query(1, "x.test"));
  const std::string out = h.close();
  EXPECT_EQ(h.count(Kind::dns), 2u);
  EXPECT(has(out, R"("query":"x.test")") && has(out, R"("RD":true)") && !has(out, "rtt"));
  EXPECT(has(out, "dns_response_without_query"));
}

TEST(dns, an_answer_to_another_question_is_a_weird) {
  const auto asked_and_got = [](const char* q, const char* a) {
    return exchange(query(1, q), header(1, kAnswer, 1, 0) + ask(a));
  };
  EXPECT(has(asked_and_got("a.test", "b.test"), "dns_response_question_differs"));
  EXPECT(!has(asked_and_got("a.test", "A.TEST"), "dns_response_question_differs"));
}

TEST(dns, queries_that_wait_at_their_limit) {
  for (std::size_t n = dns::kPendingMax - 1; n <= dns::kPendingMax + 1; n++) {
    Harness h = flow_of();
    for (unsigned i = 0; i < n; i++) h.orig(query(i, "q" + std::to_string(i) + ".test"));
    EXPECT_EQ(h.count(Kind::dns), n > dns::kPendingMax ? 1u : 0u);
    EXPECT_EQ(has(h.close(), "dns_pending_evicted"), n > dns::kPendingMax);
    EXPECT_EQ(h.count(Kind::dns), n);
    EXPECT(has(h.lines(Kind::dns)[0], "q0.test"));  // the oldest goes first
  }
}

TEST(dns, bytes_that_wait_at_their_limit) {
  dns::Pending<0> list;
  dns::PendingBudget budget;
  const std::size_t held = sizeof(dns::Held), most = 60000;
  EXPECT(!list.victim(Data(most), budget) && list.add(1, 1, Data(most), budget));
  const std::size_t rest = dns::kPendingBytesMax - 2 * held - most;
  EXPECT(!list.victim(Data(rest - 1), budget));
  EXPECT(!list.victim(Data(rest), budget));
  EXPECT(list.victim(Data(rest + 1), budget) == list.find(1));
  list.remove(list.find(1), budget);
  EXPECT_EQ(budget.used, 0u);
}

TEST(dns, the_worker_has_a_limit_too) {
  dns::Pending<2> list;
  const Data small(dns::kSmallBytes), large(dns::kSmallBytes + 1);
  dns::PendingBudget budget{dns::PendingBudget::kBytesMax - large.size()};
  EXPECT(list.add(1, 1, small, budget));  // costs nothing in place
  EXPECT(list.add(2, 2, large, budget));
  EXPECT_EQ(budget.used, dns::PendingBudget::kBytesMax);
  EXPECT(!list.add(3, 3, small, budget));
  EXPECT(list.victim(small, budget) == list.oldest());
  EXPECT_EQ(list.oldest()->id, 1);
  list.remove(list.find(2), budget);
  EXPECT_EQ(budget.used, dns::PendingBudget::kBytesMax - large.size());
  EXPECT(Bytes(list.find(1)->message()).size() == small.size());
}

TEST(dns, a_query_that_waited_too_long_is_told_as_it_is) {
  for (const Nanos wait : {dns::kPendingAgeMax, dns::kPendingAgeMax + 1}) {
    Harness h = flow_of(5353, 5353);
    h.orig(query(0, "a.local"));
    h.wait(wait);
    h.orig(query(0, "b.local"));
    EXPECT_EQ(h.count(Kind::dns), wait > dns::kPendingAgeMax ? 1u : 0u);
  }
}

TEST(dns, a_flow_that_begins_with_an_answer_has_its_ends_changed) {
  Harness h = flow_of(53, 53);
  h.orig(answer_of(1, kFour));
  EXPECT(has(h.close(), R"("orig_h":"198.51.100.2")"));
  Harness group = flow_of(5353, 5353);
  const std::uint8_t mdns[4] = {224, 0, 0, 251};
  group.flow().resp_h = Ip::v4(mdns);
  group.orig(answer_of(1, kFour));
  EXPECT(has(group.close(), R"("orig_h":"192.0.2.1")"));
}

TEST(dns, segments_may_end_anywhere) {
  const Data q = framed(query(1, "x.test")) + framed(query(2, "y.test"));
  const Data a = framed(answer_of(1, kFour)) + framed(answer_of(1, kFour, 2));
  Harness whole = stream_of();
  whole.orig(q);
  whole.resp(a);
  const std::string expected = whole.close();
  EXPECT_EQ(whole.count(Kind::dns), 2u);
  for (std::size_t cut = 1; cut < q.size(); cut++) {
    Harness h = stream_of();
    h.orig(Bytes(q).first(cut));
    h.orig(Bytes(q).subspan(cut));
    h.resp(Bytes(a).first(cut));
    h.resp(Bytes(a).subspan(cut));
    EXPECT_EQ(h.close(), expected);
  }
}

TEST(dns, the_longest_message_over_tcp) {
  Data m = header(1, kAnswer, 1, 2) + ask("x.test", 16) + rr(pointer(12), 1, 60, kFour);
  const std::size_t fixed = m.size() + 12;
  m = m + rr(pointer(12), 10, 60, Data(65535 - fixed));
  EXPECT_EQ(m.size(), 65535u);
  Harness h = stream_of();
  h.orig(framed(query(1, "x.test", 16)));
  const Data f = framed(m);
  for (std::size_t at = 0; at < f.size(); at += 1460)
    h.resp(Bytes(f).subspan(at, std::min<std::size_t>(1460, f.size() - at)));
  EXPECT(has(h.close(), R"("answers":["192.0.2.80","<unknown type=10>"])"));
}

TEST(dns, a_message_whose_end_never_came_is_told_at_the_end) {
  Harness h = stream_of();
  h.orig(framed(query(1, "x.test")));
  const Data a = framed(answer_of(1, kFour));
  h.resp(Bytes(a).first(a.size() - 1));
  h.finish(Dir::kResp);
  const std::string out = h.close();
  EXPECT(has(out, "dns_counts_exceed_message") && has(out, R"("rcode":0)"));
  EXPECT_EQ(h.count(Kind::dns), 1u);
}

TEST(dns, behind_a_hole_only_a_whole_message_is_believed) {
  Harness h = stream_of();
  h.orig(framed(query(1, "x.test")));
  h.gap(Dir::kResp, 100);
  h.resp(framed(answer_of(1, kFour)));
  EXPECT(h.is_attached());
  h.gap(Dir::kResp, 100);
  h.resp(Bytes(framed(answer_of(1, kFour))).subspan(5));
  h.resp(Data(70000));
  EXPECT(!h.is_attached());
  EXPECT_EQ(h.count(Kind::dns), 1u);
}

TEST(dns, on_its_ports_a_plausible_header_will_do) {
  for (const std::uint16_t port : std::initializer_list<std::uint16_t>{53, 137, 5353, 5355}) {
    Harness h = flow_of(40000, port);
    h.orig(header(1, kQuery, 1, 0) + hex("ff"));
    EXPECT(h.is_attached());
    h.close();
    EXPECT_EQ(h.count(Kind::dns), 1u);
  }
  Harness junk = flow_of();
  junk.orig(hex("ffffffffffffffffffffffffffff"));
  junk.orig(hex("0001"));
  EXPECT(!junk.is_attached());
}

TEST(dns, on_any_other_port_the_first_message_has_to_be_whole_and_sure) {
  const auto is_claimed = [](const Data& first) {
    Harness h = flow_of(40000, 8443);
    h.orig(first);
    return h.is_attached();
  };
  EXPECT(is_claimed(query(1, "www.example.com")));
  EXPECT(is_claimed(query(1, "_sip._tcp.example.com", 33)));
  EXPECT(is_claimed(answer_of(1, kFour)));
  EXPECT(is_claimed(header(1, kQuery, 1, 0, 0, 1) + ask("x.test") + rr(hex("00"), 41, 0, {}, 4096)));
  EXPECT(!is_claimed(query(1, "www.example.com") + hex("00")));
  EXPECT(!is_claimed(query(1, "www.exa mple.com")));
  EXPECT(!is_claimed(query(1, "x.test", 4711)));
  EXPECT(!is_claimed(header(1, kQuery, 1, 0) + ask("x.test", 1, 7)));
  EXPECT(!is_claimed(header(1, kQuery, 2, 0) + ask("x.test") + ask("x.test")));
  EXPECT(!is_claimed(header(1, kQuery | 0x40, 1, 0) + ask("x.test")));
  EXPECT(!is_claimed(header(1, kQuery | 3, 1, 0) + ask("x.test")));
  EXPECT(!is_claimed(header(1, 0, 0, 0)));
  EXPECT(!is_claimed(Data(64)));
  EXPECT(!is_claimed(header(1, kQuery, 1, 0) + pointer(12) + be16(1) + be16(1)));

  Harness tcp = stream_of(853 + 1);
  tcp.orig(framed(query(1, "x.test")));
  EXPECT(tcp.is_attached());
  for (const std::string_view first :
       {"GET / HTTP/1.1\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "\x16\x03\x01\x02\x00\x01", "\x00"}) {
    for (const std::uint16_t port : std::initializer_list<std::uint16_t>{53, 8443}) {
      Harness h = stream_of(port);
      h.orig(first);
      EXPECT(!h.is_attached());
    }
  }
}

TEST(dns, a_message_with_a_thousand_questions_is_another_protocol) {
  Harness h = flow_of();
  h.orig(header(1, kQuery, 1, 0) + hex("ff"));
  h.orig(header(2, kQuery, 1000, 0));
  EXPECT(!h.is_attached());
}
