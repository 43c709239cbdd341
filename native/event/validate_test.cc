#include "event/validate.h"

#include <vector>

#include "base/test.h"
#include "event/gen/samples.gen.h"

namespace catenary {
namespace {

using test::hex;

std::vector<std::uint8_t> arp_with(std::string_view opcode) {
  // ts, seen and cut, then the opcode, then the rest of the example.
  ArpEvent event = samples::example<ArpEvent>();
  std::vector<std::uint8_t> bytes(kRecordBytesMax);
  Buffer buffer{bytes.data(), 0, bytes.size()};
  RecordWriter writer(buffer);
  event.encode(writer);
  const std::vector<std::uint8_t> with = hex(opcode);
  std::vector<std::uint8_t> out(bytes.begin(), bytes.begin() + 20);
  out.insert(out.end(), with.begin(), with.end());
  out.insert(out.end(), bytes.begin() + 21, bytes.begin() + static_cast<std::ptrdiff_t>(buffer.size));
  return out;
}

// A dns record of defaults but for its query, given as raw msgpack.
std::vector<std::uint8_t> dns_with_query(const std::vector<std::uint8_t>& query) {
  DnsEvent event;
  std::vector<std::uint8_t> bytes(kRecordBytesMax);
  Buffer buffer{bytes.data(), 0, bytes.size()};
  RecordWriter writer(buffer);
  event.encode(writer);
  // Envelope of 74 bytes (no vlan), trans_id, rtt: then the query's nil.
  constexpr std::size_t kQuery = 20 + 13 + 18 + 1 + 18 + 1 + 1 + 1 + 1 + 1;
  EXPECT_EQ(bytes[kQuery], 0xc0);
  std::vector<std::uint8_t> out(bytes.begin(), bytes.begin() + kQuery);
  out.insert(out.end(), query.begin(), query.end());
  out.insert(out.end(), bytes.begin() + kQuery + 1, bytes.begin() + static_cast<std::ptrdiff_t>(buffer.size));
  return out;
}

std::string_view opcode_fault(std::string_view opcode) {
  const Validation v = validate(Kind::arp, arp_with(opcode));
  if (!v.ok()) {
    EXPECT_EQ(v.fault.field, "opcode");
    EXPECT_EQ(v.fault.offset, 20u);
    EXPECT_EQ(v.records, 0u);
  }
  return v.fault.reason;
}

std::string_view query_fault(std::string_view head, std::string_view text) {
  std::vector<std::uint8_t> query = hex(head);
  query.insert(query.end(), text.begin(), text.end());
  const Validation v = validate(Kind::dns, dns_with_query(query));
  if (!v.ok()) EXPECT_EQ(v.fault.field, "query");
  return v.fault.reason;
}

}  // namespace

TEST(validate, every_kinds_example_is_good_and_no_front_of_it_is) {
  samples::for_each_kind([]<class Event>(const Event&, std::string_view example, std::string_view empty) {
    std::vector<std::uint8_t> both = hex(example);
    const std::size_t first = both.size();
    const std::vector<std::uint8_t> second = hex(empty);
    both.insert(both.end(), second.begin(), second.end());
    const Validation whole = validate(Event::kKind, both);
    EXPECT(whole.ok());
    EXPECT_EQ(whole.records, 2u);
    EXPECT_EQ(whole.seen_min, 0u);
    EXPECT_EQ(whole.seen_max, 1700000001250001u);
    EXPECT(whole.seen_goes_back);
    EXPECT_EQ(validate(Event::kKind, both, 1).fault.reason, "more records than announced");
    for (std::size_t n = 1; n < both.size(); n++) {
      if (n == first) continue;
      const Validation cut = validate(Event::kKind, Bytes(both).first(n));
      EXPECT_EQ(cut.fault.reason, "cut off");
      EXPECT_EQ(cut.records, n > first ? 1u : 0u);
    }
    both.push_back(0xc0);
    EXPECT_EQ(validate(Event::kKind, both).fault.reason, "no record byte");
  });
}

TEST(validate, nothing_is_no_record) {
  EXPECT(validate(Kind::dns, {}).ok());
  EXPECT_EQ(validate(Kind::dns, {}).records, 0u);
  EXPECT_EQ(validate(Kind::none, {}).fault.reason, "unknown kind");
  EXPECT_EQ(validate(static_cast<Kind>(255), {}).fault.reason, "unknown kind");
}

TEST(validate, integers_have_one_form_and_a_range) {
  EXPECT_EQ(opcode_fault("02"), "");
  EXPECT_EQ(opcode_fault("cc40"), "");
  EXPECT_EQ(opcode_fault("cdffff"), "");
  EXPECT_EQ(opcode_fault("40"), "not the shortest form");
  EXPECT_EQ(opcode_fault("cc3f"), "not the shortest form");
  EXPECT_EQ(opcode_fault("cc41"), "not the shortest form");
  EXPECT_EQ(opcode_fault("cd0001"), "not the shortest form");
  EXPECT_EQ(opcode_fault("ce0000ffff"), "not the shortest form");
  EXPECT_EQ(opcode_fault("cf00000000ffffffff"), "not the shortest form");
  EXPECT_EQ(opcode_fault("ce00010000"), "out of range");
  EXPECT_EQ(opcode_fault("ff"), "out of range");
  EXPECT_EQ(opcode_fault("d080"), "out of range");
  EXPECT_EQ(opcode_fault("d07f"), "not the shortest form");
  EXPECT_EQ(opcode_fault("d0ff"), "not the shortest form");
  EXPECT_EQ(opcode_fault("cb4000000000000000"), "wrong type");
  EXPECT_EQ(opcode_fault("c0"), "nil, but not optional");
  EXPECT_EQ(opcode_fault("c3"), "wrong type");
  EXPECT_EQ(opcode_fault("a132"), "wrong type");
  EXPECT_EQ(opcode_fault("9102"), "wrong type");
  EXPECT_EQ(opcode_fault("8101"), "wrong type");
  EXPECT_EQ(opcode_fault("c1"), "wrong type");
  EXPECT_EQ(opcode_fault("d640"), "wrong type");
}

TEST(validate, a_wide_integer_is_one_a_double_holds) {
  WeirdEvent event = samples::example<WeirdEvent>();
  std::vector<std::uint8_t> bytes(kRecordBytesMax);
  Buffer buffer{bytes.data(), 0, bytes.size()};
  RecordWriter writer(buffer);
  event.count = UINT64_MAX;
  event.encode(writer);
  EXPECT(writer.cut());
  EXPECT(validate(Kind::weird, buffer.bytes()).ok());
  // The byte behind cf: 0x00 of 0x001fffff'ffffffff, the only cf of that value in the record.
  for (std::size_t i = 20; i + 8 < buffer.size; i++) {
    if (bytes[i] == 0xcf && bytes[i + 2] == 0x1f && bytes[i + 3] == 0xff) bytes[i + 2] = 0x20;
  }
  EXPECT_EQ(validate(Kind::weird, buffer.bytes()).fault.reason, "out of range");
}

TEST(validate, times_and_flags_have_one_form) {
  std::vector<std::uint8_t> bytes = arp_with("02");
  bytes[2] = 0x20;  // above 2^53
  EXPECT_EQ(validate(Kind::arp, bytes).fault.reason, "out of range");
  EXPECT_EQ(validate(Kind::arp, bytes).fault.field, "ts");
  bytes = arp_with("02");
  bytes[1] = 0xcb;
  EXPECT_EQ(validate(Kind::arp, bytes).fault.reason, "wrong type");
  bytes = arp_with("02");
  bytes[19] = 0xc0;
  EXPECT_EQ(validate(Kind::arp, bytes).fault.field, "cut");
}

TEST(validate, texts_are_utf8_within_their_cap) {
  EXPECT_EQ(query_fault("a5", "query"), "");
  EXPECT_EQ(query_fault("a0", ""), "");
  EXPECT_EQ(query_fault("a2", "\xc3\xb3"), "");
  EXPECT_EQ(query_fault("a3", "\x1b[0"), "");
  EXPECT_EQ(query_fault("a1", "\xff"), "not UTF-8");
  EXPECT_EQ(query_fault("a2", "\xc0\x80"), "not UTF-8");
  EXPECT_EQ(query_fault("ac", "ascii first\xc3"), "not UTF-8");
  EXPECT_EQ(query_fault("d905", "query"), "not the shortest form");
  EXPECT_EQ(query_fault("da0005", "query"), "not the shortest form");
  EXPECT_EQ(query_fault("db00000005", "query"), "wrong type");
  EXPECT_EQ(query_fault("c405", "query"), "wrong type");
  EXPECT_EQ(query_fault("daffff", "query"), "cut off");
  EXPECT_EQ(query_fault("da03ff", std::string(1023, 'q')), "");
  EXPECT_EQ(query_fault("da0400", std::string(1024, 'q')), "");
  EXPECT_EQ(query_fault("da0401", std::string(1025, 'q')), "longer than its cap");
  EXPECT_EQ(query_fault("a4", "\\\\\\\\"), "");
  EXPECT_EQ(query_fault("a5", "\\xffz"), "");
  EXPECT_EQ(query_fault("a1", "\\"), "backslash outside an escape");
  EXPECT_EQ(query_fault("a3", "\\\\\\"), "backslash outside an escape");
  EXPECT_EQ(query_fault("a4", "\\xFF"), "backslash outside an escape");
  EXPECT_EQ(query_fault("a3", "\\xf"), "backslash outside an escape");
}

TEST(validate, lists_are_flat_and_bounded) {
  // `answers` of an empty dns record: 90 is the first list in it.
  DnsEvent event;
  std::vector<std::uint8_t> bytes(kRecordBytesMax);
  Buffer buffer{bytes.data(), 0, bytes.size()};
  RecordWriter writer(buffer);
  event.encode(writer);
  std::size_t at = 20;
  while (bytes[at] != 0x90) at++;
  const auto fault = [&](std::string_view list) {
    std::vector<std::uint8_t> out(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
    const std::vector<std::uint8_t> with = hex(list);
    out.insert(out.end(), with.begin(), with.end());
    out.insert(out.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at) + 1,
               bytes.begin() + static_cast<std::ptrdiff_t>(buffer.size));
    const Validation v = validate(Kind::dns, out);
    if (!v.ok()) EXPECT_EQ(v.fault.field, "answers");
    return v.fault.reason;
  };
  std::string items;
  for (int i = 0; i < 63; i++) items += "a161";
  EXPECT_EQ(fault("91a161"), "");
  EXPECT_EQ(fault("dc003f" + items), "");
  EXPECT_EQ(fault("dc0040" + items + "a161"), "");
  EXPECT_EQ(fault("dc0041" + items + "a161a161"), "more items than allowed");
  EXPECT_EQ(fault("dcffff"), "more items than allowed");
  EXPECT_EQ(fault("dc0001a161"), "not the shortest form");
  EXPECT_EQ(fault("dd00000001a161"), "wrong type");
  EXPECT_EQ(fault("c0"), "wrong type");
  EXPECT_EQ(fault("9191a161"), "wrong type");
  EXPECT_EQ(fault("91c0"), "wrong type");
  EXPECT_EQ(fault("9101"), "wrong type");
}

TEST(validate, any_changed_byte_is_judged_without_harm) {
  samples::for_each_kind([]<class Event>(const Event&, std::string_view example, std::string_view) {
    const std::vector<std::uint8_t> good = hex(example);
    std::vector<std::uint8_t> bytes = good;
    std::uint32_t refused = 0;
    for (std::size_t i = 0; i < good.size(); i++) {
      for (const int change : {0x01, 0x40, 0x80, 0xc0, 0xff}) {
        bytes[i] = static_cast<std::uint8_t>(good[i] ^ change);
        const Validation v = validate(Event::kKind, bytes);
        if (!v.ok()) refused++;
        EXPECT(v.fault.offset <= bytes.size());
      }
      bytes[i] = good[i];
    }
    EXPECT(refused > good.size());
  });
}

}  // namespace catenary
