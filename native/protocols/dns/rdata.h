// Record data as text, worded as in the `answers` of Zeek's dns.log, which leaves some types out: those are told too,
// but apart.
#pragma once

#include <memory>

#include "protocols/dns/message.h"

namespace catenary::dns {

// Texts of one event, one behind another; their views live until reset().
class TextArena {
 public:
  // A text is cut by the record writer at 512; what does not matter any more is not written here either.
  static constexpr std::size_t kTextMax = 520;
  static constexpr std::size_t kBytes = 64 * 1024;

  void reset() noexcept { used_ = 0; }
  bool has_room() const noexcept { return kBytes - used_ >= kTextMax; }
  // Between begin() and end() one text grows. The caller has asked has_room().
  void begin() noexcept { start_ = used_; }
  std::string_view end() noexcept { return {bytes_.data() + start_, used_ - start_}; }
  void drop() noexcept { used_ = start_; }
  // Gives up every text since mark() told where the end was.
  std::size_t mark() const noexcept { return used_; }
  void rewind(std::size_t mark) noexcept { used_ = mark; }

  TextArena& put(std::string_view text) noexcept;
  TextArena& put(char c) noexcept {
    if (used_ < start_ + kTextMax) bytes_[used_++] = c;
    return *this;
  }
  TextArena& lower(std::string_view text) noexcept;
  TextArena& number(std::uint64_t n) noexcept;
  TextArena& hex(Bytes bytes) noexcept;
  TextArena& ip4(Bytes four) noexcept;
  // RFC 5952; an IPv4-mapped address as the IPv4 address that it is.
  TextArena& ip6(Bytes sixteen) noexcept;

 private:
  std::array<char, kBytes> bytes_;
  std::size_t used_ = 0, start_ = 0;
};

// What becomes of a record in the event.
enum class Shown : std::uint8_t {
  kNothing,  // of no account: OPT, TSIG
  kSilent,   // counts as an answer, but has no text (WKS, an empty TXT)
  kAnswer,   // in `answers`
  kMore,     // in `more_answers`: Zeek does not tell it
};

struct Rendered {
  Shown shown = Shown::kNothing;
  bool is_length_wrong = false;  // the data is longer or shorter than its type says
  bool is_fatal = false;         // as in Zeek, nothing behind it is told
  NameFault name = NameFault::kNone;
};

// Adds the text of `record` to the arena, between its begin() and end(). In an update (RFC 2136) addresses are told
// with their owner.
Rendered render(Bytes message, Record& record, bool is_netbios, bool is_update, TextArena& out) noexcept;

}  // namespace catenary::dns
