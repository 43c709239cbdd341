// Segments as other tools read them, counters that add up at every limit, and what a full disk leaves.
#include "packets/writer.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/cursor.h"
#include "base/test.h"
#include "packets/digest.h"
#include "packets/match.h"

using namespace catenary;
using packets::FlowShare;
using packets::Segment;
using packets::Writer;
using packets::WriterOptions;

namespace {

constexpr Nanos kStart = 1'700'000'000 * kSecond;

// A folder of its own that goes when the test does.
struct Folder {
  Folder() {
    char name[] = "/tmp/catenary-packets-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::vector<std::uint8_t> read(const std::string& name) const {
    std::ifstream in(path + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& e : std::filesystem::directory_iterator(path)) out.push_back(e.path().filename());
    std::sort(out.begin(), out.end());
    return out;
  }
  std::string path;
};

struct Bench {
  explicit Bench(WriterOptions o = {}) : options(std::move(o)) { options.dir = folder.path; }
  void packet(Nanos ts, std::size_t bytes, std::uint64_t uid, std::uint64_t before = 0, int linktype = 1) {
    const std::vector<std::uint8_t> data(bytes, 0x5a);
    const FlowShare share{{uid}, before};
    writer().packet({ts, static_cast<std::uint32_t>(bytes + 7), linktype, data},
                    uid == 0 ? std::span<const FlowShare>{} : std::span(&share, 1));
  }
  std::vector<Segment> finish() {
    writer().finish();
    return writer().take_closed();
  }
  Writer& writer() {
    if (!made) made = std::make_unique<Writer>(options);
    return *made;
  }
  Folder folder;
  WriterOptions options;
  std::unique_ptr<Writer> made;
};

bool adds_up(const Segment& s) {
  const auto& c = s.counters;
  return c.taken == c.decoded && c.decoded == c.written + c.cutoff + c.not_kept;
}

// A source of a closed segment, read by the reader that reads everybody's files.
struct Read {
  explicit Read(const std::string& path) {
    std::string error;
    const auto source = capture::open_file(path, {}, error);
    EXPECT_EQ(error, "");
    capture::RawPacket raw;
    while (source && source->next(raw) == capture::Next::kPacket) {
      count++;
      last = raw;
      last_bytes.assign(raw.data.begin(), raw.data.end());
    }
  }
  std::size_t count = 0;
  capture::RawPacket last;
  std::vector<std::uint8_t> last_bytes;
};

TEST(packets, a_segment_is_pcapng_with_nanoseconds_and_flow_numbers) {
  Bench b({.interface = "mirror0", .filter = "not port 22"});
  b.packet(kStart + 123456789, 61, 0x1122334455667788);
  b.packet(kStart + 987654321, 60, 7);
  const auto closed = b.finish();
  EXPECT_EQ(closed.size(), 1U);
  EXPECT_EQ(closed[0].name, "00000001-00000001.pcapng");
  EXPECT(adds_up(closed[0]));
  EXPECT_EQ(closed[0].counters.written, 2U);
  const Read r(b.folder.path + "/" + closed[0].name);
  EXPECT_EQ(r.count, 2U);
  EXPECT_EQ(r.last.ts, kStart + 987654321);
  EXPECT_EQ(r.last.wire_len, 67U);
  EXPECT_EQ(r.last_bytes.size(), 60U);
  const auto bytes = b.folder.read(closed[0].name);
  EXPECT_EQ(bytes.size(), closed[0].bytes);
  EXPECT_HAS(as_text(bytes), "mirror0");
  EXPECT_HAS(as_text(bytes), "not port 22");
  const auto id = test::hex("0500 0800 8877665544332211");
  EXPECT_HAS(as_text(bytes), as_text(id));
  EXPECT_EQ(b.folder.names().size(), 2U);  // nothing hidden is left
  struct stat st {};
  EXPECT_EQ(::stat((b.folder.path + "/" + closed[0].name).c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0600U);
}

TEST(packets, the_index_finds_every_packet_of_a_flow) {
  Bench b;
  for (std::uint64_t i = 0; i < 50; i++) b.packet(kStart + static_cast<Nanos>(i), 60 + i, i % 5);
  const auto closed = b.finish();
  const auto index = b.folder.read("00000001-00000001.idx"), file = b.folder.read(closed[0].name);
  Cursor in(index);
  EXPECT_EQ(as_text(in.take(8)), "CTNYIDX2");
  EXPECT_EQ(in.le32(), 5U);
  EXPECT_EQ(in.le32(), 50U);
  EXPECT_EQ(in.le64(), closed[0].bytes);
  in.skip(8);
  std::uint32_t expected_first = 0;
  for (std::uint64_t flow = 0; flow < 5; flow++) {
    EXPECT_EQ(in.le64(), flow);
    EXPECT_EQ(in.le32(), expected_first);
    EXPECT_EQ(in.le32(), 10U);
    EXPECT_EQ(in.le64(), static_cast<std::uint64_t>(kStart) + flow);
    EXPECT_EQ(in.le64(), static_cast<std::uint64_t>(kStart) + flow + 45);
    expected_first += 10;
  }
  for (std::uint64_t i = 0; i < 50; i++) {
    const std::uint32_t offset = in.le32(), bytes = in.le32();
    Cursor block(Bytes(file).subspan(offset, bytes));
    EXPECT_EQ(block.le32(), packets::kPacketBlock);
    EXPECT_EQ(block.le32(), bytes);
    Cursor id(Bytes(file).subspan(offset + bytes - 16, 8));
    EXPECT_EQ(id.le64(), i / 10);
  }
  // All flows have the same ends here: address and port 0, of both ends one term each.
  for (const std::uint64_t term : {packets::term_of(std::uint16_t{0}), packets::term_of(Ip{})})
    for (std::uint32_t row = 1; row < 5; row++) {
      EXPECT_EQ(in.le64(), term);
      EXPECT_EQ(in.le32(), row);
    }
  EXPECT(in.ok() && in.done());
}

TEST(packets, a_flow_is_found_by_its_ends_once_however_often_they_were_noted) {
  Bench b;
  const std::vector<std::uint8_t> data(60, 1);
  const std::uint8_t four[4] = {10, 0, 0, 5};
  std::uint8_t six[16] = {0x20, 0x01};
  six[8] = 0x0f;
  six[15] = 9;
  // Two flows that push each other out of what was noted last, in turns; flow numbers that ascend otherwise.
  const FlowShare a{{packets::kRecentFlows + 7}, 0, {Ip::v4(four), Ip::v6(six)}, {445, 40000}};
  const FlowShare z{{7}, 0, {Ip::v4(four), Ip::v4(four)}, {53, 53}};
  for (int i = 0; i < 6; i++) b.writer().packet({kStart + i, 60, 1, data}, std::span(i % 2 == 0 ? &a : &z, 1));
  b.finish();
  const auto index = b.folder.read("00000001-00000001.idx");
  Cursor in(index);
  in.skip(24);
  EXPECT_EQ(in.le32(), 6U);
  in.skip(4 + 2 * packets::kIndexFlow + 6 * packets::kIndexPlace);
  const std::uint64_t port = std::uint64_t{1} << 56, ip4 = std::uint64_t{4} << 56 | 0x0a000005;
  const std::uint64_t ip6 = std::uint64_t{6} << 56 | ((0x2001000000000000 ^ 0x0f00000000000009) & 0x00ffffffffffffff);
  const std::pair<std::uint64_t, std::uint32_t> expected[] = {{port | 53, 0}, {port | 445, 1}, {port | 40000, 1},
                                                              {ip4, 0},       {ip4, 1},        {ip6, 1}};
  for (const auto& [term, row] : expected) {
    EXPECT_EQ(in.le64(), term);
    EXPECT_EQ(in.le32(), row);
  }
  EXPECT(in.ok() && in.done());
}

TEST(packets, the_index_says_of_which_flows_packets_were_cut_off) {
  Bench b({.cutoff_bytes = 100});
  b.packet(kStart, 60, 7, 0);
  b.packet(kStart + 1, 60, 8, 0);
  b.packet(kStart + 2, 60, 8, 100);  // cut
  b.packet(kStart + 3, 60, 9, 500);  // cut: nothing of it is here
  const auto closed = b.finish();
  EXPECT_EQ(closed[0].counters.cutoff, 2U);
  const auto index = b.folder.read("00000001-00000001.idx");
  Cursor in(index);
  in.skip(8);
  EXPECT_EQ(in.le32(), 3U);
  EXPECT_EQ(in.le32(), 2U);
  in.skip(16);
  const std::array<std::uint32_t, 3> places = {1, 1 | packets::kIndexCut, packets::kIndexCut};
  for (std::size_t i = 0; i < 3; i++) {
    EXPECT_EQ(in.le64(), 7 + i);
    in.skip(4);
    EXPECT_EQ(in.le32(), places[i]);
    in.skip(16);
  }
}

TEST(packets, of_more_flows_than_are_noted_all_may_have_been_cut_off) {
  for (const std::uint64_t cut : {8, 9, 20}) {
    Bench b({.cutoff_bytes = 100, .index_places_max = 4});
    b.packet(kStart, 60, 0);
    for (std::uint64_t i = 1; i <= cut; i++) b.packet(kStart + 1, 60, i, 500);
    b.finish();
    const auto index = b.folder.read("00000001-00000001.idx");
    Cursor in(index);
    in.skip(8);
    EXPECT_EQ(in.le32(), 9U);
    in.skip(packets::kIndexHeader);  // to the places of the first row
    EXPECT_EQ(in.le32(), cut > 8 ? 1 | packets::kIndexCut : 1U);
  }
}

TEST(packets, a_filter_passes_what_libpcap_would) {
  Bench b;
  const auto udp = [](std::uint8_t port) {
    auto p = test::hex("020000000002 020000000001 0800 4500 0020 0000 0000 4011 0000 0a000001 0a000002 03e8 0009 000c");
    p[37] = port;
    p.resize(60);
    return p;
  };
  for (const std::uint8_t port : std::initializer_list<std::uint8_t>{9, 53, 9, 53, 7}) {
    const auto data = udp(port);
    b.writer().packet({kStart + port, 60, 1, data}, {});
  }
  const auto closed = b.finish();
  const std::string path = b.folder.path + "/" + closed[0].name;
  const std::size_t block = packets::packet_block_bytes(60);
  std::vector<std::uint32_t> offsets;
  for (std::size_t i = 0; i < 5; i++) offsets.push_back(static_cast<std::uint32_t>(closed[0].bytes - (5 - i) * block));
  const std::uint32_t ethernet[] = {1};
  const auto passed = [&](const std::string& filter) {
    return packets::match_packets(path, filter, offsets, ethernet).passed;
  };
  EXPECT(passed("udp port 53") == (std::vector<std::uint8_t>{0, 1, 0, 1, 0}));
  EXPECT(passed("host 10.0.0.1 and not port 53") == (std::vector<std::uint8_t>{1, 0, 1, 0, 1}));
  EXPECT(passed("") == (std::vector<std::uint8_t>{1, 1, 1, 1, 1}));
  EXPECT_HAS(packets::match_packets(path, "port of call", {}, ethernet).error, "filter 'port of call'");
  offsets[1] += 4;
  const auto odd = packets::match_packets(path, "udp", offsets, ethernet);
  EXPECT_HAS(odd.error, "no packet where the index says");
  EXPECT(odd.passed.empty());
  EXPECT_HAS(packets::match_packets(path + "x", "udp", offsets, ethernet).error, "No such file");
  const std::uint32_t one[] = {offsets[0]};
  EXPECT_HAS(packets::match_packets(path, "udp", one, {}).error, "no packet where the index says");
}

TEST(packets, a_tunnelled_packet_is_found_by_both_flows_and_tells_the_inner_one) {
  Bench b;
  const std::vector<std::uint8_t> data(80, 1);
  const FlowShare both[2] = {{{11}, 0}, {{22}, 0}};
  b.writer().packet({kStart, 80, 1, data}, both);
  const auto closed = b.finish();
  const auto index = b.folder.read("00000001-00000001.idx");
  Cursor in(index);
  in.skip(8);
  EXPECT_EQ(in.le32(), 2U);
  EXPECT_EQ(closed[0].counters.written, 1U);
  const auto file = b.folder.read(closed[0].name);
  Cursor id(Bytes(file).last(16));
  EXPECT_EQ(id.le64(), 22U);
}

TEST(packets, a_stretch_of_time_ends_at_its_edge) {
  for (const Nanos late : {-1, 0, 1}) {
    Bench b({.segment_time = 60 * kSecond});
    b.packet(kStart, 60, 1);
    b.packet(kStart + 60 * kSecond + late, 60, 1);
    EXPECT_EQ(b.finish().size(), late < 0 ? 1U : 2U);
  }
  Bench quiet({.segment_time = 60 * kSecond});
  quiet.packet(kStart, 60, 1);
  quiet.writer().tick(kStart + 60 * kSecond);
  EXPECT_EQ(quiet.finish().size(), 1U);
}

TEST(packets, a_segment_holds_its_bytes_and_not_one_more) {
  for (const int more : {-4, 0, 4}) {
    Bench b({.segment_bytes = packets::kSegmentBytesMin});
    b.packet(kStart, 1000, 1);
    Bench probe;
    probe.packet(kStart, 1000, 1);
    const std::size_t used = probe.finish()[0].bytes;
    const std::size_t left = packets::kSegmentBytesMin - used - packets::kPacketOverhead;
    b.packet(kStart + 1, left + static_cast<std::size_t>(more), 1);
    const auto closed = b.finish();
    EXPECT_EQ(closed.size(), more <= 0 ? 1U : 2U);
    for (const Segment& s : closed) EXPECT(s.bytes <= packets::kSegmentBytesMin && adds_up(s));
  }
}

TEST(packets, a_full_index_ends_the_segment) {
  for (const std::size_t n : {7, 8, 9}) {
    Bench b({.index_places_max = 8});
    for (std::size_t i = 0; i < n; i++) b.packet(kStart, 60, 1 + i);
    const auto closed = b.finish();
    EXPECT_EQ(closed.size(), n <= 8 ? 1U : 2U);
    std::uint64_t written = 0;
    for (const Segment& s : closed) written += s.counters.written;
    EXPECT_EQ(written, n);
  }
}

TEST(packets, a_seventeenth_link_type_begins_another_segment) {
  for (const int n : {15, 16, 17}) {
    Bench b;
    for (int i = 0; i < n; i++) b.packet(kStart, 60, 1, 0, i);
    EXPECT_EQ(b.finish().size(), n <= 16 ? 1U : 2U);
  }
}

TEST(packets, of_a_flow_its_share_is_kept_and_of_a_held_one_all) {
  for (const std::uint64_t before : {999, 1000, 1001}) {
    Bench b({.cutoff_bytes = 1000});
    b.packet(kStart, 60, 5, before);
    b.packet(kStart, 60, 0);  // of no flow: always
    const auto closed = b.finish();
    EXPECT_EQ(closed[0].counters.cutoff, before < 1000 ? 0U : 1U);
    EXPECT(adds_up(closed[0]));
  }
  Bench b({.cutoff_bytes = 1000});
  EXPECT(b.writer().hold({5}));
  b.packet(kStart, 60, 5, 5000);
  b.writer().release({5});
  b.packet(kStart, 60, 5, 5060);
  const auto closed = b.finish();
  EXPECT_EQ(closed[0].counters.written, 1U);
  EXPECT_EQ(closed[0].counters.cutoff, 1U);
}

TEST(packets, what_is_cut_off_alone_makes_no_file_but_is_counted) {
  Bench b({.cutoff_bytes = 1});
  b.packet(kStart, 60, 5, 100);
  const auto closed = b.finish();
  EXPECT_EQ(closed.size(), 1U);
  EXPECT_EQ(closed[0].name, "");
  EXPECT_EQ(closed[0].counters.cutoff, 1U);
  EXPECT(b.folder.names().empty());
}

TEST(packets, so_many_flows_are_held) {
  Bench b;
  for (std::uint64_t i = 1; i < packets::kHeldMax; i++) EXPECT(b.writer().hold({i}));
  EXPECT(b.writer().hold({packets::kHeldMax}));
  EXPECT(b.writer().hold({packets::kHeldMax}));  // again is no more
  EXPECT(!b.writer().hold({packets::kHeldMax + 1}));
  b.writer().release({9});
  EXPECT(b.writer().hold({packets::kHeldMax + 1}));
}

// RLIMIT_FSIZE refuses a write as a full disk does, in the middle of it.
TEST(packets, a_disk_that_refuses_sheds_and_the_next_stretch_tries_again_soon) {
  Bench b;
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto old = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1'500'000, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  for (int i = 0; i < 3000; i++) b.packet(kStart + i, 1000, 1);
  ::setrlimit(RLIMIT_FSIZE, &before);
  b.packet(kStart + packets::kShedTime - 1, 1000, 1);
  b.packet(kStart + packets::kShedTime, 1000, 1);
  const auto closed = b.finish();
  std::signal(SIGXFSZ, old);
  EXPECT_EQ(closed.size(), 2U);
  EXPECT(adds_up(closed[0]));
  EXPECT_EQ(closed[0].counters.taken, 3001U);
  EXPECT(closed[0].counters.written > 0 && closed[0].counters.not_kept > 0);
  EXPECT_HAS(closed[0].error, "File too large");
  EXPECT_EQ(closed[1].counters.written, 1U);
  EXPECT_EQ(closed[1].error, "");
  const Read r(b.folder.path + "/" + closed[0].name);
  EXPECT_EQ(r.count, closed[0].counters.written);
  const auto digest = packets::digest_segment(b.folder.path + "/" + closed[0].name);
  EXPECT_EQ(digest.whole, digest.bytes);
  EXPECT_EQ(digest.packets, closed[0].counters.written);
  const auto index = b.folder.read("00000001-00000001.idx");
  Cursor in(index);
  in.skip(12);
  EXPECT_EQ(in.le32(), closed[0].counters.written);
}

TEST(packets, a_segment_that_gets_no_name_was_not_kept) {
  Bench b;
  std::filesystem::create_directory(b.folder.path + "/00000001-00000001.pcapng");
  for (int i = 0; i < 3; i++) b.packet(kStart + i, 60, 1);
  const auto closed = b.finish();
  EXPECT_EQ(closed[0].name, "");
  EXPECT_EQ(closed[0].counters.not_kept, 3U);
  EXPECT(adds_up(closed[0]));
  EXPECT_HAS(closed[0].error, ".part: Is a directory");
  EXPECT_EQ(b.folder.names().size(), 1U);
}

TEST(packets, a_folder_that_is_not_there_is_said_and_counted) {
  Bench b;
  b.options.dir = b.folder.path + "/gone";
  b.packet(kStart, 60, 1);
  const auto closed = b.finish();
  EXPECT_EQ(closed.size(), 1U);
  EXPECT_EQ(closed[0].counters.not_kept, 1U);
  EXPECT_HAS(closed[0].error, "gone: No such file");
}

TEST(packets, nothing_that_is_there_is_overwritten) {
  Bench b;
  std::ofstream(b.folder.path + "/.00000001-00000001.part") << "older";
  b.packet(kStart, 60, 1);
  const auto closed = b.finish();
  EXPECT_EQ(closed[0].counters.not_kept, 1U);
  EXPECT_HAS(closed[0].error, "exists");
}

TEST(packets, a_filters_text_is_cut_where_an_option_ends) {
  for (const std::size_t n : {4094, 4095, 4096}) {
    Bench b({.filter = std::string(n, 'f')});
    b.packet(kStart, 60, 1);
    const auto closed = b.finish();
    const auto bytes = b.folder.read(closed[0].name);
    EXPECT_HAS(as_text(bytes), std::string(std::min<std::size_t>(n, 4095), 'f'));
    EXPECT_LACKS(as_text(bytes), std::string(4096, 'f'));
    EXPECT_EQ(Read(b.folder.path + "/" + closed[0].name).count, 1U);
  }
}

TEST(packets, a_packet_is_as_long_as_any_interface_delivers) {
  for (const std::size_t n : {capture::kPacketBytesMax - 1, capture::kPacketBytesMax, capture::kPacketBytesMax + 1}) {
    Bench b;
    b.packet(kStart, n, 1);
    const auto closed = b.finish();
    EXPECT_EQ(closed[0].counters.written, n <= capture::kPacketBytesMax ? 1U : 0U);
  }
}

TEST(packets, the_ring_is_counted_from_stretch_to_stretch) {
  struct Ring final : packets::RingWatch {
    capture::SourceStats stats;
    capture::SourceStats look() override { return stats; }
  } ring;
  Bench b;
  b.writer().watch_ring(&ring);
  b.packet(kStart, 60, 1);
  ring.stats.received = 100;  // of them some are still waiting
  ring.stats.dropped = 10;
  ring.stats.taken = 1;
  b.packet(kStart + 61 * kSecond, 60, 1);
  ring.stats.taken = 2;
  const auto closed = b.finish();
  EXPECT_EQ(closed[0].counters.ring_packets, 11U);
  EXPECT_EQ(closed[0].counters.ring_drops, 10U);
  EXPECT_EQ(closed[1].counters.ring_packets, 1U);
  EXPECT_EQ(closed[1].counters.ring_drops, 0U);
}

TEST(packets, what_is_buffered_is_settled_when_asked) {
  Bench b;
  b.packet(kStart, 60, 1);
  b.packet(kStart + 61 * kSecond, 60, 1);
  EXPECT_EQ(b.writer().settle().written, 2U);
  b.packet(kStart + 62 * kSecond, 60, 1);
  EXPECT_EQ(b.writer().settle().written, 3U);
}

// Roots by the definition in RFC 6962, 2.1, computed naively.
files::Sha256 naive(const std::vector<std::vector<std::uint8_t>>& leaves, std::size_t from, std::size_t to) {
  files::Hasher hasher;
  files::Sha256 out{};
  std::vector<std::uint8_t> in;
  if (to - from == 1) {
    in.push_back(0);
    in.insert(in.end(), leaves[from].begin(), leaves[from].end());
  } else {
    std::size_t k = 1;
    while (k * 2 < to - from) k *= 2;
    in.push_back(1);
    for (const auto& side : {naive(leaves, from, from + k), naive(leaves, from + k, to)})
      in.insert(in.end(), side.begin(), side.end());
  }
  hasher.digest(files::Hash::kSha256, in, out);
  return out;
}

TEST(packets, the_root_is_that_of_rfc_6962) {
  std::vector<std::vector<std::uint8_t>> leaves;
  for (std::uint8_t n = 1; n < 70; n++) {
    leaves.push_back({n, static_cast<std::uint8_t>(n * 3)});
    packets::Tree tree;
    for (const auto& leaf : leaves) tree.add(leaf);
    EXPECT(tree.root() == naive(leaves, 0, leaves.size()));
  }
}

TEST(packets, a_tree_has_every_block_and_ends_in_the_sealed_root) {
  for (int packets : {1, 2, 3, 6, 7, 30}) {
    Bench b;
    for (int i = 0; i < packets; i++) b.packet(kStart + i, static_cast<std::size_t>(40 + i), 1);
    const auto closed = b.finish();
    const std::string path = b.folder.path + "/" + closed[0].name;
    const auto digest = packets::digest_segment(path);
    const auto tree = packets::tree_of_segment(path);
    EXPECT_EQ(tree.offsets.size(), digest.blocks);
    EXPECT_EQ(tree.offsets.back(), digest.bytes - packets::packet_block_bytes(static_cast<std::size_t>(39 + packets)));
    std::string root(64, '0');
    files::hex_text(tree.nodes.back(), root.data());
    EXPECT_EQ(root, digest.root);
    std::size_t nodes = 1;
    for (std::size_t width = tree.offsets.size(); width > 1; width = (width + 1) / 2) nodes += width;
    EXPECT_EQ(tree.nodes.size(), nodes);
  }
  EXPECT_EQ(packets::tree_of_segment("/nonexistent").error, "No such file or directory");
}

TEST(packets, a_file_that_broke_off_is_whole_up_to_its_last_block) {
  Bench b;
  for (int i = 0; i < 3; i++) b.packet(kStart + i, 100, 1);
  const auto closed = b.finish();
  const std::string path = b.folder.path + "/" + closed[0].name;
  const auto whole = packets::digest_segment(path);
  EXPECT_EQ(whole.whole, closed[0].bytes);
  EXPECT_EQ(whole.packets, 3U);
  EXPECT_EQ(whole.blocks, 5U);
  EXPECT_EQ(whole.first, kStart);
  EXPECT_EQ(whole.last, kStart + 2);
  const std::uint64_t block = packets::packet_block_bytes(100);
  for (std::uint64_t cut = 1; cut < block; cut++) {
    std::filesystem::resize_file(path, closed[0].bytes - cut);
    const auto d = packets::digest_segment(path);
    EXPECT_EQ(d.whole, closed[0].bytes - block);
    EXPECT_EQ(d.packets, 2U);
  }
  EXPECT_EQ(packets::digest_segment(b.folder.path + "/none").error, "No such file or directory");
}

}  // namespace
