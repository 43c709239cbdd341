// Codings, parts and ranges, each on its own and cut at every place.
#include <zlib.h>

#include <string>
#include <vector>

#include "base/test.h"
#include "event/json.h"
#include "flow/flow.h"
#include "protocols/http/decoder.h"
#include "protocols/http/multipart.h"
#include "protocols/http/range_file.h"
#include "protocols/http/transaction.h"

using namespace catenary;
using namespace catenary::http;

namespace {

// window: 15 zlib's wrapper, 31 gzip's, -15 none.
std::string deflated(std::string_view text, int window) {
  z_stream z{};
  deflateInit2(&z, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&z, text.size()) + 64, '\0');
  std::vector<Bytef> in(text.begin(), text.end()), coded(out.size());
  z.next_in = in.data();
  z.avail_in = static_cast<uInt>(in.size());
  z.next_out = coded.data();
  z.avail_out = static_cast<uInt>(coded.size());
  deflate(&z, Z_FINISH);
  out.assign(coded.begin(), coded.begin() + static_cast<std::ptrdiff_t>(z.total_out));
  deflateEnd(&z);
  return out;
}

struct Decoded {
  std::string text;
  Decoder::Status status = Decoder::Status::kMore;
  std::uint64_t size = 0;
};

// Pieces as the wire brings them; keeps the text of small results only.
Decoded decode(DecoderPool& pool, Coding coding, const std::vector<std::string_view>& pieces) {
  Decoded d;
  auto decoder = pool.get(coding);
  for (const std::string_view piece : pieces) {
    Bytes in = as_bytes(piece);
    do {
      Bytes out;
      d.status = decoder->next(in, pool.buffer(), out);
      d.size += out.size();
      if (d.size < 100000) d.text.append(as_text(out));
    } while (d.status == Decoder::Status::kOut);
    if (d.status != Decoder::Status::kMore) break;
  }
  pool.put(std::move(decoder));
  return d;
}

struct Parts : PartSink {
  std::string log;
  void on_part_header(std::string_view line) override { log += "<" + std::string(line) + ">"; }
  void on_part_bytes(Bytes b) override { log += as_text(b); }
  void on_part_end() override { log += "|"; }
};

std::string parts_of(std::string_view boundary, const std::vector<std::string_view>& pieces) {
  Multipart m;
  Parts p;
  m.start(boundary);
  for (const std::string_view piece : pieces) m.bytes(as_bytes(piece), p);
  m.end(p);
  return p.log;
}

}  // namespace

TEST(http_body, names_of_codings) {
  EXPECT(coding_of("") == Coding::kIdentity && coding_of("Identity") == Coding::kIdentity);
  EXPECT(coding_of("gzip") == Coding::kGzip && coding_of("X-GZIP") == Coding::kGzip);
  EXPECT(coding_of("deflate") == Coding::kDeflate && coding_of("br") == Coding::kBrotli);
  EXPECT(coding_of("compress") == Coding::kUnknown);
}

TEST(http_body, codings_cut_at_every_place) {
  const std::string text = "The quick brown fox, the quick brown fox and the quick brown fox.";
  // The same by brotli -q 9.
  const auto brotli = test::hex(
      "1f40000004e464a97eddb424241b93d81460030edc8344260b9886891c370f92837c5641f3c5"
      "77aec97979be5842b657a0");
  const struct {
    Coding coding;
    std::string coded;
  } rows[] = {{Coding::kGzip, deflated(text, 31)},
              {Coding::kDeflate, deflated(text, 15)},
              {Coding::kDeflate, deflated(text, -15)},
              {Coding::kBrotli, std::string(as_text(brotli))}};
  DecoderPool pool;
  for (const auto& row : rows) {
    const std::string_view coded = row.coded;
    for (std::size_t cut = 0; cut <= coded.size(); cut++) {
      const Decoded d = decode(pool, row.coding, {coded.substr(0, cut), coded.substr(cut), "trailing"});
      EXPECT_EQ(d.text, text);
      EXPECT(d.status == Decoder::Status::kEnd);
    }
  }
}

TEST(http_body, members_of_gzip_follow_one_another) {
  DecoderPool pool;
  const std::string two = deflated("one ", 31) + deflated("two", 31);
  EXPECT_EQ(decode(pool, Coding::kGzip, {two}).text, "one two");
}

