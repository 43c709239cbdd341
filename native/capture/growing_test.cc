// Captures that grow, byte by byte where it matters: what is whole is read, what is not is waited for.
#include "capture/growing.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/test.h"

namespace catenary::capture {
namespace {

using Octets = std::vector<std::uint8_t>;

// Little endian, microseconds, Ethernet.
const Octets kPcap = test::hex("d4c3b2a1 0200 0400 00000000 00000000 ffff0000 01000000");
Octets pcap_record(std::uint8_t n, std::uint8_t fill) {
  Octets r{1, 0, 0, 0, 2, 0, 0, 0, n, 0, 0, 0, n, 0, 0, 0};
  r.insert(r.end(), n, fill);
  return r;
}
const Octets kSection = test::hex("0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000");
const Octets kInterface = test::hex("01000000 14000000 0100 0000 00000000 14000000");
const Octets kBlock = test::hex("06000000 24000000 00000000 00000000 01000000 04000000 04000000 aabbccdd 24000000");

Octets join(std::initializer_list<Octets> parts) {
  Octets all;
  for (const Octets& p : parts) all.insert(all.end(), p.begin(), p.end());
  return all;
}

struct TempFolder {
  TempFolder() {
    char name[] = "/tmp/catenary-growing-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~TempFolder() { std::filesystem::remove_all(path); }
  void append(const char* name, Bytes bytes) const {
    std::ofstream(path + "/" + name, std::ios::app | std::ios::binary)
        .write(as_text(bytes).data(), static_cast<std::streamsize>(bytes.size()));
  }
  std::string path;
};

// First byte of each packet that is there now.
std::string now(Source& source, Next& last) {
  std::string out;
  for (RawPacket p; (last = source.next(p)) == Next::kPacket;)
    out += static_cast<char>(p.data.empty() ? '-' : p.data[0]);
  return out;
}

TEST(growing, records_end_where_their_lengths_say_at_every_cut) {
  struct Case {
    Octets bytes;
    std::vector<std::size_t> ends;
  };
  const Octets r = pcap_record(5, 'a');
  const Case cases[] = {{join({kPcap, r, pcap_record(0, 0), r}), {24, 45, 61, 82}},
                        {join({kSection, kInterface, kBlock, kSection, kBlock}), {28, 48, 84, 112, 148}}};
  for (const Case& c : cases) {
    for (std::size_t n = 0; n <= c.bytes.size(); n++) {
      RecordBounds bounds;
      std::size_t want = 0;
      for (const std::size_t end : c.ends) want = end <= n ? end : want;
      EXPECT_EQ(bounds.whole(Bytes(c.bytes).first(n)), want);
      // And from there on with the rest.
      EXPECT_EQ(bounds.whole(Bytes(c.bytes).subspan(want)), c.bytes.size() - want);
      EXPECT(!bounds.is_lost());
    }
  }
}

TEST(growing, what_is_no_capture_or_has_an_absurd_length_is_handed_on) {
  RecordBounds text;
  EXPECT_EQ(text.whole(test::bytes("GET / HTTP/1.1\r\nHost: a\r\n")), 25U);
  EXPECT(text.is_lost());
  for (const std::size_t caplen : {kRecordHeldMax - 17, kRecordHeldMax - 16, kRecordHeldMax - 15}) {
    Octets bytes = join({kPcap, pcap_record(0, 0)});
    for (std::size_t i = 0; i < 4; i++) bytes[32 + i] = static_cast<std::uint8_t>(caplen >> 8 * i);
    RecordBounds bounds;
    EXPECT_EQ(bounds.whole(bytes), caplen + 16 > kRecordHeldMax ? bytes.size() : 24U);
    EXPECT_EQ(bounds.is_lost(), caplen + 16 > kRecordHeldMax);
  }
  // A block shorter than a block can be does not stand still.
  Octets zero = kSection;
  zero[4] = 0;
  RecordBounds bounds;
  EXPECT(bounds.whole(zero) > 0);
}

TEST(growing, a_pipe_gives_packets_as_they_come_and_ends_with_its_writer) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const auto send = [&](Bytes b) { EXPECT_EQ(::write(ends[1], b.data(), b.size()), static_cast<ssize_t>(b.size())); };
  const auto source = open_input(ends[0], {});
  Next last{};
  EXPECT_EQ(now(*source, last), "");
  EXPECT(last == Next::kTimeout);
  const Octets record = pcap_record(4, 'b');
  send(join({kPcap, pcap_record(3, 'a'), {record.begin(), record.begin() + 18}}));
  EXPECT_EQ(now(*source, last), "a");
  EXPECT(last == Next::kTimeout);
  send({record.data() + 18, 2});
  EXPECT_EQ(now(*source, last), "b");
  EXPECT(last == Next::kTimeout);
  send({record.data(), 7});
  ::close(ends[1]);
  // What is left is half a record: that is said, not swallowed.
  EXPECT_EQ(now(*source, last), "");
  EXPECT(last == Next::kTimeout);
  EXPECT_EQ(now(*source, last), "");
  EXPECT(last == Next::kError);
  EXPECT_HAS(source->error(), "truncated");
  ::close(ends[0]);
}

TEST(growing, a_folder_is_read_as_it_grows_in_the_order_of_numbers) {
  const TempFolder f;
  std::string error;
  EXPECT(open_folder(f.path + "/none", {}, error) == nullptr);
  EXPECT(!error.empty());
  const auto source = open_folder(f.path, {}, error);
  if (!source) return;
  Next last{};
  EXPECT_EQ(now(*source, last), "");
  EXPECT(last == Next::kTimeout);
  f.append(".hidden", kPcap);
  f.append("t9", join({kPcap, pcap_record(3, 'a')}));
  f.append("t10", join({kSection, kInterface, kBlock}));
  EXPECT_EQ(now(*source, last), "a\xaa");
  EXPECT(last == Next::kTimeout);
  f.append("t10", {kBlock.data(), 20});
  EXPECT_EQ(now(*source, last), "");
  f.append("t10", {kBlock.data() + 20, kBlock.size() - 20});
  f.append("t11", {kPcap.data(), 10});
  EXPECT_EQ(now(*source, last), "\xaa");
  f.append("t11", join({{kPcap.begin() + 10, kPcap.end()}, pcap_record(2, 'c')}));
  EXPECT_EQ(now(*source, last), "c");
  EXPECT(source->error().empty());
  // A file that breaks off is named, and the next one read.
  f.append("t11", {kBlock.data(), 9});
  f.append("t12", join({kPcap, pcap_record(2, 'd')}));
  EXPECT_EQ(now(*source, last), "d");
  EXPECT_HAS(source->error(), "t11: ");
}

}  // namespace
}  // namespace catenary::capture
