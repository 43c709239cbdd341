// The channel between two processes, and what its reader makes of a writer that lies.
#include "worker/channel.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <random>

#include "base/test.h"
#include "event/gen/weird.gen.h"
#include "worker/message.h"

namespace catenary::worker {
namespace {

using Octets = std::vector<std::uint8_t>;
using Taken = ChannelReader::Taken;

TEST(channel, messages_come_as_they_were_written_around_the_end_of_the_ring) {
  const int fd = make_channel();
  int wake[2];
  EXPECT_EQ(::pipe2(wake, O_NONBLOCK), 0);
  ChannelWriter writer(fd, wake[1]);
  ChannelReader reader(fd);
  std::mt19937 random(1);
  std::uint32_t type = 0;
  Octets payload;
  EXPECT(reader.take(type, payload) == Taken::kNothing);
  std::uint64_t bytes = 0;
  for (int i = 0; bytes < 3 * kChannelBytes; i++) {
    Octets message(random() % (i % 10 == 0 ? kMessageMax : 4096), static_cast<std::uint8_t>(i));
    const Bytes parts[] = {Bytes(message).first(message.size() / 3), Bytes(message).subspan(message.size() / 3)};
    writer.write(Type::kDrain, parts);
    EXPECT(reader.take(type, payload) == Taken::kMessage);
    EXPECT(payload == message);
    EXPECT_EQ(type, 2U);
    bytes += message.size();
    char woken[8];
    EXPECT(::read(wake[0], woken, sizeof woken) == 1);
  }
  EXPECT(reader.take(type, payload) == Taken::kNothing);
  // The longest there is.
  const Octets longest(kMessageMax, 1);
  const Bytes parts[] = {longest};
  writer.write(Type::kDrain, parts);
  EXPECT(reader.take(type, payload) == Taken::kMessage);
  EXPECT_EQ(payload.size(), kMessageMax);
  for (const int end : {fd, wake[0], wake[1]}) ::close(end);
}

TEST(channel, a_writer_cannot_cut_the_memory_short) {
  const int fd = make_channel();
  EXPECT(::ftruncate(fd, 4096) != 0);
  EXPECT(::fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) != 0);
  ::close(fd);
}

TEST(channel, lengths_and_places_that_cannot_be_are_broken) {
  struct Case {
    std::uint64_t tail;
    std::uint32_t length;
    Taken want;
  };
  const Case cases[] = {{7, 0, Taken::kBroken},
                        {8, 0, Taken::kMessage},
                        {8, 1, Taken::kBroken},
                        {16, 8, Taken::kMessage},
                        {16, 9, Taken::kBroken},
                        {kChannelBytes, kMessageMax, Taken::kMessage},
                        {kChannelBytes, kMessageMax + 1, Taken::kBroken},
                        {kChannelBytes, 0xffffffff, Taken::kBroken},
                        {kChannelBytes + 1, 8, Taken::kBroken},
                        {~std::uint64_t{0}, 8, Taken::kBroken}};
  for (const Case& c : cases) {
    const int fd = make_channel();
    ChannelReader reader(fd);
    const Mapping writer(fd);
    std::memcpy(writer.ring(), &c.length, sizeof c.length);
    writer.page().tail.store(c.tail);
    writer.page().head.store(12345);  // not ours to believe
    std::uint32_t type = 0;
    Octets payload;
    EXPECT(reader.take(type, payload) == c.want);
    ::close(fd);
  }
}

Octets weirds(std::initializer_list<Nanos> times) {
  Octets out(static_cast<std::size_t>(times.size()) * kRecordBytesMax);
  Buffer buffer{out.data(), 0, out.size()};
  RecordWriter writer(buffer);
  for (const Nanos t : times) {
    WeirdEvent e;
    e.ts = e.seen = micros(t);
    e.name = "x";
    e.source = "tcp";
    e.encode(writer);
  }
  out.resize(buffer.size);
  return out;
}

Octets drain(const std::vector<event::Batch>& batches) {
  Octets out = drain_table(batches);
  for (const event::Batch& b : batches) out.insert(out.end(), b.bytes.begin(), b.bytes.end());
  return out;
}

constexpr Micros kNow = 1'700'000'000'000'000;
constexpr Nanos kNowNanos = static_cast<Nanos>(kNow) * 1000;

TEST(channel, a_drain_is_believed_record_by_record) {
  const Octets two = weirds({kNowNanos, kNowNanos + kSecond}), back = weirds({kNowNanos + kSecond, kNowNanos});
  const auto batch = [](Kind kind, std::uint32_t count, const Octets& bytes) {
    return event::Batch{kind, count, 0, 0, bytes};
  };
  DrainMessage m;
  const Octets good = drain({batch(Kind::weird, 2, two)});
  EXPECT_EQ(read_drain(good, kNow, kNow + 1'000'000, m), "");
  EXPECT_EQ(m.batches.size(), 1U);
  EXPECT_EQ(m.batches[0].first_seen, kNow);
  EXPECT_EQ(m.batches[0].last_seen, kNow + 1'000'000);
  EXPECT_EQ(m.last_seen, kNow + 1'000'000);
  EXPECT(Bytes(good).subspan(m.batches[0].offset, m.batches[0].length).size() == two.size());

  EXPECT_HAS(read_drain(good, kNow + 1, kNow + 1'000'000, m), "before the last");
  EXPECT_HAS(read_drain(good, kNow, kNow + 999'999, m), "from the future");
  for (const std::uint32_t count : {0U, 1U, 3U})
    EXPECT(!read_drain(drain({batch(Kind::weird, count, two)}), 0, ~Micros{0}, m).empty());
  EXPECT_HAS(read_drain(drain({batch(Kind::weird, 2, back)}), 0, ~Micros{0}, m), "before the last");
  EXPECT_HAS(read_drain(drain({batch(Kind::weird, 2, two), batch(Kind::weird, 2, two)}), 0, ~Micros{0}, m),
             "out of order");
  for (const Kind kind : {Kind::alert, Kind::audit, Kind::gap, Kind::identity, Kind::sighting, Kind::signal})
    EXPECT_HAS(read_drain(drain({batch(kind, 2, two)}), 0, ~Micros{0}, m), "no packet makes");
  Octets longer = good;
  longer.push_back(0);
  EXPECT_HAS(read_drain(longer, 0, ~Micros{0}, m), "behind");
  for (std::size_t n = 0; n < good.size(); n++) EXPECT(!read_drain(Bytes(good).first(n), 0, ~Micros{0}, m).empty());
}

TEST(channel, a_segment_names_no_file_but_its_own) {
  packets::Segment s;
  s.epoch = 3;
  s.n = 7;
  s.name = "00000003-00000007.pcapng";
  s.counters.ring_drops = 9;
  s.from = kNowNanos;
  s.error = std::string(2000, 'e');
  packets::Segment out;
  EXPECT_EQ(read_segment(segment_message(s), 3, out), "");
  EXPECT_EQ(out.name, s.name);
  EXPECT_EQ(out.counters.ring_drops, 9U);
  EXPECT_EQ(out.from, s.from);
  EXPECT_EQ(out.error.size(), 1024U);
  EXPECT_HAS(read_segment(segment_message(s), 4, out), "another epoch");
  for (const char* name : {"../../etc/shadow", "00000003-00000008.pcapng", "/tmp/x", "00000003-00000007.pcapng "}) {
    s.name = name;
    EXPECT_HAS(read_segment(segment_message(s), 3, out), "another name");
  }
  s.name = "";
  EXPECT_EQ(read_segment(segment_message(s), 3, out), "");
  const Octets whole = segment_message(s);
  for (std::size_t n = 0; n < whole.size(); n++) EXPECT(!read_segment(Bytes(whole).first(n), 3, out).empty());
}

// Whatever a captured process writes, the sensor is told that it is wrong, or given records that are whole.
TEST(channel, ten_thousand_mutated_messages_leave_the_reader_alive) {
  const Octets records = weirds({kNowNanos, kNowNanos + 1000, kNowNanos + 2000});
  const Octets good = drain({{Kind::weird, 3, 0, 0, records}});
  const int fd = make_channel();
  int wake[2];
  EXPECT_EQ(::pipe2(wake, O_NONBLOCK), 0);
  std::mt19937 random(7);
  int refused = 0, broken = 0;
  auto writer = std::make_unique<ChannelWriter>(fd, wake[1]);
  auto reader = std::make_unique<ChannelReader>(fd);
  const Mapping hand(fd);
  for (int i = 0; i < 10'000; i++) {
    Octets message = good;
    for (std::uint32_t n = random() % 4; n > 0; n--)
      message[random() % message.size()] = static_cast<std::uint8_t>(random());
    if (random() % 4 == 0) message.resize(random() % message.size());
    const std::uint64_t before = hand.page().tail.load();
    const Bytes parts[] = {message};
    writer->write(static_cast<Type>(random() % 6), parts);
    // And the length, or where the writer says it is.
    if (i % 100 == 99) std::memset(hand.ring() + before % kChannelBytes, static_cast<int>(random()), 4);
    if (i % 100 == 49) hand.page().tail.fetch_add(random());
    std::uint32_t type = 0;
    Octets payload;
    Taken taken;
    while ((taken = reader->take(type, payload)) == Taken::kMessage) {
      DrainMessage m;
      packets::Segment s;
      if (!read_drain(payload, 0, kNow * 2, m).empty())
        refused++;
      else
        EXPECT(m.batches.size() <= 1);
      refused += !read_segment(payload, 1, s).empty();
    }
    if (taken != Taken::kBroken) continue;
    // A new life, with memory of its own.
    broken++;
    hand.page().tail.store(0);
    hand.page().head.store(0);
    writer = std::make_unique<ChannelWriter>(fd, wake[1]);
    reader = std::make_unique<ChannelReader>(fd);
  }
  EXPECT(refused > 10'000);
  EXPECT(broken > 50);
  for (const int end : {fd, wake[0], wake[1]}) ::close(end);
}

}  // namespace
}  // namespace catenary::worker