TEST(http_body, what_is_not_coded_as_said) {
  DecoderPool pool;
  for (const Coding coding : {Coding::kGzip, Coding::kDeflate, Coding::kBrotli}) {
    const Decoded d = decode(pool, coding, {"\xff\xff\xff\xff this is plain text \xff\xff\xff"});
    EXPECT(d.status == Decoder::Status::kMalformed);
  }
}

TEST(http_body, a_bomb_ends_at_the_ratio) {
  DecoderPool pool;
  const std::string zeros(64 << 20, '\0');
  const std::string coded = deflated(zeros, 31);
  EXPECT(coded.size() * Decoder::kRatioMax < zeros.size());
  const Decoded d = decode(pool, Coding::kGzip, {coded});
  EXPECT(d.status == Decoder::Status::kLimit);
  EXPECT(d.size > Decoder::kRatioFromBytes && d.size < zeros.size());
  // What stays below the size at which the ratio begins to count is decoded whole.
  const Decoded small = decode(pool, Coding::kGzip, {deflated(zeros.substr(0, Decoder::kRatioFromBytes), 31)});
  EXPECT(small.status == Decoder::Status::kEnd);
  EXPECT_EQ(small.size, Decoder::kRatioFromBytes);
}

TEST(http_body, a_multipart_body_cut_at_every_place) {
  const std::string body =
      "preamble\r\n--B\r\nContent-Type: a/b\r\nX: y\r\n\r\none\r\n-- not "
      "B\r\ntwo\r\n--B\r\n\r\n\r\n--B\r\n\r\nthree\r--B\n"
      "--B--\r\nepilogue\r\n--B\r\n\r\nno part";
  const std::string want = "<Content-Type: a/b><X: y>one\r\n-- not B\r\ntwo||three\r--B|";
  EXPECT_EQ(parts_of("B", {body}), want);
  for (std::size_t cut = 0; cut <= body.size(); cut++)
    EXPECT_EQ(parts_of("B", {std::string_view(body).substr(0, cut), std::string_view(body).substr(cut)}), want);
}

TEST(http_body, parts_without_an_end) {
  EXPECT_EQ(parts_of("B", {"--B\r\n\r\ntext"}), "text|");
  EXPECT_EQ(parts_of("B", {"--B\r\n\r\ntext\r\n--"}), "text\r\n--|");
  EXPECT_EQ(parts_of("B", {"--B\r\nX: y"}), "");
  EXPECT_EQ(parts_of("B", {"no boundary at all"}), "");
}

TEST(http_body, limits_of_multipart) {
  const std::string boundary(Multipart::kBoundaryMax + 1, 'b');
  EXPECT_EQ(parts_of(boundary, {"--" + boundary.substr(1) + "\r\n\r\nx\r\n--" + boundary + "--"}), "x|");
  for (const std::size_t size :
       {Multipart::kHeaderLineMax - 1, Multipart::kHeaderLineMax, Multipart::kHeaderLineMax + 1}) {
    const std::string log = parts_of("B", {"--B\r\n" + std::string(size, 'h') + "\n\nx"});
    EXPECT_EQ(log.size(), 4 + std::min(size, Multipart::kHeaderLineMax));
  }
}

namespace {

// Several flows of one client that ask for parts of one file.
class RangeBench : event::DrainSink {
 public:
  RangeBench() : events_(*this), weirds_(events_), tracker_(events_) { events_.advance(kSecond); }

  std::string send(std::uint64_t flow_id, std::uint64_t at, std::string_view text, std::uint64_t length,
                   std::string_view url = "http://h/f") {
    flow::Flow f;
    f.uid = {flow_id};
    f.proto = 6;
    flow::Context cx{f, events_.now(), events_, tracker_, weirds_};
    const RangeFiles::Handle h = files.open(cx, flow::Dir::kResp, 1, ordinal_++, url, "h", "", length);
    return std::string(files.bytes(cx, h, at, as_bytes(text)));
  }
  std::vector<std::string> lines() {
    events_.drain();
    return std::move(lines_);
  }
  void wait(Nanos n) {
    events_.advance(events_.now() + n);
    files.expire(events_.now(), events_);
  }
  std::vector<std::string> close() {
    files.close_all(events_);
    return lines();
  }
  std::uint64_t weirds() const { return weirds_.total(); }
  RangeFiles files;

