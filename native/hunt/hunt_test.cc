// What is split over segments is found, what is not there is not, nothing is told twice, and every limit holds.
#include "hunt/hunt.h"

#include <stdlib.h>

#include <algorithm>
#include <filesystem>

#include "base/test.h"
#include "hunt/rules.h"
#include "packets/writer.h"

using namespace catenary;
using hunt::Hit;
using hunt::Hunt;
using hunt::Options;

namespace {

constexpr Nanos kStart = 1'700'000'000 * kSecond;
constexpr std::uint64_t kFlow = 0x1234;

void be16(std::vector<std::uint8_t>& b, std::size_t v) {
  b.push_back(static_cast<std::uint8_t>(v >> 8));
  b.push_back(static_cast<std::uint8_t>(v));
}
void be32(std::vector<std::uint8_t>& b, std::uint32_t v) {
  be16(b, v >> 16);
  be16(b, v & 0xffff);
}

// Ethernet, IPv4, and what follows, from 10.0.0.1 to 10.0.0.2 or back.
std::vector<std::uint8_t> ip4(std::uint8_t proto, bool is_orig, const std::vector<std::uint8_t>& payload) {
  std::vector<std::uint8_t> b(12, 2);
  be16(b, 0x0800);
  be16(b, 0x4500);
  be16(b, 20 + payload.size());
  be32(b, 0);
  be16(b, 0x4000U | proto);
  be16(b, 0);
  be32(b, is_orig ? 0x0a000001 : 0x0a000002);
  be32(b, is_orig ? 0x0a000002 : 0x0a000001);
  b.insert(b.end(), payload.begin(), payload.end());
  return b;
}

std::vector<std::uint8_t> tcp(bool is_orig, std::uint32_t seq, std::uint32_t ack, std::uint8_t flags,
                              std::string_view data) {
  std::vector<std::uint8_t> b;
  be16(b, is_orig ? 4001 : 80);
  be16(b, is_orig ? 80 : 4001);
  be32(b, seq);
  be32(b, ack);
  be16(b, 0x5000U | flags);
  be16(b, 0xffff);
  be32(b, 0);
  b.insert(b.end(), data.begin(), data.end());
  return ip4(6, is_orig, b);
}

std::vector<std::uint8_t> udp(std::string_view data) {
  std::vector<std::uint8_t> b;
  be16(b, 4001);
  be16(b, 9);
  be16(b, 8 + data.size());
  be16(b, 0);
  b.insert(b.end(), data.begin(), data.end());
  return ip4(17, true, b);
}

// Segments of packets as a sensor writes them, in a folder of its own that goes when the test does.
struct Store {
  explicit Store(std::uint64_t segment_bytes = packets::kSegmentBytesMax) {
    char name[] = "/tmp/catenary-hunt-XXXXXX";
    path = ::mkdtemp(name);
    packets::WriterOptions o;
    o.dir = path;
    o.segment_bytes = segment_bytes;
    writer = std::make_unique<packets::Writer>(o);
  }
  ~Store() { std::filesystem::remove_all(path); }
  void add(const std::vector<std::uint8_t>& frame, std::uint64_t flow = kFlow) {
    now += kSecond / 1000;
    const packets::FlowShare share{{flow}, 0};
    writer->packet({now, static_cast<std::uint32_t>(frame.size()), 1, frame}, {&share, 1});
  }
  // One side of a connection, in pieces.
  void stream(const std::vector<std::string>& pieces) {
    std::uint32_t seq = 1000;
    add(tcp(true, seq++, 0, 2, ""));
    add(tcp(false, 5000, seq, 0x12, ""));
    for (const std::string& piece : pieces) {
      add(tcp(true, seq, 5001, 0x18, piece));
      seq += static_cast<std::uint32_t>(piece.size());
      add(tcp(false, 5001, seq, 0x10, ""));
    }
  }
  std::vector<Hit> look(Options o, std::string* error = nullptr, const std::string& filter = "") {
    writer->finish();
    std::string why;
    Hunt h(std::move(o), why);
    if (error) *error = why;
    if (!why.empty()) return {};
    std::vector<std::string> names;
    for (const auto& e : std::filesystem::directory_iterator(path))
      if (e.path().extension() == ".pcapng") names.push_back(e.path());
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
      why = h.segment(name, filter, {}, true);
      if (error && error->empty()) *error = why;
    }
    h.finish();
    counters = h.counters();
    is_full = h.is_full();
    segments = names.size();
    return h.take_hits();
  }
  std::string path;
  std::unique_ptr<packets::Writer> writer;
  Nanos now = kStart;
  hunt::Counters counters;
  bool is_full = false;
  std::size_t segments = 0;
};

