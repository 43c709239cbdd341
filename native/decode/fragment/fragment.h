// Puts IP fragments together. RFC 791, section 3.2; RFC 8200, section 4.5; RFC 5722.
//
// One buffer of 64 KB per datagram from a fixed pool, and a bit per 8 bytes that says what is there:
// adding a fragment costs its own length whatever else has come, so no order of fragments is slow.
// Where fragments overlap the first to come wins, and differing bytes are a weird: hosts disagree
// (RFC 5722 forbids overlaps in IPv6), so an overlap is an attack on whoever watches.
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/net.h"
#include "base/siphash.h"
#include "event/gen/weirds.gen.h"

namespace catenary::fragment {

struct Key {
  Ip src, dst;
  std::uint32_t id = 0;
  std::uint8_t proto = 0;
  std::uint8_t version = 0;
  bool operator==(const Key&) const = default;
};

struct Result {
  bool is_complete = false;
  Bytes payload;  // valid until the next begin_frame()
  std::optional<Weird> weird;
};

class Table {
 public:
  static constexpr std::size_t kDatagramsMax = 1024;  // 64 MB of buffers at most, allocated as needed
  static constexpr Nanos kTimeout = 30 * kSecond;     // RFC 8200: 60 s; Linux: 30 s

  explicit Table(SipKey key) : key_(key) {}
  // A new frame: what was handed out before is no longer read. Within a frame several datagrams may be handed out, one
  // in another's payload, so their buffers are not used again before.
  void begin_frame();
  Result add(const Key& key, Nanos now, std::uint32_t offset, bool has_more, Bytes data);

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
