// Files on the disk: under their hash, with their holes, within their limits, and nothing else.
#include "files/store.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/test.h"
#include "event/json.h"
#include "files/tracker.h"
#include "flow/flow.h"

using namespace catenary;
using files::Carving;
using files::Store;

namespace {

constexpr std::string_view kFuid = "F0000000000000001";

struct Bench final : event::DrainSink {
  explicit Bench(files::StoreOptions o = {}) {
    char name[] = "/tmp/catenary-files-XXXXXX";
    dir = ::mkdtemp(name);
    o.dir = dir;
    store = std::make_unique<Store>(o);
  }
  ~Bench() override { std::filesystem::remove_all(dir); }
  std::string read(const std::string& name) const {
    std::ifstream in(dir + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::size_t count() const {
    std::size_t n = 0;
    for (const auto& e : std::filesystem::recursive_directory_iterator(dir)) n += e.is_regular_file();
    return n;
  }
  std::string close(std::string_view sha256) {
    std::array<char, 80> out;
    return std::string(store->close(carving, kFuid, sha256, out));
  }
  void on_drain(std::span<const event::Batch> batches) override {
    for (const event::Batch& b : batches)
      for (std::string& line : event::json_lines(b.kind, b.bytes)) lines.push_back(std::move(line));
  }
  std::string dir;
  std::unique_ptr<Store> store;
  Carving carving;
  std::vector<std::string> lines;
};

TEST(file_store, a_whole_file_lies_under_its_hash_and_its_event_says_where) {
  Bench b;
  event::Batcher events(b);
  event::WeirdLog weirds(events);
  files::Tracker tracker(events, {}, b.store.get());
  flow::Flow flow;
  for (int i = 0; i < 2; i++) {
    flow::Context cx{flow, kSecond, events, tracker, weirds};
    files::File* f = tracker.open(cx, {.source = "http", .ordinal = static_cast<std::uint32_t>(i)});
    tracker.bytes(cx, f, as_bytes("ab"));
    tracker.bytes(cx, f, as_bytes("c"));
    tracker.close(cx, f, files::End::kComplete, {.filename = "../../etc/passwd"});
  }
  events.drain();
  const std::string name = "ba/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  EXPECT_EQ(b.read(name), "abc");
  EXPECT_EQ(b.count(), 1U);
  EXPECT_HAS(b.lines.at(0), "\"extracted\":\"" + name + "\"");
  EXPECT_HAS(b.lines.at(0), "\"extracted_size\":3");
  struct stat st {};
  EXPECT_EQ(::stat((b.dir + "/" + name).c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0600U);
  EXPECT_EQ(b.store->counters().kept, 2U);
  EXPECT_EQ(b.store->files_open(), 0U);
}

TEST(file_store, a_file_with_a_hole_says_where_it_is) {
  Bench b;
  b.store->open(b.carving, kFuid, "http", 0);
  b.store->bytes(b.carving, kFuid, as_bytes("ab"), 0);
  b.store->gap(b.carving, kFuid, 3);
  b.store->bytes(b.carving, kFuid, as_bytes("c"), 0);
  b.store->gap(b.carving, kFuid, 2);
  EXPECT_EQ(b.close(""), "partial/F0000000000000001");
  EXPECT_EQ(b.read("partial/F0000000000000001"), std::string("ab\0\0\0c\0\0", 8));
  EXPECT_EQ(b.read("partial/F0000000000000001.holes"), "2 3\n6 2\n");
}

TEST(file_store, a_file_is_as_long_as_allowed_and_not_one_byte_more) {
  for (const std::size_t n : {99, 100, 101}) {
    Bench b({.file_bytes_max = 100});
    b.store->open(b.carving, kFuid, "http", 0);
    b.store->bytes(b.carving, kFuid, as_bytes(std::string(n, 'x')), 0);
    EXPECT_EQ(b.close("").empty(), n > 100);
    EXPECT_EQ(b.store->counters().too_long, n > 100 ? 1U : 0U);
    EXPECT_EQ(b.count(), n > 100 ? 0U : 1U);
  }
}

TEST(file_store, a_protocol_has_a_budget_a_day_and_others_have_their_own) {
  for (const std::size_t n : {99, 100, 101}) {
    Bench b({.source_bytes_max = 100});
    b.store->open(b.carving, kFuid, "http", 0);
    b.store->bytes(b.carving, kFuid, as_bytes(std::string(n, 'x')), 0);
    EXPECT_EQ(b.close("").empty(), n > 100);
  }
  Bench b({.source_bytes_max = 100});
  b.store->open(b.carving, kFuid, "http", 0);
  b.store->bytes(b.carving, kFuid, as_bytes(std::string(100, 'x')), 0);
  EXPECT(!b.close("").empty());
  b.store->open(b.carving, kFuid, "http", 0);
  EXPECT_EQ(b.store->counters().over_budget, 1U);
  b.store->open(b.carving, kFuid, "smtp", 0);
  EXPECT_EQ(b.store->files_open(), 1U);
  b.store->drop(b.carving, kFuid);
  b.store->open(b.carving, kFuid, "http", 86'400 * kSecond);
  EXPECT_EQ(b.store->files_open(), 1U);
}

TEST(file_store, so_many_are_carved_at_once) {
  Bench b;
  std::vector<Carving> all(Store::kOpenMax + 1);
  for (std::size_t i = 0; i < all.size(); i++) {
    b.store->open(all[i], "F" + std::to_string(i), "http", 0);
    const std::size_t open = std::min(i + 1, Store::kOpenMax);
    EXPECT_EQ(b.store->files_open(), open);
  }
  EXPECT_EQ(b.store->counters().too_many_open, 1U);
  for (std::size_t i = 0; i < all.size(); i++) b.store->drop(all[i], "F" + std::to_string(i));
  EXPECT_EQ(b.count(), 0U);
}

TEST(file_store, so_many_holes_are_told) {
  for (const std::size_t n : {Carving::kHolesMax - 1, Carving::kHolesMax, Carving::kHolesMax + 1}) {
    Bench b;
    b.store->open(b.carving, kFuid, "http", 0);
    for (std::size_t i = 0; i < n; i++) b.store->gap(b.carving, kFuid, 1);
    EXPECT_EQ(b.close("").empty(), n > Carving::kHolesMax);
  }
}

TEST(file_store, so_many_protocols_have_a_budget) {
  Bench b;
  const std::string names = "abcdefghijklmnopq";
  for (std::size_t i = 0; i <= Store::kSourcesMax; i++) {
    b.store->open(b.carving, kFuid, std::string_view(names).substr(i, 1), 0);
    EXPECT_EQ(b.store->files_open(), i < Store::kSourcesMax ? 1U : 0U);
    b.store->drop(b.carving, kFuid);
  }
  EXPECT_EQ(b.store->counters().over_budget, 1U);
}

TEST(file_store, types_that_nobody_wants_are_not_kept) {
  Bench b({.mimes = {"application/pdf"}});
  b.store->open(b.carving, kFuid, "http", 0);
  b.store->bytes(b.carving, kFuid, as_bytes("x"), 0);
  b.store->typed(b.carving, kFuid, "text/plain");
  EXPECT_EQ(b.close(""), "");
  b.store->open(b.carving, kFuid, "http", 0);
  b.store->bytes(b.carving, kFuid, as_bytes("x"), 0);
  b.store->typed(b.carving, kFuid, "application/pdf");
  EXPECT(!b.close("").empty());
  EXPECT_EQ(b.store->counters().unwanted, 1U);
}

TEST(file_store, a_folder_that_is_not_there_is_counted) {
  Store store({.dir = "/nonexistent/catenary"});
  Carving c;
  store.open(c, kFuid, "http", 0);
  EXPECT_EQ(store.counters().refused, 1U);
}

}  // namespace
