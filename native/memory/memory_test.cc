// Memory against a naive twin, at each of its limits, and after every crash that can cut its files short.
#include "memory/memory.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>

#include "base/test.h"

namespace catenary::memory {
namespace {

namespace fs = std::filesystem;
constexpr Micros kT0 = 1'700'000'000'000'000;

// A folder that goes with its test.
struct TempDir {
  TempDir() {
    std::string name = (fs::temp_directory_path() / "catenary-memory-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~TempDir() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  fs::path path;
};

Options options(const std::string& dir = "", std::size_t budget = 4 << 20, std::uint64_t position = kNewest) {
  return {.dir = dir, .budget_bytes = budget, .position = position, .keys = {{1, 2, 3, 4}}, .has_keys = true};
}

// All that can be asked of the keys that a test uses, in one text.
std::string state_of(const Memory& m, int keys, int hosts) {
  std::ostringstream s;
  s << m.position() << ' ' << m.image().start << ' ' << m.image().keys.size() << ' ' << m.image().keys.evicted() << ' '
    << m.image().pairs.size() << ' ' << m.image().pairs.evicted() << '\n';
  const auto show = [&](const Recollection& r) {
    s << r.first << ' ' << r.last << ' ' << r.count << ' ' << r.days << ' ' << r.since << '\n';
  };
  for (int k = 0; k < keys; k++) {
    const std::string key = "k" + std::to_string(k);
    show(m.look(0, key));
    s << m.prevalence(0, key, 30, kT0 + 40 * kDay) << '\n';
    for (int h = 0; h < hosts; h++) show(m.look(0, key, "h" + std::to_string(h)));
  }
  return s.str();
}

std::vector<char> slurp(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void spill(const fs::path& file, const std::vector<char>& bytes, std::size_t n) {
  std::ofstream(file, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(n));
}

TEST(memory, remembers_first_last_count_and_days) {
  Memory m(options());
  m.touch(0, "c2.example", kT0);
  m.touch(0, "c2.example", kT0 + 1);
  m.touch(0, "c2.example", kT0 + 3 * kDay);
  const Recollection r = m.look(0, "c2.example");
  EXPECT_EQ(r.first, kT0);
  EXPECT_EQ(r.last, kT0 + 3 * kDay);
  EXPECT_EQ(r.count, 3U);
  EXPECT_EQ(r.days, 2U);
  EXPECT_EQ(r.since, kT0);
  EXPECT_EQ(m.look(1, "c2.example").count, 0U);
  EXPECT_EQ(m.look(0, "c2.exampl").count, 0U);
  EXPECT_EQ(m.look(0, "other").since, kT0);
}

TEST(memory, keeps_pairs_apart) {
  Memory m(options());
  m.touch(0, "k", kT0, "a");
  m.touch(0, "k", kT0 + 5, "b");
  EXPECT_EQ(m.look(0, "k").count, 2U);
  EXPECT_EQ(m.look(0, "k", "a").last, kT0);
  EXPECT_EQ(m.look(0, "k", "b").first, kT0 + 5);
  EXPECT_EQ(m.look(0, "k", "c").count, 0U);
  EXPECT_EQ(m.look(0, "ka", "").count, 0U);
}

TEST(memory, before_the_first_event_nothing_is_known) {
  Memory m(options());
  EXPECT_EQ(m.look(0, "k").since, UINT64_MAX);
  m.begin(kT0);
  m.begin(kT0 + 9);
  EXPECT_EQ(m.look(0, "k").since, kT0);
  m.touch(0, "k", kT0 + 9);
  EXPECT_EQ(m.look(0, "k").since, kT0);
}

TEST(memory, counts_hosts_exactly_to_16_and_says_17_for_more) {
  for (const std::uint32_t n : {1U, 15U, 16U, 17U, 18U, 100U}) {
    Memory m(options());
    for (std::uint32_t h = 0; h < n; h++) m.touch(0, "k", kT0 + h, "h" + std::to_string(h));
    for (std::uint32_t h = 0; h < n; h++) m.touch(0, "k", kT0 + h, "h" + std::to_string(h));
    EXPECT_EQ(m.prevalence(0, "k", 1, kT0 + n), n < 17 ? n : 17U);
  }
}

TEST(memory, a_window_forgets_the_seventeenth_host) {
  Memory m(options());
  for (int h = 0; h < 40; h++) m.touch(0, "k", kT0, "h" + std::to_string(h));
  m.touch(0, "k", kT0 + 20 * kDay, "h7");
  m.touch(0, "k", kT0 + 20 * kDay, "new");
  EXPECT_EQ(m.prevalence(0, "k", 20, kT0 + 20 * kDay), 2U);
  EXPECT_EQ(m.prevalence(0, "k", 21, kT0 + 20 * kDay), 17U);
  EXPECT_EQ(m.prevalence(0, "k", 400, kT0 + 500 * kDay), 0U);
}

TEST(memory, windows_are_whole_days) {
  Memory m(options());
  const Micros midnight = (kT0 / kDay + 1) * kDay;
  m.touch(0, "k", midnight - 1, "a");
  m.touch(0, "k", midnight, "b");
  EXPECT_EQ(m.prevalence(0, "k", 1, midnight), 1U);
  EXPECT_EQ(m.prevalence(0, "k", 2, midnight), 2U);
  EXPECT_EQ(m.prevalence(0, "k", 2, midnight + kDay), 1U);
  EXPECT_EQ(m.prevalence(0, "k", 2, midnight + kDay - 1), 2U);
}

TEST(memory, the_ring_of_days_holds_400) {
  for (const std::uint32_t gap : {1U, 2U, 398U, 399U, 400U, 401U, 5000U}) {
    Memory m(options());
    m.touch(0, "k", kT0);
    m.touch(0, "k", kT0 + gap * kDay);
    EXPECT_EQ(m.look(0, "k").days, gap < kDaysMax ? 2U : 1U);
  }
  Memory m(options());
  for (std::uint32_t d = 0; d < 1000; d++) m.touch(0, "k", kT0 + d * kDay);
  EXPECT_EQ(m.look(0, "k").days, kDaysMax);
  m.touch(0, "k", kT0);  // late by far: counts, but its day is over
  EXPECT_EQ(m.look(0, "k").days, kDaysMax);
}

TEST(memory, hostile_times_do_no_harm) {
  Memory m(options());
  for (const Micros at : {Micros{0}, UINT64_MAX - 1, kT0, Micros{1}, UINT64_MAX}) m.touch(0, "k", at, "h");
  EXPECT_EQ(m.look(0, "k").count, 5U);
  EXPECT(m.look(0, "k").days >= 1);
  EXPECT(m.prevalence(0, "k", 400, UINT64_MAX) <= 1);
}

TEST(memory, equals_a_naive_twin) {
  struct Twin {
    Micros first = UINT64_MAX, last = 0;
    std::uint32_t count = 0;
    std::set<std::uint32_t> days;
    std::map<std::string, std::uint32_t> hosts;
  };
  for (const unsigned seed : {1U, 2U, 3U}) {
    std::mt19937 random(seed);
    Memory m(options());
    std::map<std::string, Twin> twins;
    Micros now = kT0;
    for (int i = 0; i < 20'000; i++) {
      now += random() % (kDay / 4);
      const Micros at = now - random() % 30'000'000;
      const std::string key = "k" + std::to_string(random() % 40), host = "h" + std::to_string(random() % 30);
      const std::string both = std::string(key).append("|").append(host);
      m.touch(3, key, at, host);
      for (Twin* t : {&twins[key], &twins[both]}) {
        t->first = std::min(t->first, at);
        t->last = std::max(t->last, at);
        t->count++;
        t->days.insert(day_of(at));
        t->hosts[host] = std::max(t->hosts[host], day_of(at));
      }
      const Twin& t = twins[key];
      const Recollection r = m.look(3, key), pair = m.look(3, key, host);
      EXPECT(r.first == t.first && r.last == t.last && r.count == t.count);
      std::uint32_t days = 0;
      for (const std::uint32_t d : t.days) days += d + kDaysMax > *t.days.rbegin() ? 1 : 0;
      EXPECT_EQ(r.days, days);
      EXPECT_EQ(pair.count, twins[both].count);
      const std::uint32_t window = 1 + static_cast<std::uint32_t>(random() % 60);
      std::uint32_t hosts = 0;
      for (const auto& [name, day] : t.hosts) hosts += day + window > day_of(now) ? 1 : 0;
      EXPECT_EQ(m.prevalence(3, key, window, now), hosts < 17 ? hosts : 17U);
    }
  }
}

TEST(memory, stays_within_its_budget_and_counts_what_it_forgets) {
  Memory m(options("", kBudgetBytesMin));
  const std::uint64_t n = 50'000;
  for (std::uint64_t i = 0; i < n; i++) m.touch(0, "k" + std::to_string(i), kT0 + i, "h");
  const Image& image = m.image();
  EXPECT(image.keys.bytes() + image.pairs.bytes() <= kBudgetBytesMin);
  EXPECT_EQ(image.keys.size() + image.keys.evicted(), n);
  EXPECT_EQ(image.pairs.size() + image.pairs.evicted(), n);
  EXPECT_EQ(image.keys.capacity(), image.keys.capacity_max());
  // Hardly any of the newest is gone, and next to none of the oldest is left.
  const std::uint64_t half = image.keys.size() / 2;
  std::uint64_t newest = 0, oldest = 0;
  for (std::uint64_t i = 0; i < half; i++) {
    newest += m.look(0, "k" + std::to_string(n - 1 - i)).count;
    oldest += m.look(0, "k" + std::to_string(i)).count;
  }
  EXPECT(newest > half * 99 / 100);
  EXPECT_EQ(oldest, 0U);
}

TEST(memory, says_since_when_it_knows_a_key_that_is_not_there) {
  Memory m(options("", kBudgetBytesMin));
  const std::uint64_t n = 20'000;
  for (std::uint64_t i = 0; i < n; i++) m.touch(0, "k" + std::to_string(i), kT0 + i);
  std::uint64_t forgotten = 0;
  for (std::uint64_t i = 0; i < n; i++) {
    const Recollection r = m.look(0, "k" + std::to_string(i));
    EXPECT(r.count == 1 || r.since > kT0 + i);
    forgotten += r.count == 0 ? 1 : 0;
  }
  EXPECT_EQ(forgotten, m.image().keys.evicted());
  // A key that comes back is new to memory, and says so.
  m.touch(0, "k0", kT0 + n);
  EXPECT_EQ(m.look(0, "k0").first, kT0 + n);
  EXPECT(m.look(0, "k0").since > kT0);
}

TEST(memory, fills_over_seven_tenths_before_it_forgets) {
  Table<PairSlot> t(4 << 20, false);
  SipKey key{7, 8};
  std::uint64_t n = 0;
  for (; t.evicted() == 0; n++) {
    const std::array<std::uint64_t, 1> w{n};
    SipHasher a(key), b({9, 10});
    a.word(w[0]);
    b.word(w[0]);
    t.claim({a.finish(8), b.finish(8)}, 0).touch(kT0 + n);
  }
  EXPECT(t.size() * 10 > t.capacity_max() * 7);
}

TEST(memory, a_restart_is_exactly_the_last_commit) {
  const TempDir dir;
  std::string expected;
  {
    Memory m(options(dir.path));
    EXPECT_EQ(m.open(), "");
    for (std::uint64_t c = 1; c <= 5; c++) {
      for (int i = 0; i < 300; i++) {
        m.touch(0, "k" + std::to_string(i % 37), kT0 + c * kDay + static_cast<Micros>(i), "h" + std::to_string(i % 23));
      }
      EXPECT_EQ(m.commit(c * 10), "");
    }
    expected = state_of(m, 40, 25);
    m.touch(0, "k1", kT0 + 90 * kDay, "late");
  }
  Memory again(options(dir.path));
  EXPECT_EQ(again.open(), "");
  EXPECT_EQ(again.position(), 50U);
  EXPECT(state_of(again, 40, 25) == expected);
  EXPECT_EQ(again.look(0, "k1", "late").count, 0U);
  EXPECT(!again.commit(50).empty());
  EXPECT_EQ(again.commit(51), "");
}

TEST(memory, a_log_cut_at_any_byte_gives_the_commit_before) {
  const TempDir dir;
  std::vector<std::string> states;
  std::vector<std::uintmax_t> ends;
  const fs::path log = dir.path / "1.log";
  {
    Memory m(options(dir.path));
    EXPECT_EQ(m.open(), "");
    for (std::uint64_t c = 1; c <= 6; c++) {
      for (std::uint64_t i = 0; i < 4; i++) {
        m.touch(0, "k" + std::to_string((c + i) % 5), kT0 + c * kDay + i, "h" + std::to_string(c));
      }
      EXPECT_EQ(m.commit(c), "");
      states.push_back(state_of(m, 6, 8));
      ends.push_back(fs::file_size(log));
    }
  }
  const std::vector<char> whole = slurp(log);
  for (std::size_t n = 0; n <= whole.size(); n++) {
    spill(log, whole, n);
    std::size_t commits = 0;
    while (commits < ends.size() && ends[commits] <= n) commits++;
    Memory m(options(dir.path));
    EXPECT_EQ(m.open(), "");
    EXPECT(state_of(m, 6, 8) == states[commits - 1]);
    EXPECT_EQ(fs::file_size(log), ends[commits - 1]);
  }
  // A byte that turned, in any commit: that one and what follows it does not count.
  for (std::size_t n = 0; n < whole.size(); n += 7) {
    std::vector<char> bad = whole;
    bad[n] = static_cast<char>(bad[n] ^ 0x40);
    spill(log, bad, bad.size());
    std::size_t commits = 0;
    while (ends[commits] <= n) commits++;
    Memory m(options(dir.path));
    EXPECT_EQ(m.open(), "");
    EXPECT(state_of(m, 6, 8) == states[commits - 1]);
  }
}

TEST(memory, opens_at_the_position_of_the_state) {
  const TempDir dir;
  std::vector<std::string> states;
  for (std::uint64_t c = 1; c <= 40; c++) {
    // Crash between memory's commit and the state's: the last one is undone, done again, and is the same.
    for (int attempt = 0; attempt < 2; attempt++) {
      Memory m(options(dir.path, 4 << 20, c - 1));
      EXPECT_EQ(m.open(), "");
      if (c > 1) EXPECT(state_of(m, 9, 5) == states[c - 2]);
      // Grows now and then, so that some commits are snapshots.
      for (std::uint64_t i = 0; i < 60 * c; i++) {
        m.touch(0, "k" + std::to_string(c % 9), kT0 + c * kDay + i, "h" + std::to_string(i % 5));
        m.touch(0, "x" + std::to_string(c) + "." + std::to_string(i), kT0 + c * kDay + i);
      }
      EXPECT_EQ(m.commit(c), "");
      const std::string s = state_of(m, 9, 5);
      if (attempt == 0) {
        states.push_back(s);
      } else {
        EXPECT(s == states.back());
      }
    }
  }
  {
    Memory far_back(options(dir.path, 4 << 20, 3));
    EXPECT(!far_back.open().empty());
  }
  Memory not_there(options(dir.path, 4 << 20, 99));
  EXPECT(!not_there.open().empty());
}

TEST(memory, compacts_its_log) {
  const TempDir dir;
  Memory m(options(dir.path));
  EXPECT_EQ(m.open(), "");
  std::uint64_t largest = 0;
  for (std::uint64_t c = 1; c <= 60; c++) {
    for (std::uint64_t i = 0; i < 5000; i++) m.touch(0, "k" + std::to_string(i), kT0 + c * kDay, "h");
    EXPECT_EQ(m.commit(c), "");
    largest = std::max(largest, m.disk_bytes());
  }
  EXPECT(largest < (10 << 20));
  std::size_t snapshots = 0;
  for (const auto& e : fs::directory_iterator(dir.path)) snapshots += e.path().extension() == ".snapshot" ? 1 : 0;
  EXPECT(snapshots <= 2);
}

TEST(memory, killed_at_any_moment_it_stands_at_a_commit) {
  const TempDir dir;
  const auto run = [&](Memory& m, std::uint64_t c) {
    for (std::uint64_t i = 0; i < 200; i++) {
      m.touch(0, "k" + std::to_string(i % 11), kT0 + c * 1000 + i, "h" + std::to_string((c + i) % 7));
      m.touch(0, "n" + std::to_string(c * 1000 + i), kT0 + c * 1000 + i);
    }
    return m.commit(c);
  };
  // What every commit should look like.
  std::vector<std::string> states;
  {
    const TempDir calm;
    Memory m(options(calm.path));
    EXPECT_EQ(m.open(), "");
    states.push_back("");
    for (std::uint64_t c = 1; c <= 120; c++) {
      EXPECT_EQ(run(m, c), "");
      states.push_back(state_of(m, 11, 7));
    }
  }
  std::mt19937 random(5);
  std::uint64_t reached = 0;
  for (int k = 0; k < 40 && reached < 120; k++) {
    const pid_t child = ::fork();
    if (child == 0) {
      Memory m(options(dir.path));
      if (!m.open().empty()) ::_exit(1);
      for (std::uint64_t c = m.position() + 1; c <= 120; c++) {
        if (!run(m, c).empty()) ::_exit(1);
      }
      ::_exit(0);
    }
    ::usleep(static_cast<useconds_t>(1000 + random() % 20'000));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT(!WIFEXITED(status) || WEXITSTATUS(status) == 0);
    Memory m(options(dir.path));
    EXPECT_EQ(m.open(), "");
    EXPECT(m.position() >= reached);
    reached = m.position();
    if (reached > 0) EXPECT(state_of(m, 11, 7) == states[reached]);
  }
  EXPECT(reached > 0);
}

TEST(memory, a_folder_has_one_owner) {
  const TempDir dir;
  Memory one(options(dir.path));
  EXPECT_EQ(one.open(), "");
  Memory two(options(dir.path));
  EXPECT(two.open().find("in use") != std::string::npos);
}

TEST(memory, a_damaged_or_newer_snapshot_is_refused) {
  const TempDir dir;
  {
    Memory m(options(dir.path));
    EXPECT_EQ(m.open(), "");
    m.touch(0, "k", kT0, "h");
    EXPECT_EQ(m.commit(1), "");
  }
  const fs::path file = dir.path / "1.snapshot";
  const std::vector<char> whole = slurp(file);
  for (std::size_t n = 0; n < whole.size(); n++) {
    std::vector<char> bad = whole;
    bad[n] = static_cast<char>(bad[n] ^ 1);
    spill(file, bad, bad.size());
    Memory m(options(dir.path));
    EXPECT(!m.open().empty());
  }
  std::vector<char> newer = whole;
  newer[4] = 2;
  spill(file, newer, newer.size());
  Memory m(options(dir.path));
  EXPECT(m.open().find("newer version") != std::string::npos);
}

TEST(memory, another_budget_after_a_restart) {
  const TempDir dir;
  const std::uint64_t n = 8000;
  {
    Memory m(options(dir.path, 8 << 20));
    EXPECT_EQ(m.open(), "");
    for (std::uint64_t i = 0; i < n; i++) m.touch(0, "k" + std::to_string(i), kT0 + i);
    EXPECT_EQ(m.commit(1), "");
    EXPECT_EQ(m.image().keys.evicted(), 0U);
  }
  Memory small(options(dir.path, kBudgetBytesMin));
  EXPECT_EQ(small.open(), "");
  EXPECT(small.image().keys.bytes() <= kBudgetBytesMin / 2);
  EXPECT_EQ(small.image().keys.size() + small.image().keys.evicted(), n);
  for (std::uint64_t i = 0; i < n; i++) {
    const Recollection r = small.look(0, "k" + std::to_string(i));
    EXPECT(r.count == 1 || r.since > kT0 + i);
  }
  EXPECT_EQ(small.commit(2), "");
}

TEST(memory, a_failed_commit_can_be_tried_again) {
  const TempDir dir;
  Memory m(options(dir.path / "inner"));
  EXPECT_EQ(m.open(), "");
  fs::remove_all(dir.path / "inner");
  m.touch(0, "k", kT0);
  EXPECT(!m.commit(1).empty());
  EXPECT_EQ(m.position(), 0U);
  fs::create_directory(dir.path / "inner");
  EXPECT_EQ(m.commit(1), "");
  EXPECT_EQ(m.position(), 1U);
}

}  // namespace
}  // namespace catenary::memory
