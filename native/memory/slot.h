// What memory keeps of one key, and of one (key, host) pair: fixed size, no pointers, and how they stand in a file.
//
// On disk a slot is its used part only, little endian: most keys are seen on few days and by few hosts.
//   index u32, parts u8 (1: `gone` follows), h0 u64, h1 u64, first u64, last u64, since u64, count u32, day u32,
//   words u8 (which of the seven words of days follow), those words, [gone u64],
//   and of a key: hosts u8, then host u64 and day u32 of each
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <type_traits>
#include <vector>

#include "base/cursor.h"
#include "base/net.h"

namespace catenary::memory {

// chains.md, Memory functions: windows are whole UTC days, at most 400 of them.
inline constexpr std::uint32_t kDaysMax = 400;
inline constexpr Micros kDay = 86'400'000'000;
// "Exact to 16 hosts, then more than 16" needs one more than 16, and no more: see KeySlot.
inline constexpr std::size_t kHostsMax = 17;

inline constexpr std::uint32_t day_of(Micros at) noexcept { return static_cast<std::uint32_t>(at / kDay); }

// 128 bits of keyed hash stand for the key: two keys of one memory meet with odds of n^2 / 2^129.
struct KeyHash {
  std::uint64_t h0 = 0, h1 = 0;
  bool operator==(const KeyHash&) const noexcept = default;
};

struct PairSlot {
  KeyHash hash;
  Micros first = 0, last = 0;
  // Of this key nothing is known before: the start of memory, or what its place forgot before the key came.
  Micros since = 0;
  std::uint32_t count = 0;
  // The latest day with a touch; bit (d % 400) says whether day d in (day - 400, day] had one.
  std::uint32_t day = 0;
  std::array<std::uint64_t, 7> days{};

  void touch(Micros at) noexcept {
    first = count == 0 ? at : std::min(first, at);
    last = count == 0 ? at : std::max(last, at);
    mark(day_of(at));
    if (count != UINT32_MAX) count++;
  }
  std::uint32_t days_seen() const noexcept {
    int n = 0;
    for (const std::uint64_t w : days) n += std::popcount(w);
    return static_cast<std::uint32_t>(n);
  }

 private:
  void mark(std::uint32_t d) noexcept {
    if (count == 0) day = d;
    if (d > day) {
      // The ring comes round: what stood for the day 400 before now stands for this one.
      if (d - day >= kDaysMax) {
        days.fill(0);
      } else {
        for (std::uint32_t k = day + 1; k <= d; k++) clear(k % kDaysMax);
      }
      day = d;
    }
    if (day - d < kDaysMax) days[d % kDaysMax / 64] |= 1ULL << (d % kDaysMax % 64);
  }
  void clear(std::uint32_t bit) noexcept { days[bit / 64] &= ~(1ULL << (bit % 64)); }
};

// A key also keeps the 17 hosts that touched it on the latest days. Whatever the window, if at most 16 hosts touched
// the key in it they are all among the 17; if more did, all 17 are in it. So every window is exact, with no sketch and
// no flag that stays up after the seventeenth host has been gone for a year. Which of two hosts of the same day is
// dropped changes no answer.
struct KeySlot : PairSlot {
  std::uint32_t host_count = 0;
  std::array<std::uint32_t, kHostsMax> host_day{};
  std::array<std::uint64_t, kHostsMax> host{};

  void touch_host(std::uint64_t h, Micros at) noexcept {
    const std::uint32_t d = day_of(at);
    std::size_t oldest = 0;
    for (std::size_t i = 0; i < host_count; i++) {
      if (host[i] == h) {
        host_day[i] = std::max(host_day[i], d);
        return;
      }
      if (host_day[i] < host_day[oldest]) oldest = i;
    }
    if (host_count < kHostsMax) {
      oldest = host_count++;
    } else if (d < host_day[oldest]) {
      return;  // a late touch, older than all that are kept
    }
    host[oldest] = h;
    host_day[oldest] = d;
  }
  // Hosts of the `window` whole days that end with the day of `at`.
  std::uint32_t prevalence(std::uint32_t window, Micros at) const noexcept {
    const std::uint32_t today = day_of(at);
    std::uint32_t n = 0;
    for (std::size_t i = 0; i < host_count; i++) n += host_day[i] + std::uint64_t{window} > today ? 1 : 0;
    return n;
  }
};
static_assert(std::is_trivially_copyable_v<KeySlot> && std::is_trivially_copyable_v<PairSlot>);
static_assert(sizeof(PairSlot) == 104 && sizeof(KeySlot) == 312);

// Little-endian bytes at the end of a buffer.
template <class T>
void put(std::vector<std::uint8_t>& out, T v) {
  static_assert(std::endian::native == std::endian::little && std::is_integral_v<T>);
  const std::size_t at = out.size();
  out.resize(at + sizeof v);
  std::memcpy(out.data() + at, &v, sizeof v);
}

inline void encode_pair(const PairSlot& s, std::uint32_t index, Micros gone, std::vector<std::uint8_t>& out) {
  put(out, index);
  put(out, static_cast<std::uint8_t>(gone != 0 ? 1 : 0));
  for (const std::uint64_t v : {s.hash.h0, s.hash.h1, s.first, s.last, s.since}) put(out, v);
  put(out, s.count);
  put(out, s.day);
  std::uint8_t words = 0;
  for (std::size_t i = 0; i < s.days.size(); i++) words |= static_cast<std::uint8_t>(s.days[i] != 0 ? 1 << i : 0);
  put(out, words);
  for (const std::uint64_t w : s.days) {
    if (w != 0) put(out, w);
  }
  if (gone != 0) put(out, gone);
}
inline void encode(const PairSlot& s, std::uint32_t index, Micros gone, std::vector<std::uint8_t>& out) {
  encode_pair(s, index, gone, out);
}
inline void encode(const KeySlot& s, std::uint32_t index, Micros gone, std::vector<std::uint8_t>& out) {
  encode_pair(s, index, gone, out);
  put(out, static_cast<std::uint8_t>(s.host_count));
  for (std::size_t i = 0; i < s.host_count; i++) {
    put(out, s.host[i]);
    put(out, s.host_day[i]);
  }
}

// False: these bytes are not what encode() wrote.
inline bool decode(Cursor& in, PairSlot& s, std::uint32_t& index, Micros& gone) noexcept {
  index = in.le32();
  const std::uint8_t parts = in.u8();
  for (std::uint64_t* v : {&s.hash.h0, &s.hash.h1, &s.first, &s.last, &s.since}) *v = in.le64();
  s.count = in.le32();
  s.day = in.le32();
  const std::uint8_t words = in.u8();
  for (std::size_t i = 0; i < s.days.size(); i++) s.days[i] = (words >> i & 1) != 0 ? in.le64() : 0;
  gone = parts == 1 ? in.le64() : 0;
  return in.ok() && parts <= 1 && s.count > 0 && words < 128;
}
inline bool decode(Cursor& in, KeySlot& s, std::uint32_t& index, Micros& gone) noexcept {
  if (!decode(in, static_cast<PairSlot&>(s), index, gone)) return false;
  s.host_count = in.u8();
  if (s.host_count > kHostsMax) return false;
  for (std::size_t i = 0; i < s.host_count; i++) {
    s.host[i] = in.le64();
    s.host_day[i] = in.le32();
  }
  return in.ok();
}

}  // namespace catenary::memory