 private:
  void on_drain(std::span<const event::Batch> batches) override {
    for (const event::Batch& b : batches) {
      if (b.kind != Kind::file) continue;
      for (const std::string& line : event::json_lines(b.kind, b.bytes)) lines_.push_back(line);
    }
  }
  event::Batcher events_;
  event::WeirdLog weirds_;
  files::Tracker tracker_;
  std::vector<std::string> lines_;
  std::uint32_t ordinal_ = 0;
};

bool has(const std::string& line, std::string_view part) { return line.find(part) != std::string::npos; }

}  // namespace

TEST(http_transaction, texts_are_cut_to_their_caps) {
  for (const std::size_t size : {9u, 10u, 11u}) {
    TextBudget budget;
    Transaction tx;
    tx.reset(0, 1, budget);
    EXPECT_EQ(tx.text(tx.keep(std::string(size, 'x'), 10)).size(), size > 10 ? 10u : size);
    EXPECT_EQ(tx.is_cut, size > 10);
  }
}

TEST(http_transaction, its_text_is_limited) {
  TextBudget budget;
  Transaction tx;
  tx.reset(0, 1, budget);
  tx.keep(std::string(kTextBytesMax - 1, 'x'), kTextBytesMax);
  EXPECT_EQ(tx.text(tx.keep("ab", 10)), "a");
  EXPECT(tx.is_cut);
  EXPECT_EQ(tx.text(tx.keep("ab", 10)), "");
  EXPECT_EQ(budget.used, kTextBytesMax);
  tx.release();
  EXPECT_EQ(budget.used, 0u);
}

TEST(http_transaction, beyond_the_budget_of_all_texts_are_short) {
  for (const std::size_t used : {TextBudget::kBytesMax - 1, TextBudget::kBytesMax, TextBudget::kBytesMax + 1}) {
    TextBudget budget;
    budget.used = used;
    Transaction tx;
    tx.reset(0, 1, budget);
    const std::size_t kept = tx.text(tx.keep(std::string(100, 'x'), 1000)).size();
    EXPECT_EQ(kept, used > TextBudget::kBytesMax ? TextBudget::kShortMax : 100);
    EXPECT_EQ(budget.used, used + kept);
  }
}

TEST(http_transaction, lists_are_limited) {
  for (const std::size_t n : {kFilesMax - 1, kFilesMax, kFilesMax + 1}) {
    TextBudget budget;
    Transaction tx;
    tx.reset(0, 1, budget);
    for (std::size_t i = 0; i < n; i++) tx.add_file(flow::Dir::kOrig, "F00000000000000000", "");
    EXPECT_EQ(tx.is_cut, n > kFilesMax);
  }
  for (const std::size_t n : {kProxiedMax - 1, kProxiedMax, kProxiedMax + 1}) {
    TextBudget budget;
    Transaction tx;
    tx.reset(0, 1, budget);
    for (std::size_t i = 0; i < n; i++) tx.keep_proxied("via", "x");
    EXPECT_EQ(tx.is_cut, n > kProxiedMax);
  }
}

TEST(http_range, parts_in_any_order_over_any_flows_are_one_file) {
  // RFC 1321 A.5: MD5 of "abcdefghijklmnopqrstuvwxyz".
  constexpr std::string_view kMd5 = "c3fcd3d76192e4007dfb496cca67e13b";
  const std::string text = "abcdefghijklmnopqrstuvwxyz";
  const std::size_t orders[][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}, {1, 3, 0, 2}};
  for (const auto& order : orders) {
    RangeBench b;
    for (const std::size_t part : order) b.send(1 + part % 2, part * 7, text.substr(part * 7, 7), text.size());
    EXPECT_EQ(b.files.size(), 0u);
    const auto lines = b.lines();
    EXPECT_EQ(lines.size(), 2u);
    for (const std::string& line : lines) {
      EXPECT(has(line, kMd5));
      EXPECT(has(line, R"("seen_bytes":26)"));
      EXPECT(has(line, R"("missing_bytes":0)"));
      EXPECT(has(line, R"("mime_type":"text/plain")"));
      EXPECT(has(line, R"("timedout":false)"));
    }
  }
}

