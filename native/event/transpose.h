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
    std::vector<std::uint8_t> nulls = {};  // a byte a row
    std::vector<std::uint8_t> ends = {};   // a u64 a row
    std::vector<std::uint8_t> values = {};
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