Options regex(std::string text) {
  Options o;
  o.patterns.push_back({"p", std::move(text)});
  return o;
}

}  // namespace

TEST(hunt, what_is_split_over_packets_is_found_where_it_stands) {
  Store s;
  s.stream({"0123456789nee", "dl", "e and more"});
  const auto hits = s.look(regex("needle"));
  EXPECT_EQ(hits.size(), 1u);
  if (hits.empty()) return;
  EXPECT_EQ(hits[0].offset, 10u);
  EXPECT_EQ(hits[0].length, 6u);
  EXPECT_EQ(hits[0].uid.value, kFlow);
  EXPECT_EQ(hits[0].ts, kStart + 7 * kSecond / 1000);
  EXPECT(hits[0].is_stream && hits[0].is_orig);
  EXPECT_EQ(hits[0].orig_p, 4001);
  EXPECT_EQ(as_text(hits[0].excerpt), "needle");
}

TEST(hunt, a_datagram_is_looked_at_by_itself) {
  Store s;
  s.add(udp("..needle"));
  s.add(udp("nee"));
  s.add(udp("dle"));
  const auto hits = s.look(regex("needle"));
  EXPECT_EQ(hits.size(), 1u);
  if (hits.empty()) return;
  EXPECT(!hits[0].is_stream);
  EXPECT_EQ(hits[0].offset, 2u);
  EXPECT_EQ(hits[0].resp_p, 9);
}

TEST(hunt, over_segments_and_windows_each_once) {
  Store s(packets::kSegmentBytesMin);
  std::vector<std::string> pieces;
  pieces.reserve(400);
  for (int i = 0; i < 400; i++) pieces.push_back(std::string(990, 'x') + "needle" + std::to_string(1000 + i));
  s.stream(pieces);
  const auto hits = s.look(regex("needle[0-9]{4}"));
  EXPECT(s.segments > 3);
  EXPECT_EQ(hits.size(), 400u);
  for (std::size_t i = 0; i < hits.size(); i++) EXPECT_EQ(hits[i].offset, 990 + i * 1000);
}

TEST(hunt, wherever_two_windows_meet) {
  // A needle that ends just before, at, just behind the end of the first window.
  for (const std::size_t end : {hunt::kWindowBytes - 1, hunt::kWindowBytes, hunt::kWindowBytes + 1,
                                hunt::kWindowBytes + hunt::kOverlapBytes - 1}) {
    Store s;
    std::string all(2 * hunt::kWindowBytes, 'x');
    all.replace(end - 6, 6, "needle");
    std::vector<std::string> pieces;
    pieces.reserve(all.size() / 1400 + 1);
    for (std::size_t at = 0; at < all.size(); at += 1400) pieces.push_back(all.substr(at, 1400));
    s.stream(pieces);
    const auto hits = s.look(regex("needle+"));
    EXPECT_EQ(hits.size(), 1u);
    if (!hits.empty()) EXPECT_EQ(hits[0].offset, end - 6);
  }
}

TEST(hunt, behind_a_hole_the_offsets_go_on) {
  Store s;
  s.add(tcp(true, 1000, 0, 2, ""));
  s.add(tcp(false, 5000, 1001, 0x12, ""));
  s.add(tcp(true, 1001, 5001, 0x18, "nee"));
  s.add(tcp(true, 1104, 5001, 0x18, "dle needle"));
  s.add(tcp(false, 5001, 1114, 0x10, ""));
  const auto hits = s.look(regex("needle"));
  EXPECT_EQ(hits.size(), 1u);
  if (!hits.empty()) EXPECT_EQ(hits[0].offset, 107u);
  EXPECT_EQ(s.counters.lost, 100u);
}

