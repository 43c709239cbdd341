#include <pcap/dlt.h>
#include <unistd.h>

#include <fstream>

#include "base/test.h"
#include "capture/source.h"

using namespace catenary;
using namespace catenary::capture;

namespace {

using Data = std::vector<std::uint8_t>;

enum class Order { kLittle, kBig };

void put32(Data& to, std::uint32_t v, Order order) {
  for (unsigned i = 0; i < 4; i++) to.push_back(static_cast<std::uint8_t>(v >> 8 * (order == Order::kBig ? 3 - i : i)));
}
Data head(std::uint32_t magic, std::uint32_t snaplen, std::uint32_t linktype = DLT_EN10MB,
          Order order = Order::kLittle) {
  Data d;
  for (const std::uint32_t v : {magic, order == Order::kBig ? 0x00020004u : 0x00040002u, 0u, 0u, snaplen, linktype})
    put32(d, v, order);
  return d;
}
void add(Data& to, std::uint32_t second, std::uint32_t part, std::uint32_t size, Order order = Order::kLittle) {
  for (const std::uint32_t v : {second, part, size, size + 1}) put32(to, v, order);
  for (std::uint32_t i = 0; i < size; i++) to.push_back(static_cast<std::uint8_t>(size + i));
}

struct Read {
  std::vector<RawPacket> packets;
  std::vector<Data> bytes;
  std::string error;
  std::uint64_t position = 0;
};
Read read(const Data& file) {
  const std::string path = "/tmp/catenary_pcap_test_" + std::to_string(getpid());
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(file.data()), static_cast<std::streamsize>(file.size()));
  Read out;
  if (const auto source = open_file(path, {}, out.error)) {
    RawPacket p;
    while (source->next(p) == Next::kPacket) {
      out.packets.push_back(p);
      out.bytes.emplace_back(p.data.begin(), p.data.end());
    }
    out.error = source->error();
    out.position = source->position();
  }
  unlink(path.c_str());
  return out;
}

constexpr std::uint32_t kMicros = 0xa1b2c3d4, kNanos = 0xa1b23c4d;

}  // namespace

TEST(pcap_file, records_of_either_byte_order_and_resolution) {
  for (const Order order : {Order::kLittle, Order::kBig}) {
    for (const std::uint32_t magic : {kMicros, kNanos}) {
      Data file = head(magic, 65535, DLT_EN10MB, order);
      add(file, 1700000000, 5, 3, order);
      add(file, 1, 0x20202020, 0, order);  // a fraction of more than a second, as damage makes it
      const Read r = read(file);
      EXPECT_EQ(r.error, "");
      if (r.packets.size() != 2) return test::fail(__FILE__, __LINE__, "not two packets");
      const Nanos unit = magic == kNanos ? 1 : 1000;
      EXPECT_EQ(r.packets[0].ts, 1700000000 * kSecond + 5 * unit);
      EXPECT_EQ(r.packets[1].ts, kSecond + Nanos{0x20202020} * unit);
      EXPECT(r.packets[0].wire_len == 4 && r.packets[0].linktype == DLT_EN10MB && r.bytes[0] == (Data{3, 4, 5}));
      EXPECT_EQ(r.position, file.size());
    }
  }
}

// Longer than what is read at once, records that lie across its end, and the longest there is.
TEST(pcap_file, records_across_every_read) {
  Data file = head(kMicros, kPacketBytesMax);
  std::vector<std::uint32_t> sizes;
  for (std::uint32_t i = 0; file.size() < 3'000'000; i++)
    add(file, i, 0, sizes.emplace_back(i % 50 == 49 ? kPacketBytesMax : i * 7919 % 3000));
  const Read r = read(file);
  EXPECT_EQ(r.error, "");
  EXPECT_EQ(r.packets.size(), sizes.size());
  for (std::size_t i = 0; i < sizes.size(); i++) {
    EXPECT_EQ(r.bytes[i].size(), sizes[i]);
    for (std::size_t k = 0; k < sizes[i]; k += 101)
      if (r.bytes[i][k] != static_cast<std::uint8_t>(sizes[i] + k))
        return test::fail(__FILE__, __LINE__, "other bytes");
  }
}

TEST(pcap_file, what_is_longer_than_the_snap_length_is_cut) {
  Data file = head(kMicros, 2);
  add(file, 0, 0, 5);
  add(file, 1, 0, 1);
  const Read r = read(file);
  EXPECT(r.error.empty() && r.bytes.size() == 2 && r.bytes[0] == (Data{5, 6}) && r.bytes[1] == Data{1});
}

TEST(pcap_file, a_file_that_breaks_off_and_lengths_of_no_packet) {
  Data file = head(kMicros, 65535);
  add(file, 0, 0, 4);
  const std::size_t whole = file.size();
  add(file, 1, 0, 4);
  const struct {
    std::size_t size;
    const char* error;
  } cuts[] = {{whole, ""},
              {whole + 15, "truncated dump file; tried to read 16 header bytes, only got 15"},
              {whole + 18, "truncated dump file; tried to read 4 captured bytes, only got 2"}};
  for (const auto& cut : cuts) {
    const Read r = read(Data(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(cut.size)));
    EXPECT_EQ(r.error, cut.error);
    EXPECT_EQ(r.packets.size(), 1u);
  }
  Data longer = head(kMicros, 65535), longest = head(kMicros, 0);
  for (const std::uint32_t v : {0u, 0u, kPacketBytesMax + 1, 0u}) {
    put32(longer, v, Order::kLittle);
    put32(longest, v, Order::kLittle);
  }
  EXPECT_EQ(read(longer).error, "invalid packet capture length 262145, bigger than snaplen of 65535");
  EXPECT_HAS(read(longest).error, "invalid packet capture length 262145, bigger than");
}
