#include "event/record.h"

#include <limits>
#include <vector>

#include "base/test.h"
#include "event/gen/samples.gen.h"

namespace catenary {
namespace {

using test::hex;
using namespace std::string_view_literals;

struct Space {
  explicit Space(std::size_t cap) : bytes(cap) {
    buffer.data = bytes.data();
    buffer.cap = cap;
  }
  std::vector<std::uint8_t> bytes;
  Buffer buffer;
};

std::string text_of(std::string_view in, std::size_t cap, bool& cut) {
  std::vector<std::uint8_t> out(3 + cap);
  cut = false;
  const std::uint8_t* end = record::text(out.data(), in, cap, cut);
  const auto head = static_cast<std::size_t>(out[0] < 0xc0 ? 1 : out[0] == 0xd9 ? 2 : 3);
  return {out.begin() + static_cast<std::ptrdiff_t>(head), out.begin() + (end - out.data())};
}

std::vector<std::uint8_t> integer_of(std::uint64_t v) {
  std::uint8_t out[9];
  return {out, record::integer(out, v)};
}
std::vector<std::uint8_t> signed_of(std::int64_t v) {
  std::uint8_t out[9];
  return {out, record::signed_integer(out, v)};
}

}  // namespace

// The TypeScript encoder wrote the expected bytes when the header was generated: two encoders, one form.
TEST(record, every_kind_is_the_bytes_typescript_writes) {
  const auto check = [](const auto& event, std::string_view expected) {
    Space space(kRecordBytesMax);
    RecordWriter writer(space.buffer);
    event.encode(writer);
    EXPECT(writer.ok());
    EXPECT(!writer.cut());
    EXPECT(space.buffer.size <= event.kBytesMax);
    EXPECT(space.buffer.size <= event.bytes_bound());
    const Bytes got = space.buffer.bytes();
    const std::vector<std::uint8_t> want = hex(expected);
    if (!std::equal(got.begin(), got.end(), want.begin(), want.end())) {
      test::fail(__FILE__, __LINE__, std::string(kind_name(event.kKind)) + " differs from the TypeScript encoder");
    }
    // One byte too little, and the buffer is left as it was.
    Space small(space.buffer.size - 1);
    RecordWriter refused(small.buffer);
    event.encode(refused);
    EXPECT(!refused.ok());
    EXPECT_EQ(small.buffer.size, 0u);
  };
  samples::for_each_kind([&]<class Event>(const Event& event, std::string_view example, std::string_view empty) {
    check(event, example);
    check(Event{}, empty);
  });
}

TEST(record, integers_are_shortest_but_64) {
  EXPECT(integer_of(0) == hex("00"));
  EXPECT(integer_of(63) == hex("3f"));
  EXPECT(integer_of(64) == hex("cc40"));
  EXPECT(integer_of(65) == hex("41"));
  EXPECT(integer_of(127) == hex("7f"));
  EXPECT(integer_of(128) == hex("cc80"));
  EXPECT(integer_of(255) == hex("ccff"));
  EXPECT(integer_of(256) == hex("cd0100"));
  EXPECT(integer_of(65535) == hex("cdffff"));
  EXPECT(integer_of(65536) == hex("ce00010000"));
  EXPECT(integer_of(0xffffffff) == hex("ceffffffff"));
  EXPECT(integer_of(0x100000000) == hex("cf0000000100000000"));
  EXPECT(signed_of(64) == hex("cc40"));
  EXPECT(signed_of(-1) == hex("ff"));
  EXPECT(signed_of(-32) == hex("e0"));
  EXPECT(signed_of(-33) == hex("d0df"));
  EXPECT(signed_of(-128) == hex("d080"));
  EXPECT(signed_of(-129) == hex("d1ff7f"));
  EXPECT(signed_of(-32769) == hex("d2ffff7fff"));
  EXPECT(signed_of(-2147483649LL) == hex("d3ffffffff7fffffff"));
}

TEST(record, what_a_double_cannot_hold_is_cut) {
  std::uint8_t out[9];
  bool cut = false;
  record::time(out, kTimeMax, cut);
  EXPECT(!cut);
  record::time(out, kTimeMax + 1, cut);
  EXPECT(cut);
  EXPECT(std::vector<std::uint8_t>(out, out + 9) == hex("cf001fffffffffffff"));
  cut = false;
  record::u64(out, UINT64_MAX, cut);
  EXPECT(cut);
  EXPECT(std::vector<std::uint8_t>(out, out + 9) == hex("cf001fffffffffffff"));
  cut = false;
  record::i64(out, INT64_MIN, cut);
  EXPECT(cut);
  EXPECT(std::vector<std::uint8_t>(out, out + 9) == hex("d3ffe0000000000001"));
  cut = false;
  record::f64(out, std::numeric_limits<double>::quiet_NaN(), cut);
  EXPECT(cut);
  EXPECT(std::vector<std::uint8_t>(out, out + 9) == hex("cb0000000000000000"));
}

TEST(record, text_is_kept_or_escaped) {
  bool cut = false;
  EXPECT_EQ(text_of("", 8, cut), "");
  EXPECT_EQ(text_of("plain text, longer than eight bytes", 64, cut), "plain text, longer than eight bytes");
  EXPECT_EQ(text_of("Za\xc5\xbc\xc3\xb3\xc5\x82\xc4\x87 \xe2\x82\xac \xf0\x9f\x94\x97", 64, cut),
            "Za\xc5\xbc\xc3\xb3\xc5\x82\xc4\x87 \xe2\x82\xac \xf0\x9f\x94\x97");
  EXPECT_EQ(text_of("a\\b", 8, cut), "a\\\\b");
  EXPECT_EQ(text_of("\x1b[0m\x00\x07"sv, 8, cut), "\x1b[0m\x00\x07"sv);
  EXPECT_EQ(text_of("\xff\xfe", 8, cut), "\\xff\\xfe");
  EXPECT_EQ(text_of("\xc0\x80", 8, cut), "\\xc0\\x80");                     // overlong
  EXPECT_EQ(text_of("\xed\xa0\x80", 16, cut), "\\xed\\xa0\\x80");           // surrogate
  EXPECT_EQ(text_of("\xf4\x90\x80\x80", 16, cut), "\\xf4\\x90\\x80\\x80");  // above 10FFFF
  EXPECT_EQ(text_of("12345678\xe2\x82", 32, cut), "12345678\\xe2\\x82");    // cut short by its source
  EXPECT(!cut);
}

TEST(record, text_is_cut_between_characters_and_escapes) {
  bool cut = false;
  const std::string nine(9, 'x');
  EXPECT_EQ(text_of(std::string_view(nine).substr(2), 8, cut), "xxxxxxx");
  EXPECT(!cut);
  EXPECT_EQ(text_of(std::string_view(nine).substr(1), 8, cut), "xxxxxxxx");
  EXPECT(!cut);
  EXPECT_EQ(text_of(nine, 8, cut), "xxxxxxxx");
  EXPECT(cut);
  EXPECT_EQ(text_of("1234567\xc3\xb3", 8, cut), "1234567");
  EXPECT(cut);
  EXPECT_EQ(text_of("123456\xc3\xb3", 8, cut), "123456\xc3\xb3");
  EXPECT(!cut);
  EXPECT_EQ(text_of("1234567\\", 8, cut), "1234567");
  EXPECT(cut);
  EXPECT_EQ(text_of("12345\xff", 8, cut), "12345");
  EXPECT(cut);
  EXPECT_EQ(text_of("1234\xff", 8, cut), "1234\\xff");
  EXPECT(!cut);
  EXPECT_EQ(text_of("1234\xff"
                    "5",
                    8, cut),
            "1234\\xff");
  EXPECT(cut);
}

TEST(record, text_head_fits_its_length) {
  for (const std::size_t n : {0u, 31u, 32u, 255u, 256u, 4096u}) {
    std::vector<std::uint8_t> out(3 + 4096);
    bool cut = false;
    const std::string plain(n, 'a');
    const auto size = static_cast<std::size_t>(record::text(out.data(), plain, 4096, cut) - out.data());
    EXPECT_EQ(size, n + (n < 32 ? 1 : n < 256 ? 2 : 3));
    // The slow way, forced by a two-byte character, must agree on the form.
    if (n < 2) continue;
    const std::string wide = std::string(n - 2, 'a') + "\xc3\xb3";
    EXPECT_EQ(static_cast<std::size_t>(record::text(out.data(), wide, 4096, cut) - out.data()), size);
    EXPECT(!cut);
  }
}

TEST(record, a_value_at_its_cap_stands_and_one_over_says_cut) {
  Space space(kRecordBytesMax);
  RecordWriter writer(space.buffer);
  DnsEvent event;
  for (const auto& [length, cut] : {std::pair{1023u, false}, std::pair{1024u, false}, std::pair{1025u, true}}) {
    const std::string query(length, 'q');
    event.query = query;
    event.encode(writer);
    EXPECT(writer.ok());
    EXPECT_EQ(writer.cut(), cut);
  }
  event.query.reset();
  for (const auto& [length, cut] : {std::pair{63u, false}, std::pair{64u, false}, std::pair{65u, true}}) {
    const std::vector<std::string_view> answers(length, "192.0.2.1");
    event.answers = answers;
    const std::size_t before = space.buffer.size;
    event.encode(writer);
    EXPECT_EQ(writer.cut(), cut);
    EXPECT_EQ(space.bytes[before + 19], cut ? 0xc3 : 0xc2);
  }
  EXPECT_EQ(writer.records(), 6u);
  event.answers = {};
  event.cut = true;
  event.encode(writer);
  EXPECT(writer.cut());
}

TEST(record, the_largest_record_fits_its_bound) {
  // Every byte an escape, every list over its cap: the worst an attacker can ask for.
  const std::string bad(5000, '\xff');
  const std::vector<std::string_view> texts(200, bad);
  const std::vector<double> doubles(200, 1.5);
  const std::vector<std::uint16_t> shorts(200, 0xffff);
  DnsEvent event;
  event.vlan = 0xffff;
  event.rtt = 1.0;
  event.query = event.original_query = event.qclass_name = event.qtype_name = event.rcode_name = bad;
  event.qclass = event.qtype = event.rcode = event.request_bytes = event.response_bytes = event.edns_udp_size = 0xffff;
  event.edns_version = event.Z = event.opcode = event.proto = 0xff;
  event.orig_p = event.resp_p = event.trans_id = 0xffff;
  event.opcode_name = bad;
  event.answers = event.auth = event.addl = texts;
  event.TTLs = doubles;
  event.answer_types = shorts;
  Space space(DnsEvent::kBytesMax);
  RecordWriter writer(space.buffer);
  event.encode(writer);
  EXPECT(writer.ok());
  EXPECT(writer.cut());
  EXPECT(space.buffer.size <= event.bytes_bound());
  EXPECT(event.bytes_bound() <= DnsEvent::kBytesMax);
  EXPECT(space.buffer.size > DnsEvent::kBytesMax / 2);
  EXPECT(space.buffer.size <= DnsEvent::kBytesMax);
  EXPECT(DnsEvent::kBytesMax <= kRecordBytesMax);
}

TEST(record, a_full_buffer_refuses_whole_records_only) {
  Space space(4096);
  RecordWriter writer(space.buffer);
  ArpEvent event;
  std::uint64_t n = 0;
  while (event.encode(writer), writer.ok()) n++;
  EXPECT(n > 10);
  EXPECT_EQ(writer.records(), n);
  EXPECT_EQ(space.buffer.size % n, 0u);
  EXPECT(space.buffer.cap - space.buffer.size < ArpEvent::kBytesMax);
}

TEST(record, uid_text_reverses) {
  for (const std::uint64_t v : {0ULL, 61ULL, 62ULL, 1ULL << 40, 18446744073709551615ULL}) {
    char text[kUidTextBytes];
    uid_text(Uid{v}, text);
    Uid back;
    EXPECT(uid_parse({text, sizeof text}, back));
    EXPECT_EQ(back.value, v);
  }
  Uid uid;
  EXPECT(!uid_parse("C0000000000", uid));
  EXPECT(!uid_parse("D00000000000", uid));
  EXPECT(!uid_parse("C0000000000-", uid));
  EXPECT(!uid_parse("Czzzzzzzzzzz", uid));  // 62^11 - 1 is over 2^64
}

}  // namespace catenary
