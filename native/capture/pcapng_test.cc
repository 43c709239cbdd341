#include "capture/pcapng.h"

#include <unistd.h>

#include <fstream>

#include "base/test.h"

using namespace catenary;
using namespace catenary::capture;
using test::hex;

namespace {

// A section header, little-endian.
const char* kSection = "0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000";
// Ethernet, snap length 64; raw IP with nanoseconds.
const char* kEthernet = "01000000 14000000 0100 0000 40000000 14000000";
const char* kRawNanos = "01000000 20000000 6500 0000 00000000 0900 0100 09000000 0000 0000 20000000";
const char* kPacket0 = "06000000 24000000 00000000 a0860100 40420f00 04000000 08000000 aabbccdd 24000000";

std::string write(const std::string& digits, std::size_t keep = std::string::npos) {
  static int n = 0;
  const std::string path = "/tmp/catenary_pcapng_test_" + std::to_string(getpid()) + "_" + std::to_string(n++);
  auto bytes = hex(digits);
  if (keep < bytes.size()) bytes.resize(keep);
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return path;
}

struct Read {
  int packets = 0;
  RawPacket last;
  std::string error;
};
Read read(const std::string& path, const std::string& filter = "") {
  Read out;
  auto source = open_file(path, {filter}, out.error);
  if (source) {
    for (;;) {
      RawPacket p;
      const Next next = source->next(p);
      if (next == Next::kError) out.error = source->error();
      if (next != Next::kPacket) break;
      out.packets++;
      out.last = p;
    }
  }
  unlink(path.c_str());
  return out;
}

}  // namespace

TEST(pcapng, a_packet_with_its_time_and_lengths) {
  const Read r = read(write(std::string(kSection) + kEthernet + kPacket0));
  EXPECT_EQ(r.packets, 1);
  EXPECT_EQ(r.error, "");
  EXPECT_EQ(r.last.wire_len, 8u);
  EXPECT_EQ(r.last.linktype, 1);
  EXPECT_EQ(r.last.ts, static_cast<Nanos>((std::uint64_t{0x186a0} << 32 | 0xf4240)) * 1000);
}

TEST(pcapng, interfaces_may_differ_in_link_type_and_resolution) {
  const std::string second = "06000000 24000000 01000000 00000000 40420f00 04000000 04000000 45000000 24000000";
  const Read r = read(write(std::string(kSection) + kEthernet + kRawNanos + kPacket0 + second));
  EXPECT_EQ(r.packets, 2);
  EXPECT_EQ(r.last.linktype, 12);
  EXPECT_EQ(r.last.ts, 1'000'000);
}

TEST(pcapng, both_byte_orders) {
  const Read r =
      read(write("0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c"
                 "00000001 00000014 0001 0000 00000040 00000014"
                 "00000006 00000024 00000000 00000000 000f4240 00000004 00000008 aabbccdd 00000024"));
  EXPECT_EQ(r.packets, 1);
  EXPECT_EQ(r.last.ts, kSecond);
}

TEST(pcapng, simple_packets_and_unknown_blocks) {
  const Read r = read(write(std::string(kSection) + kEthernet + "05000000 10000000 00000000 10000000" +
                            "03000000 14000000 04000000 aabbccdd 14000000"));
  EXPECT_EQ(r.packets, 1);
  EXPECT_EQ(r.last.data.size(), 4u);
}

TEST(pcapng, a_new_section_forgets_the_interfaces) {
  const Read r = read(write(std::string(kSection) + kEthernet + kPacket0 + kSection + kPacket0));
  EXPECT_EQ(r.packets, 1);
  EXPECT(!r.error.empty());
}

TEST(pcapng, every_cut_is_an_error_or_a_whole_file) {
  const std::string file = std::string(kSection) + kEthernet + kPacket0;
  const std::size_t whole = hex(file).size();
  for (std::size_t n = 5; n < whole; n++) {
    const Read r = read(write(file, n));
    EXPECT_EQ(r.packets, 0);
    EXPECT(n == 28 || n == 48 ? r.error.empty() : !r.error.empty());
  }
}

TEST(pcapng, lengths_that_lie) {
  for (const char* block :
       {"06000000 0c000000 00000000",  // shorter than its own header
        "06000000 22000000 00000000",  // no multiple of four
        "06000000 24000000 00000000 00000000 00000000 05000000 05000000 aabbccdd 24000000",  // caplen past
        "06000000 24000000 07000000 00000000 00000000 04000000 04000000 aabbccdd 24000000",  // no such interface
        "06000000 f0ffffff 00000000"}) {
    const Read r = read(write(std::string(kSection) + kEthernet + block));
    EXPECT_EQ(r.packets, 0);
    EXPECT(!r.error.empty());
  }
}

TEST(pcapng, a_filter_means_its_link_type) {
  EXPECT_EQ(read(write(std::string(kSection) + kEthernet + kPacket0), "less 5").packets, 0);
  EXPECT_EQ(read(write(std::string(kSection) + kEthernet + kPacket0), "less 100").packets, 1);
  const Read bad = read(write(std::string(kSection) + kEthernet + kPacket0), "no such words");
  EXPECT(bad.error.find("no such words") != std::string::npos);
}

TEST(pcap_file, both_byte_orders_and_resolutions) {
  const char* rows[] = {
      "d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000  01000000 02000000 04000000 08000000 aabbccdd",
      "a1b2c3d4 0002 0004 00000000 00000000 00040000 00000001  00000001 00000002 00000004 00000008 aabbccdd",
      "4d3cb2a1 0200 0400 00000000 00000000 00000400 01000000  01000000 d0070000 04000000 08000000 aabbccdd",
      "a1b23c4d 0002 0004 00000000 00000000 00040000 00000001  00000001 000007d0 00000004 00000008 aabbccdd"};
  for (const char* row : rows) {
    const Read r = read(write(row));
    EXPECT_EQ(r.packets, 1);
    EXPECT_EQ(r.last.ts, kSecond + 2000);
    EXPECT_EQ(r.last.wire_len, 8u);
  }
}

TEST(pcap_file, what_is_no_capture_is_said_so) {
  EXPECT(!read(write("")).error.empty());
  EXPECT(!read(write("d4c3b2a1 0200")).error.empty());
  EXPECT(!read(write("7f454c46 02010100 0000000000000000 0200 3e00 0100000000000000")).error.empty());
  // 2.2: caplen and len would be read swapped.
  EXPECT(read(write("d4c3b2a1 0200 0200 00000000 00000000 00000400 01000000")).error.find("2.2") != std::string::npos);
  std::string error;
  EXPECT(open_file("/nonexistent/file", {}, error) == nullptr);
  EXPECT(!error.empty());
}
