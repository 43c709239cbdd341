// Live capture on the loopback of a namespace of its own: who gets which packet, and that the counters agree. Needs
// root; without it nothing is expected.
#include <set>
#include <utility>

#include "base/test.h"
#include "capture/namespace.h"
#include "capture/source.h"

namespace catenary::capture {
namespace {

using Octets = std::vector<std::uint8_t>;
using Sources = std::vector<std::unique_ptr<Source>>;

constexpr int kWorkers = 4;

Sources workers(int n, const std::string& filter = "") {
  Sources all;
  for (int i = 0; i < n; i++) {
    std::string error;
    LiveOptions options;
    options.filter = filter;
    options.buffer_bytes = 2 << 20;
    options.timeout_ms = 10;
    options.fanout = {n, 77, 0x9e3779b1};
    all.push_back(open_live("lo", options, error));
    EXPECT_EQ(error, "");
  }
  return all;
}

// How many packets each source has, when all of them have ended.
std::vector<int> taken(const Sources& sources) {
  std::vector<int> out;
  for (const auto& s : sources) {
    s->shut();
    int n = 0;
    Next last{};
    for (RawPacket p; (last = s->next(p)) == Next::kPacket;) n++;
    EXPECT(last == Next::kEnd);
    const SourceStats stats = s->stats();
    EXPECT_EQ(stats.taken, static_cast<std::uint64_t>(n));
    EXPECT_EQ(stats.received, stats.taken + stats.dropped);
    out.push_back(n);
  }
  return out;
}

Octets join(std::initializer_list<Octets> parts) {
  Octets all;
  for (const Octets& p : parts) all.insert(all.end(), p.begin(), p.end());
  return all;
}

// A pair of hosts, by number.
Octets ip4(int pair, bool is_back, std::uint16_t flags = 0, std::uint8_t protocol = 17, std::uint16_t port = 4000) {
  const auto low = static_cast<std::uint8_t>(pair);
  Octets a{10, 0, 0, low}, b{192, 168, 7, static_cast<std::uint8_t>(pair * 37)};
  if (is_back) std::swap(a, b);
  return join({test::hex("4500 0020 0007"),
               {static_cast<std::uint8_t>(flags >> 8), static_cast<std::uint8_t>(flags), 64, protocol, 0, 0},
               a,
               b,
               {static_cast<std::uint8_t>(port >> 8), static_cast<std::uint8_t>(port), 0, 9, 0, 12, 0, 0, 1, 2, 3, 4}});
}
Octets ip6(int pair, bool is_back, bool is_fragment) {
  Octets a(16, static_cast<std::uint8_t>(pair)), b(16, 0xfe);
  b[3] = static_cast<std::uint8_t>(pair * 59);
  if (is_back) std::swap(a, b);
  const Octets udp = test::hex("0fa0 0009 000c 0000 01020304");
  if (is_fragment) return join({test::hex("60000000 0014 2c 40"), a, b, test::hex("11 00 0001 00000007"), udp});
  return join({test::hex("60000000 000c 11 40"), a, b, udp});
}
Octets ethernet(const char* tags_and_type, const Octets& ip) {
  return join({Octets(12, 0), test::hex(tags_and_type), ip});
}

// Whatever of a pair of hosts is on the wire, whole, in fragments, in both directions, behind any tags.
std::vector<Octets> talk4(int pair) {
  std::vector<Octets> out;
  for (const bool is_back : {false, true}) {
    for (const int flags : {0, 0x2000, 0x2001, 0x0002})
      out.push_back(ethernet("0800", ip4(pair, is_back, static_cast<std::uint16_t>(flags))));
    out.push_back(ethernet("0800", ip4(pair, is_back, 0, 6, 21)));
    out.push_back(ethernet("0800", ip4(pair, is_back, 0, 1)));
    for (const char* tags : {"8100 0007 0800", "88a8 0007 8100 0008 0800", "8847 00010140", "8847 00010040 00020140",
                             "8864 1100 0001 0022 0021", "8100 0007 8864 1100 0001 0022 0021"})
      out.push_back(ethernet(tags, ip4(pair, is_back)));
  }
  return out;
}
std::vector<Octets> talk6(int pair) {
  std::vector<Octets> out;
  for (const bool is_back : {false, true}) {
    for (const bool is_fragment : {false, true}) {
      for (const char* tags : {"86dd", "8100 0007 86dd", "8847 00010140", "8864 1100 0001 0034 0057"})
        out.push_back(ethernet(tags, ip6(pair, is_back, is_fragment)));
    }
  }
  return out;
}

TEST(live, all_of_a_pair_of_hosts_goes_to_one_worker_and_pairs_to_all) {
  const test::Namespace ns;
  if (!ns.ok()) return;
  std::set<std::size_t> used;
  for (int pair = 1; pair <= 24; pair++) {
    const Sources sources = workers(kWorkers);
    const auto talk = pair % 2 ? talk4(pair) : talk6(pair);
    for (const Octets& frame : talk) EXPECT(ns.send(frame));
    const std::vector<int> counts = taken(sources);
    for (std::size_t i = 0; i < counts.size(); i++) {
      if (counts[i] == 0) continue;
      EXPECT_EQ(counts[i], static_cast<int>(talk.size()));
      used.insert(i);
    }
  }
  EXPECT_EQ(used.size(), static_cast<std::size_t>(kWorkers));
}

TEST(live, what_is_no_ip_or_cut_short_goes_to_somebody_once) {
  const test::Namespace ns;
  if (!ns.ok()) return;
  const Sources sources = workers(kWorkers);
  int sent = 0;
  for (const char* frame :
       {"0806 0001", "88cc 02", "0800 45", "86dd 60", "8100 0007 0806 0001", "8847 0001", "8864 11", "0026 4242 03"})
    sent += ns.send(ethernet(frame, {}));
  int sum = 0;
  for (const int n : taken(sources)) sum += n;
  EXPECT_EQ(sum, sent);
  EXPECT_EQ(sent, 8);
}

TEST(live, packets_before_the_filter_and_after_the_end_are_nobodys) {
  const test::Namespace ns;
  if (!ns.ok()) return;
  for (const int n : {1, 2}) {
    const Sources sources = workers(n, "udp port 9");
    EXPECT(ns.send(ethernet("0800", ip4(1, false))));
    EXPECT(ns.send(ethernet("0806", {})));
    EXPECT(ns.send(ethernet("0800", ip4(2, false, 0, 6))));
    EXPECT(ns.send(ethernet("0800", ip4(3, false))));
    for (const auto& s : sources) s->shut();
    EXPECT(ns.send(ethernet("0800", ip4(1, false))));
    int sum = 0;
    for (const int each : taken(sources)) sum += each;
    EXPECT_EQ(sum, 2);
  }
}

TEST(live, an_interface_that_is_down_is_waited_for) {
  const test::Namespace ns;
  if (!ns.ok()) return;
  const Sources sources = workers(1);
  Source& s = *sources[0];
  RawPacket p;
  EXPECT(s.next(p) == Next::kTimeout);
  EXPECT_EQ(s.stats().down, 0);
  EXPECT(ns.set_up(false));
  EXPECT(s.next(p) == Next::kTimeout);
  EXPECT(s.next(p) == Next::kTimeout);
  EXPECT(ns.set_up(true));
  EXPECT(ns.send(ethernet("0800", ip4(1, false))));
  const std::vector<int> counts = taken(sources);
  EXPECT_EQ(counts[0], 1);
  EXPECT(s.stats().down > 0);
}

TEST(live, what_cannot_be_opened_says_why) {
  const test::Namespace ns;
  if (!ns.ok()) return;
  std::string error;
  EXPECT(open_live("none0", {}, error) == nullptr);
  EXPECT_HAS(error, "no such interface");
  LiveOptions options;
  options.filter = "port banana";
  EXPECT(open_live("lo", options, error) == nullptr);
  EXPECT_HAS(error, "filter 'port banana': ");
  options = {};
  options.clock = Clock::kAdapter;
  EXPECT(open_live("lo", options, error) == nullptr);
  EXPECT_HAS(error, "ethtool -T lo");
  EXPECT(ns.set_up(false));
  EXPECT(open_live("lo", {}, error) == nullptr);
  EXPECT_HAS(error, "the interface is down");
}

}  // namespace
}  // namespace catenary::capture
