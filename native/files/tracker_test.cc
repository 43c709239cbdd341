// Files from their first byte to their event; what is hashed and what is not; limits at their edges.
#include "files/tracker.h"

#include <string>
#include <vector>

#include "base/test.h"
#include "event/json.h"
#include "flow/flow.h"

using namespace catenary;
using files::End;
using files::File;
using flow::Dir;

namespace {

// One flow, one tracker and the file events they write.
class Bench : event::DrainSink {
 public:
  explicit Bench(files::Limits limits = {}) : events_(*this), weirds_(events_), tracker(events_, limits) {
    flow_.uid = {77};
    flow_.proto = 6;
    flow_.resp_p = 80;
    const std::uint8_t orig[4] = {192, 0, 2, 1}, resp[4] = {198, 51, 100, 2};
    flow_.orig_h = Ip::v4(orig);
    flow_.resp_h = Ip::v4(resp);
    events_.advance(1'700'000'000 * kSecond);
  }
  File* open(std::uint32_t ordinal = 0, std::optional<std::uint64_t> total = {}, std::string_view mime = {}) {
    flow::Context cx = context();
    return tracker.open(
        cx,
        {.source = "http", .dir = Dir::kResp, .depth = 3, .ordinal = ordinal, .total_bytes = total, .mime_type = mime});
  }
  void bytes(File* f, std::string_view text) {
    flow::Context cx = context();
    tracker.bytes(cx, f, as_bytes(text));
  }
  void gap(File* f, std::uint64_t n) {
    flow::Context cx = context();
    tracker.gap(cx, f, n);
  }
  std::string close(File*& f, End end = End::kComplete, const files::Names& names = {}) {
    flow::Context cx = context();
    tracker.close(cx, f, end, names);
    events_.drain();
    std::string line = lines_.empty() ? "" : lines_.back();
    lines_.clear();
    return line;
  }
  void wait(Nanos time) { events_.advance(events_.now() + time); }
  flow::Flow& flow() { return flow_; }
  std::uint64_t weirds() const { return weirds_.total(); }
  event::Batcher& events() { return events_; }
  std::vector<std::string>& lines() { return lines_; }

 private:
  flow::Context context() { return {flow_, events_.now(), events_, tracker, weirds_}; }
  void on_drain(std::span<const event::Batch> batches) override {
    for (const event::Batch& b : batches) {
      if (b.kind != Kind::file) continue;
      for (const std::string& line : event::json_lines(b.kind, b.bytes)) lines_.push_back(line);
    }
  }

  event::Batcher events_;
  event::WeirdLog weirds_;
  flow::Flow flow_;
  std::vector<std::string> lines_;

 public:
  files::Tracker tracker;
};

bool has(const std::string& line, std::string_view part) { return line.find(part) != std::string::npos; }

std::string whole_file(std::string_view content, std::size_t chunk) {
  Bench b;
  File* f = b.open();
  for (std::size_t at = 0; at < content.size(); at += chunk) b.bytes(f, content.substr(at, chunk));
  return b.close(f);
}

}  // namespace

TEST(tracker, a_whole_file) {
  Bench b;
  File* f = b.open(0, 3);
  b.bytes(f, "a");
  b.wait(kSecond / 2);
  b.bytes(f, "bc");
  const std::string line =
      b.close(f, End::kComplete, {.filename = "x.txt", .url = "http://h/x.txt", .host = "h", .parent_fuid = "Fp"});
  EXPECT_EQ(f, nullptr);
  // RFC 1321 A.5, FIPS 180-2 A.1 and B.1: the digests of "abc".
  for (const char* part :
       {R"("source":"http")", R"("depth":3)", R"("filename":"x.txt")", R"("duration":0.5)", R"("is_orig":false)",
        R"("seen_bytes":3)", R"("total_bytes":3)", R"("missing_bytes":0)", R"("timedout":false)",
        R"("parent_fuid":"Fp")", R"("url":"http://h/x.txt")", R"("host":"h")", R"("tx_host":"198.51.100.2")",
        R"("rx_host":"192.0.2.1")", R"("direction":"download")", R"("analyzers":["md5","sha1","sha256"])",
        R"("md5":"900150983cd24fb0d6963f7d28e17f72")", R"("sha1":"a9993e364706816aba3e25717850c26c9cd0d89d")",
        R"("sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")"}) {
    EXPECT(has(line, part));
  }
  EXPECT_EQ(b.tracker.files_open(), 0u);
}

TEST(tracker, a_file_with_a_hole_has_no_hash) {
  Bench b;
  File* f = b.open();
  b.bytes(f, "0123456789");
  b.gap(f, 5);
  b.bytes(f, "GIF89a");
  const std::string line = b.close(f);
  EXPECT(has(line, R"("seen_bytes":16)"));
  EXPECT(has(line, R"("missing_bytes":5)"));
  EXPECT(has(line, R"("mime_type":"text/plain")"));
  EXPECT(has(line, R"("analyzers":[])"));
  EXPECT(!has(line, "sha256\":"));
}

TEST(tracker, what_follows_a_lost_beginning_has_no_type) {
  Bench b;
  File* f = b.open();
  b.gap(f, 5);
  b.bytes(f, "0123456789");
  EXPECT(!has(b.close(f), "mime_type"));
}

TEST(tracker, a_file_shorter_than_declared_has_no_hash) {
  for (const std::uint64_t total : {2u, 3u, 4u}) {
    Bench b;
    File* f = b.open(0, total);
    b.bytes(f, "abc");
    EXPECT_EQ(has(b.close(f, End::kAborted), "\"md5\""), total <= 3);
  }
}

TEST(tracker, what_could_not_be_placed_is_counted) {
  Bench b;
  File* f = b.open();
  b.bytes(f, "abc");
  b.tracker.overflow(f, 9);
  const std::string line = b.close(f, End::kTimedOut);
  EXPECT(has(line, R"("overflow_bytes":9)"));
  EXPECT(has(line, R"("timedout":true)"));
  EXPECT(!has(line, "\"md5\""));
}

TEST(tracker, chunks_do_not_matter) {
  std::string content = "%PDF-1.4\n";
  while (content.size() < 3 * files::kSniffBytes) content += "0123456789abcde\n";
  const std::string once = whole_file(content, content.size());
  EXPECT(has(once, R"("mime_type":"application/pdf")"));
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, std::size_t{1460}, files::kSniffBytes - 1,
                                  files::kSniffBytes, files::kSniffBytes + 1})
    EXPECT_EQ(whole_file(content, chunk), once);
}

