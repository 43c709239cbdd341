// Puts IP fragments together. RFC 791, section 3.2; RFC 8200, section 4.5; RFC 5722.
//
// One buffer of 64 KB per datagram from a fixed pool, and a bit per 8 bytes that says what is there:
// adding a fragment costs its own length whatever else has come, so no order of fragments is slow.
// Overlaps are read as Linux reads them, IPv4 as IPv6 (RFC 5722, 4): what adds nothing is a duplicate
// and is left out, whatever its bytes; what overlaps in part ends the datagram, and none of it is read.
// Other hosts read on, so both are told: an overlap is an attack on whoever watches.
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/net.h"
#include "base/siphash.h"
#include "decode/found.h"

namespace catenary::fragment {

struct Key {
  Ip src, dst;
  std::uint32_t id = 0;
  std::uint8_t proto = 0;
  std::uint8_t version = 0;
  bool operator==(const Key&) const = default;
};

// What a fragment's header says of it.
struct Piece {
  std::uint32_t offset = 0;
  bool has_more = false;
  std::uint8_t proto = 0;  // of the first fragment counts (RFC 8200, 4.5)
  std::uint8_t ttl = 0;
};

struct Result {
  bool is_complete = false;
  Bytes payload;  // valid until the next begin_frame()
  std::uint8_t proto = 0;
  decode::Found<3> weirds;
};

class Table {
 public:
  static constexpr std::size_t kDatagramsMax = 1024;  // 64 MB of buffers at most, allocated as needed
  static constexpr Nanos kTimeout = 30 * kSecond;     // RFC 8200: 60 s; Linux: 30 s

  explicit Table(SipKey key) : key_(key) {}
  // A new frame: what was handed out before is no longer read. Within a frame several datagrams may be handed out, one
  // in another's payload, so their buffers are not used again before.
  void begin_frame();
  Result add(const Key& key, Nanos now, const Piece& piece, Bytes data);

  std::size_t active() const { return active_; }
  std::uint64_t evicted() const { return evicted_; }

 private:
  static constexpr std::size_t kBytesMax = 65536;
  static constexpr std::size_t kBuckets = 2048;
  static constexpr std::uint32_t kNil = 0xffffffff;

  struct Datagram {
    Key key;
    Nanos first = 0;
    std::uint32_t end = 0;      // known once the last fragment came; 0 before
    std::uint32_t have = 0;     // 8-byte units held
    std::uint32_t highest = 0;  // end of the furthest fragment so far
    std::uint8_t proto = 0, ttl = 0;
    bool has_odd_ttl = false;
    std::uint32_t next = kNil;  // in the bucket
    std::uint32_t older = kNil, newer = kNil;
    bool in_use = false;
    std::bitset<kBytesMax / 8> units;
    std::uint8_t bytes[kBytesMax];
  };

  std::uint32_t* bucket_of(const Key& key);
  std::uint32_t find(const Key& key);
  std::uint32_t create(const Key& key, Nanos now);
  void unlink(std::uint32_t i);
  void release(std::uint32_t i);
  Result discard(std::uint32_t i, Result out);

  SipKey key_;
  std::vector<std::unique_ptr<Datagram>> pool_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> buckets_ = std::vector<std::uint32_t>(kBuckets, kNil);
  std::uint32_t oldest_ = kNil, newest_ = kNil;
  std::size_t active_ = 0;
  std::uint64_t evicted_ = 0;
  std::vector<std::uint32_t> delivered_;  // in this frame: free with the next
};

}  // namespace catenary::fragment
