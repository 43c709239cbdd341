#include "event/transpose.h"

#include <bit>
#include <charconv>

namespace catenary {
namespace {

static_assert(std::endian::native == std::endian::little, "Native blocks are little-endian");

// Bytes of a value in its column; 0 for a String.
std::size_t width_of(FieldType type) noexcept {
  switch (type) {
    case FieldType::boolean:
    case FieldType::u8: return 1;
    case FieldType::u16: return 2;
    case FieldType::u32:
    case FieldType::i32: return 4;
    case FieldType::time:
    case FieldType::duration:
    case FieldType::f64:
    case FieldType::u64:
    case FieldType::i64: return 8;
    case FieldType::uid: return kUidTextBytes;
    case FieldType::ip: return 16;
    case FieldType::mac:
    case FieldType::text: return 0;
  }
  return 0;
}

constexpr std::size_t kSeenColumn = 1;
constexpr std::uint32_t kNoName = UINT32_MAX;

// As src/schema/ip.ts writes it: RFC 5952, dotted for a mapped IPv4 address. The longest is 39 characters.
char* ip_text(const Ip& ip, char* at, char* end) noexcept {
  if (ip.is_v4()) {
    for (std::size_t i = 12; i < 16; i++) {
      if (i != 12) *at++ = '.';
      at = std::to_chars(at, end, ip.bytes[i]).ptr;
    }
    return at;
  }
  const auto word = [&ip](std::size_t i) noexcept {
    return static_cast<unsigned>(ip.bytes[2 * i]) << 8 | ip.bytes[2 * i + 1];
  };
  // 4.2: the longest run of zeros, the first of equals, two at least, becomes "::".
  std::size_t best = 8, longest = 1;
  for (std::size_t i = 0; i < 8; i++) {
    std::size_t n = 0;
    while (i + n < 8 && word(i + n) == 0) n++;
    if (n > longest) {
      best = i;
      longest = n;
    }
    i += n;
  }
  for (std::size_t i = 0; i < 8;) {
    if (i == best) {
      *at++ = ':';
      *at++ = ':';
      i += longest;
      continue;
    }
    if (i != 0 && i != best + longest) *at++ = ':';
    at = std::to_chars(at, end, word(i), 16).ptr;
    i++;
  }
  return at;
}

void append_u64(Run& to, std::uint64_t v) { to.append(&v, sizeof v); }
void append_u32(Run& to, std::uint32_t v) { to.append(&v, sizeof v); }

}  // namespace

// Fills the record's columns value by value, and the collector's when a row is whole.
struct Transposer::Sink {
  Transposer& to;
  const Origin& origin;
  std::uint32_t index = 0;
  Micros seen = 0;
  Ip orig_h = {}, resp_h = {};
  std::uint16_t orig_p = 0, resp_p = 0;
  std::uint8_t proto = 0;
  std::string_view name = {};
  bool is_open = false;

  void begin() {
    end();
    is_open = true;
    name = {};
  }

  // The collector's values of the row before, in the order of the constructor.
  void end() {
    if (!is_open) return;
    is_open = false;
    auto* column = to.extra_.data();
    (column++)->values.append_text(origin.sensor);
    append_u64((column++)->values, origin.epoch);
    append_u64((column++)->values, origin.seq);
    append_u32((column++)->values, index++);
    if (to.info_->flow) {
      (column++)->values.append_text(to.community_id_.of(orig_h, orig_p, resp_h, resp_p, proto));
      (column++)->values.append_text(to.host_of(orig_h, seen));
      (column++)->values.append_text(to.host_of(resp_h, seen));
    }
    if (to.info_->name_field != 0) to.add_name(name);
  }

  Column& next(std::size_t at) {
    Column& column = to.columns_[at];
    if (column.list) {
      column.items++;
    } else if (column.optional) {
      column.nulls.append_byte(0);
    }
    return column;
  }