TEST(hunt, any_byte_and_no_more_than_a_filter_lets_through) {
  Store s;
  s.add(udp(std::string("a\0\xff\nb", 5)));
  EXPECT_EQ(s.look(regex("a\\x00\\xff.b")).size(), 1u);
  EXPECT_EQ(s.look(regex("a\\x00\\xff.b"), nullptr, "tcp").size(), 0u);
  std::string error;
  s.look(regex("a"), &error, "port of call");
  EXPECT(!error.empty());
}

TEST(hunt, nothing_is_found_nowhere) {
  Store s;
  s.add(udp("abc"));
  EXPECT_EQ(s.look(regex("x*")).size(), 0u);
  EXPECT_EQ(s.look(regex("b*")).size(), 1u);
}

TEST(hunt, limits) {
  Store s;
  for (int i = 0; i < 5; i++) s.add(udp("needle"));
  for (const std::size_t max : {4u, 5u, 6u}) {
    Options o = regex("needle");
    o.hits_max = max;
    const std::size_t found = s.look(std::move(o)).size();
    EXPECT_EQ(found, max < 5 ? max : 5);
    EXPECT_EQ(s.is_full, max <= 5);
  }
  const auto refused = [&](Options o) {
    std::string error;
    s.look(std::move(o), &error);
    return !error.empty();
  };
  for (const std::size_t n : {hunt::kPatternBytesMax - 1, hunt::kPatternBytesMax, hunt::kPatternBytesMax + 1})
    EXPECT_EQ(refused(regex(std::string(n, 'x'))), n > hunt::kPatternBytesMax);
  for (const std::size_t n : {hunt::kPatternsMax - 1, hunt::kPatternsMax, hunt::kPatternsMax + 1}) {
    Options o;
    o.patterns.assign(n, {"p", "x"});
    EXPECT_EQ(refused(std::move(o)), n > hunt::kPatternsMax);
  }
  EXPECT(refused(regex("(")));
  EXPECT(refused(regex("(x{1000}){1000}")));
}

TEST(hunt, windows_that_find_no_memory_end_early_and_that_is_counted) {
  Store s;
  std::vector<std::string> pieces(100, std::string(1000, 'x'));
  pieces[50].replace(0, 6, "needle");
  s.stream(pieces);
  Options o = regex("needle");
  o.held_max = 10'000;
  const auto hits = s.look(std::move(o));
  EXPECT_EQ(hits.size(), 1u);
  if (!hits.empty()) EXPECT_EQ(hits[0].offset, 50'000u);
  EXPECT(s.counters.early > 5);
}

TEST(hunt, rules_of_yara) {
  Store s;
  s.stream({std::string(1000, 'x') + "evil", "word", "........good"});
  Options o;
  o.rules = "rule evil { strings: $a = \"evilword\" $b = { 67 6f 6f ?? } condition: all of them }";
  std::string error;
  const auto hits = s.look(std::move(o), &error);
  if (!hunt::has_yara()) {
    EXPECT(!error.empty());
    return;
  }
  EXPECT_EQ(error, "");
  EXPECT_EQ(hits.size(), 1u);
  if (!hits.empty()) {
    EXPECT_EQ(hits[0].pattern, "evil");
    EXPECT_EQ(hits[0].offset, 1016u);
  }
  for (const char* wrong : {"rule x { condition: nothing }", "include \"/etc/passwd\"", "rule"}) {
    Options bad;
    bad.rules = wrong;
    s.look(std::move(bad), &error);
    EXPECT(!error.empty());
  }
}

TEST(hunt, a_file_that_rots_is_told) {
  Store s;
  s.add(udp("needle"));
  s.writer->finish();
  const std::string path = s.path + "/" + packets::segment_name(1, 1);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 10);
  std::string error;
  EXPECT_EQ(s.look(regex("needle"), &error).size(), 0u);
  EXPECT(error.find("is no packet") != std::string::npos);
  Hunt gone(regex("x"), error);
  EXPECT(!gone.segment(s.path + "/none.pcapng", "", {}, true).empty());
}
