// Turns records of one kind into one ClickHouse Native block: the same values, columns instead of rows.
//
//   block   varint columns | varint rows | column...
//   column  varint length, name | varint length, type | values
//   values  Nullable(T): a byte a row, 1 for null, then T's values with a zero in each null's place
//           Array(T):    a row's end offset in items, u64 each, then all items
//           String: varint length and bytes · FixedString(12): 12 bytes · IPv6: 16 bytes
//           Bool: a byte · integers, Float64, DateTime64(6): little-endian
//
// Before the record's own columns stand `sensor`, and for kinds of a flow `community_id`; the host and domain columns
// when somebody can fill them. A dictionary column of the table travels as plain String: ClickHouse converts.
#pragma once

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

#include "event/community_id.h"
#include "event/walk.h"

namespace catenary {

// What the collector knows about a row beyond its record. An answer needs to live until the next call.
class RowFacts {
 public:
  virtual ~RowFacts() = default;
  // The host an address was at `seen`, empty when unknown.
  virtual std::string_view host(const Ip& addr, Micros seen) noexcept = 0;
  // The registered domain of a name, empty when it has none.
  virtual std::string_view registered_domain(std::string_view name) noexcept = 0;
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
  // An unknown kind makes every add() fail.
  explicit Transposer(Kind kind, RowFacts* facts = nullptr);

  // Appends the rows of a run of records seen by `sensor`. The bytes are validated once more, so that damage on disk
  // does not reach the store; on a fault nothing of this run is kept.
  record::Fault add(Bytes records, std::string_view sensor);
  std::uint64_t rows() const noexcept { return rows_; }
  // Bytes held in columns, near the size of the block.
  std::size_t bytes() const noexcept;
  // Appends the block to `out` and begins an empty one, keeping its memory. No rows, no block.
  void finish(std::vector<std::uint8_t>& out);

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

  Kind kind_;
  const KindInfo* info_;
  RowFacts* facts_;
  std::vector<Column> columns_;  // the record's
  std::vector<Column> extra_;    // the collector's, in the order of the Sink's filling
  CommunityId community_id_;
  std::uint64_t rows_ = 0;
};

}  // namespace catenary