  void nil(std::size_t at) {
    Column& column = to.columns_[at];
    column.nulls.append_byte(1);
    // A String's zero is an empty one: its length byte.
    const std::size_t n = std::max<std::size_t>(column.width, 1);
    std::memset(column.values.more(n), 0, n);
  }
  void list(std::size_t at, std::size_t n) {
    Column& column = to.columns_[at];
    const std::uint64_t end = column.items + n;
    column.ends.append(&end, sizeof end);
  }
  void integer(std::size_t at, std::uint64_t v) {
    Column& column = next(at);
    // Widths apart, so that each copy is one store.
    switch (column.width) {
      case 1: column.values.append(&v, 1); break;
      case 2: column.values.append(&v, 2); break;
      case 4: column.values.append(&v, 4); break;
      default: column.values.append(&v, 8);
    }
    if (at == kSeenColumn) seen = v;
    if (!to.info_->flow) return;
    if (at == kFieldOrigP) orig_p = static_cast<std::uint16_t>(v);
    if (at == kFieldRespP) resp_p = static_cast<std::uint16_t>(v);
    if (at == kFieldProto) proto = static_cast<std::uint8_t>(v);
  }
  void real(std::size_t at, double v) { next(at).values.append(&v, sizeof v); }
  void flag(std::size_t at, bool v) { next(at).values.append_byte(v ? 1 : 0); }
  void address(std::size_t at, Bytes v) {
    next(at).values.append(v.data(), 16);
    if (!to.info_->flow) return;
    if (at == kFieldOrigH) orig_h = Ip::v6(v);
    if (at == kFieldRespH) resp_h = Ip::v6(v);
  }
  void text(std::size_t at, std::string_view v) {
    Column& column = next(at);
    if (column.width != 0) {
      column.values.append(v.data(), kUidTextBytes);
    } else {
      column.values.append_text(v);
    }
    if (at == to.info_->name_field) name = v;
  }
};

Transposer::Transposer(Kind kind, RowFacts* facts, SipKey key)
    : kind_(kind), info_(kind_info(kind)), facts_(facts), name_ids_(0, NameHash{key}) {
  if (info_ == nullptr) return;
  for (const FieldInfo& field : info_->fields) {
    columns_.push_back({field.name, field.column_type, width_of(field.type), field.optional, field.list});
  }
  const auto add_column = [this](std::string_view name, std::string_view type) { extra_.push_back({name, type}); };
  add_column("sensor", "String");
  add_column("frame_epoch", "UInt64");
  add_column("frame_seq", "UInt64");
  add_column("frame_index", "UInt32");
  if (info_->flow) {
    add_column("community_id", "String");
    add_column("orig_host", "String");
    add_column("resp_host", "String");
  }
  if (info_->name_field != 0) add_column("registered_domain", "String");
}

std::string_view Transposer::host_of(const Ip& addr, Micros seen) noexcept {
  if (facts_ != nullptr) {
    const std::string_view known = facts_->host(addr, seen);
    if (!known.empty()) return known;
  }
  const char* const end = ip_text(addr, host_text_ + 3, host_text_ + sizeof host_text_);
  return {host_text_, static_cast<std::size_t>(end - host_text_)};
}

void Transposer::add_name(std::string_view name) {
  if (name.empty()) return row_names_.push_back(kNoName);
  const auto known = name_ids_.find(name);
  if (known != name_ids_.end()) return row_names_.push_back(known->second);
  const auto id = static_cast<std::uint32_t>(names_.size());
  names_.emplace_back(name);
  name_ids_.emplace(names_.back(), id);
  row_names_.push_back(id);
}

Validation Transposer::add(Bytes records, const Origin& origin) {
  const Validation checked = validate(kind_, records);
  if (!checked.ok()) return checked;
  Sink sink{*this, origin};
  record::Walker<Sink> walker(*info_, sink);
  walker.walk(records);
  sink.end();
  rows_ += walker.records();
  return checked;
}

std::size_t Transposer::bytes() const noexcept {
  std::size_t n = 0;
  for (const auto* columns : {&extra_, &columns_}) {
    for (const Column& column : *columns) n += column.nulls.size() + column.ends.size() + column.values.size();
  }
  return n;
}

void Transposer::finish(std::vector<std::uint8_t>& out, std::span<const std::string> domains) {
  if (rows_ == 0) return;
  if (info_->name_field != 0) {
    Run& values = extra_.back().values;
    for (const std::uint32_t id : row_names_) {
      values.append_text(id < domains.size() ? std::string_view(domains[id]) : std::string_view());
    }
  }
  row_names_.clear();
  name_ids_.clear();
  names_.clear();
  out.reserve(out.size() + bytes() + 64 * (extra_.size() + columns_.size()));
  const auto put = [&out](Bytes b) { out.insert(out.end(), b.begin(), b.end()); };
  Run head;
  head.append_varint(extra_.size() + columns_.size());
  head.append_varint(rows_);
  for (auto* columns : {&extra_, &columns_}) {
    for (Column& column : *columns) {
      head.append_text(column.name);
      head.append_text(column.type);
      put(head.bytes());
      head.clear();
      for (Run* part : {&column.nulls, &column.ends, &column.values}) {
        put(part->bytes());
        part->clear();
      }
      column.items = 0;
    }
  }
  rows_ = 0;
}

}  // namespace catenary
