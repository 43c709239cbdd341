// Looks for something in what stored packets carry: in the bytes of TCP streams in order, so that what was split over
// packets and segments is found too, and in each datagram, message of ICMP and other payload of IP by itself.
//
// A stream is looked at in windows of kWindowBytes, which overlap by kOverlapBytes: what is longer may be missed where
// two windows meet. Patterns are RE2's over bytes, so no pattern takes more than linear time; rules are YARA's, where
// libyara was there at the build, and see a window as they would a file.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/net.h"
#include "base/siphash.h"
#include "packets/stored.h"

namespace catenary::hunt {

inline constexpr std::size_t kWindowBytes = 64 << 10;
inline constexpr std::size_t kOverlapBytes = 4 << 10;
inline constexpr std::size_t kPatternsMax = 64;
inline constexpr std::size_t kPatternBytesMax = 4096;
inline constexpr std::size_t kRulesBytesMax = 4 << 20;  // the text of YARA rules
inline constexpr std::size_t kExcerptBytes = 48;        // of what was found
inline constexpr int kRulesSeconds = 10;                // one window under YARA: then it is given up, and counted

// Whether rules of YARA can be looked for.
bool has_yara() noexcept;

struct Pattern {
  std::string name;   // as a hit calls it
  std::string regex;  // RE2 over bytes; '.' is any byte
};

struct Options {
  std::vector<Pattern> patterns;
  std::string rules;                              // text of YARA rules; "" for none
  std::size_t hits_max = 10'000;                  // then it ends
  std::size_t held_max = std::size_t{256} << 20;  // bytes of windows that are not full; above, windows end early
  std::size_t flows_max = 1 << 20;
  SipKey key{};
};

struct Hit {
  std::string pattern;  // its name, or the rule's
  Uid uid;              // as the sensor named the flow
  Nanos ts = 0;         // of the packet in which it is complete
  Ip orig_h, resp_h;
  std::uint16_t orig_p = 0, resp_p = 0;
  std::uint8_t proto = 0;
  bool is_orig = false;
  bool is_stream = false;    // else `offset` counts in one packet's payload
  std::uint64_t offset = 0;  // from the stream's first byte that the hunt was given
  std::uint64_t length = 0;
  std::vector<std::uint8_t> excerpt;  // its first bytes
};

struct Counters {
  std::uint64_t packets = 0, bytes = 0;  // looked at, bytes of payload
  std::uint64_t early = 0;               // windows that ended early: for lack of memory
  std::uint64_t lost = 0;                // bytes of streams that are missing
  std::uint64_t slow = 0;                // windows that rules took too long for
};

class Hunt {
 public:
  // `error`: why a pattern or a rule means nothing; then the object is of no use.
  Hunt(Options options, std::string& error);
  ~Hunt();
  Hunt(const Hunt&) = delete;
  Hunt& operator=(const Hunt&) = delete;

  // A segment's packets: those at `offsets` that pass `filter`, or all that do when `is_all`. "" or why it ended early.
  std::string segment(const std::string& path, const std::string& filter, std::span<const std::uint32_t> offsets,
                      bool is_all);
  // Nothing follows: what is held is looked at, and flows begin anew.
  void finish();

  std::vector<Hit> take_hits();
  // As many were found as may be: it looks no further.
  bool is_full() const noexcept;
  const Counters& counters() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace catenary::hunt
