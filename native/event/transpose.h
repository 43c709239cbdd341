// Turns records of one kind into one ClickHouse Native block: the same values, columns instead of rows.
//
//   block   varint columns | varint rows | column...
//   column  varint length, name | varint length, type | values
//   values  Nullable(T): a byte a row, 1 for null, then T's values with a zero in each null's place
//           Array(T):    a row's end offset in items, u64 each, then all items
//           String: varint length and bytes · FixedString(12): 12 bytes · IPv6: 16 bytes
//           Bool: a byte · integers, Float64, DateTime64(6): little-endian
//
// Before the record's own columns stand the collector's: where the record is in its sensor's log (`sensor`,
// `frame_epoch`, `frame_seq`, `frame_index`), for kinds of a flow `community_id` and the hosts behind the addresses,
// and for kinds with a name its `registered_domain`. A dictionary column of the table travels as plain String:
// ClickHouse converts.
#pragma once

#include <algorithm>
#include <cstring>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/siphash.h"
#include "event/community_id.h"
#include "event/validate.h"
#include "event/walk.h"

namespace catenary {

// What the collector knows about a row beyond its record. An answer needs to live until the next call.
class RowFacts {
 public:
  virtual ~RowFacts() = default;
  // The host an address was at `seen`; empty when unknown: then the column holds `ip:` and the address.
  virtual std::string_view host(const Ip& addr, Micros seen) noexcept = 0;
};

// Which frame a run of records came in: with its place in the run this is what `sensor/epoch/seq/index` names.
struct Origin {
  std::string_view sensor;
  std::uint64_t epoch = 0;
  std::uint64_t seq = 0;
};

// Bytes appended value by value. A vector's insert costs several times the copy of a value of a few bytes.
class Run {
 public:
  // Room for n bytes at the end, to be written by the caller.
  std::uint8_t* more(std::size_t n) {
    if (held_.size() - size_ < n) held_.resize(std::max(2 * held_.size(), size_ + n));
    std::uint8_t* at = held_.data() + size_;
    size_ += n;
    return at;
  }
  void append(const void* from, std::size_t n) {
    if (n != 0) std::memcpy(more(n), from, n);
  }
  void append_byte(std::uint8_t v) { *more(1) = v; }
  void append_varint(std::uint64_t v) {
    for (; v > 0x7f; v >>= 7) append_byte(static_cast<std::uint8_t>(v | 0x80));
    append_byte(static_cast<std::uint8_t>(v));
  }
  void append_text(std::string_view v) {
    append_varint(v.size());
    append(v.data(), v.size());
  }
  Bytes bytes() const noexcept { return {held_.data(), size_}; }
  std::size_t size() const noexcept { return size_; }
  void clear() noexcept { size_ = 0; }

 private:
  std::vector<std::uint8_t> held_;  // its size is the room, size_ what is used
  std::size_t size_ = 0;
};

class Transposer {
 public:
  // An unknown kind makes every add() fail. The key guards the table of names, which traffic fills.
  explicit Transposer(Kind kind, RowFacts* facts = nullptr, SipKey key = {});

  // Appends the rows of one frame's records. The bytes are validated once more, so that damage on disk does not reach
  // the store; on a fault nothing of this frame is kept.
  Validation add(Bytes records, const Origin& origin);
  std::uint64_t rows() const noexcept { return rows_; }
  // Bytes held in columns, near the size of the block.
  std::size_t bytes() const noexcept;
  // The distinct names whose registered domains finish() wants, in the order they came. They are asked for once a name
  // and not once a row, because the Public Suffix List is read on the JavaScript side, as in detection.
  const std::deque<std::string>& names() const noexcept { return names_; }
  // Appends the block to `out` and begins an empty one, keeping its memory. No rows, no block.
  // domains: of each of names(), empty where there is none or the list ends early.
  void finish(std::vector<std::uint8_t>& out, std::span<const std::string> domains = {});

 private:
  struct Column {
    std::string_view name;
    std::string_view type;
    std::size_t width = 0;  // of a value, 0 for texts of their own length
    bool optional = false;
    bool list = false;
    Run nulls = {};  // a byte a row
    Run ends = {};   // a u64 a row
    Run values = {};
    std::uint64_t items = 0;
  };
  struct Sink;
  struct NameHash {
    SipKey key;
    std::size_t operator()(std::string_view name) const noexcept { return siphash(key, as_bytes(name)); }
  };

  std::string_view host_of(const Ip& addr, Micros seen) noexcept;
  void add_name(std::string_view name);

  Kind kind_;
  const KindInfo* info_;
  RowFacts* facts_;
  std::vector<Column> columns_;  // the record's
  std::vector<Column> extra_;    // the collector's, in the order of the Sink's filling; the domain last
  CommunityId community_id_;
  char host_text_[64] = {'i', 'p', ':'};
  std::deque<std::string> names_;
  std::unordered_map<std::string_view, std::uint32_t, NameHash> name_ids_;  // keys point into names_
  std::vector<std::uint32_t> row_names_;                                    // place in names_, or kNoName
  std::uint64_t rows_ = 0;
};

}  // namespace catenary