TEST(tracker, the_type_is_known_with_the_first_4096_bytes) {
  for (const std::size_t first : {files::kSniffBytes - 1, files::kSniffBytes, files::kSniffBytes + 1}) {
    Bench b;
    File* f = b.open();
    b.bytes(f, std::string(first, 'x'));
    EXPECT_EQ(f->is_typed(), first >= files::kSniffBytes);
    EXPECT_EQ(std::string(b.tracker.decide_type(f)), "text/plain");
    EXPECT(f->is_typed());
    b.close(f);
  }
}

TEST(tracker, a_protocol_may_know_the_type) {
  Bench b;
  File* f = b.open(0, {}, "application/x-x509-user-cert");
  b.bytes(f, "plain text of no kind");
  EXPECT(has(b.close(f), R"("mime_type":"application/x-x509-user-cert")"));
}

TEST(tracker, more_open_files_than_the_limit_are_shed_and_told) {
  Bench b({.open_max = 3});
  std::vector<File*> open;
  for (std::uint32_t i = 0; i < 4; i++) open.push_back(b.open(i));
  EXPECT(open[1] && open[2]);
  EXPECT_EQ(open[3], nullptr);
  EXPECT_EQ(b.tracker.files_shed(), 1u);
  EXPECT_EQ(b.weirds(), 1u);
  // A shed file is taken by every call.
  b.bytes(open[3], "x");
  b.gap(open[3], 1);
  b.tracker.set_total(open[3], 1);
  b.tracker.set_partial(open[3]);
  b.tracker.overflow(open[3], 1);
  EXPECT_EQ(b.close(open[3]), "");
  b.close(open[0]);
  EXPECT(b.open(4) != nullptr);
  EXPECT_EQ(b.tracker.files_open(), 3u);
}

TEST(tracker, a_slot_starts_anew) {
  Bench b;
  File* f = b.open(0, 99);
  b.bytes(f, "%PDF-1.4 and");
  b.gap(f, 4);
  b.close(f);
  f = b.open(1);
  b.bytes(f, "abc");
  const std::string line = b.close(f);
  EXPECT(has(line, R"("missing_bytes":0)"));
  EXPECT(has(line, "900150983cd24fb0d6963f7d28e17f72"));
  EXPECT(!has(line, "total_bytes") && !has(line, "mime_type"));
}

TEST(tracker, ids_are_the_same_in_every_run_and_differ_between_files) {
  Bench a, b;
  File *first = a.open(0), *again = b.open(0), *second = a.open(1);
  EXPECT_EQ(first->fuid(), again->fuid());
  EXPECT(first->fuid() != second->fuid());
  EXPECT_EQ(first->fuid().size(), 18u);
  EXPECT_EQ(first->fuid()[0], 'F');
  a.close(first);
  a.close(second);
  b.close(again);
}

TEST(tracker, entropy_when_asked_for) {
  Bench b({.entropy = true});
  File* f = b.open();
  b.bytes(f, "aabb");
  EXPECT(has(b.close(f), R"("entropy":1)"));
  f = b.open(1);
  b.bytes(f, "aaaa");
  EXPECT(has(b.close(f), R"("entropy":0)"));
  Bench without;
  f = without.open();
  without.bytes(f, "ab");
  EXPECT(!has(without.close(f), "entropy"));
}

TEST(tracker, hashes_may_be_turned_off) {
  Bench b({.hashes = false});
  File* f = b.open();
  b.bytes(f, "abc");
  EXPECT(has(b.close(f), R"("analyzers":[])"));
}

TEST(tracker, a_file_of_several_flows_is_told_for_each) {
  Bench b;
  std::vector<files::Carrier> carriers;
  for (const std::uint64_t uid : {1u, 2u, 3u}) {
    flow::Flow other = b.flow();
    other.uid = {uid};
    carriers.push_back(files::carrier_of(other));
  }
  File* f = b.open();
  b.bytes(f, "abc");
  b.tracker.close(b.events(), f, End::kComplete, {}, carriers);
  b.events().drain();
  EXPECT_EQ(b.lines().size(), 3u);
  for (const std::string& line : b.lines()) EXPECT(has(line, "900150983cd24fb0d6963f7d28e17f72"));
}

TEST(tracker, a_flow_without_a_beginning_is_marked) {
  Bench b;
  b.flow().is_partial = true;
  File* f = b.open();
  b.bytes(f, "abc");
  EXPECT(has(b.close(f), R"("mid_stream":true)"));
}