TEST(http_range, the_type_is_told_once) {
  RangeBench b;
  EXPECT_EQ(b.send(1, 0, "0123456789", 30), "");
  EXPECT_EQ(b.send(1, 20, "0123456789", 30), "");
  EXPECT_EQ(b.send(1, 10, "0123456789", 30), "text/plain");
}

TEST(http_range, what_was_seen_counts_once) {
  RangeBench b;
  b.send(1, 0, "0123456789", 100);
  b.send(1, 0, "0123456789", 100);
  b.send(1, 5, "56789abcde", 100);
  b.send(1, 30, "xxxxx", 100);
  b.send(1, 30, "xxxxxyyy", 100);
  const auto lines = b.close();
  EXPECT_EQ(lines.size(), 1u);
  EXPECT(has(lines[0], R"("seen_bytes":23)"));
  EXPECT(has(lines[0], R"("missing_bytes":15)"));
  EXPECT(has(lines[0], R"("total_bytes":100)"));
  EXPECT(has(lines[0], R"("timedout":true)"));
  EXPECT(!has(lines[0], "\"md5\""));
}

TEST(http_range, other_files_are_other_files) {
  RangeBench b;
  b.send(1, 0, "a", 10, "http://h/1");
  b.send(1, 0, "a", 10, "http://h/2");
  b.send(1, 0, "a", 11, "http://h/2");
  EXPECT_EQ(b.close().size(), 3u);
}

TEST(http_range, a_file_is_over_when_nothing_comes) {
  RangeBench b;
  b.send(1, 0, "a", 10);
  b.wait(RangeFiles::kIdle - 1);
  EXPECT_EQ(b.files.size(), 1u);
  b.wait(1);
  EXPECT_EQ(b.files.size(), 0u);
  EXPECT_EQ(b.lines().size(), 1u);
}

TEST(http_range, pieces_ahead_of_their_turn_are_limited) {
  for (const std::size_t pieces : {RangeFile::kPiecesMax - 1, RangeFile::kPiecesMax, RangeFile::kPiecesMax + 1}) {
    RangeBench b;
    for (std::size_t i = 0; i < pieces; i++) b.send(1, 10 + 10 * i, "x", 0);
    b.send(1, 0, "0123456789", 0);
    const auto lines = b.close();
    const std::uint64_t seen = pieces + (pieces > RangeFile::kPiecesMax ? 0 : 10);
    EXPECT(has(lines.at(0), "\"seen_bytes\":" + std::to_string(seen)));
  }
}

TEST(http_range, bytes_ahead_of_their_turn_are_limited) {
  for (const std::size_t size :
       {RangeFile::kWaitingBytesMax - 1, RangeFile::kWaitingBytesMax, RangeFile::kWaitingBytesMax + 1}) {
    RangeBench b;
    b.send(1, 1, std::string(size, 'x'), 0);
    b.send(1, 0, "0", 0);
    const std::uint64_t seen = size + (size > RangeFile::kWaitingBytesMax ? 0 : 1);
    EXPECT(has(b.close().at(0), "\"seen_bytes\":" + std::to_string(seen)));
  }
}

TEST(http_range, files_and_flows_are_limited) {
  RangeBench b;
  for (std::size_t i = 0; i < RangeFiles::kFilesMax; i++) b.send(1, 0, "a", 10, "http://h/" + std::to_string(i));
  EXPECT_EQ(b.files.size(), RangeFiles::kFilesMax);
  EXPECT_EQ(b.weirds(), 0u);
  b.send(1, 0, "a", 10, "http://h/more");
  EXPECT_EQ(b.files.size(), RangeFiles::kFilesMax);
  EXPECT_EQ(b.weirds(), 1u);
  EXPECT_EQ(b.lines().size(), 1u);
  for (const std::size_t flows : {RangeFile::kCarriersMax - 1, RangeFile::kCarriersMax, RangeFile::kCarriersMax + 1}) {
    RangeBench c;
    for (std::size_t i = 0; i < flows; i++) c.send(i + 1, i, "a", 1000);
    const std::size_t told = std::min(flows, RangeFile::kCarriersMax);
    EXPECT_EQ(c.close().size(), told);
  }
}
