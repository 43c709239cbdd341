#include "event/transpose.h"

#include <map>
#include <string>

#include "base/test.h"
#include "event/gen/samples.gen.h"

namespace catenary {
namespace {

using test::hex;

// Reads a Native block back, as far as our types go, every value as text.
class Block {
 public:
  explicit Block(const std::vector<std::uint8_t>& bytes) : in_(bytes) {
    const std::uint64_t columns = varint();
    rows_ = varint();
    for (std::uint64_t c = 0; c < columns; c++) {
      const std::string name = text();
      const std::string type = text();
      names_.push_back(name);
      types_[name] = type;
      cells_[name] = column(type);
    }
    EXPECT(in_.ok());
    EXPECT(in_.done());
  }
  std::uint64_t rows() const { return rows_; }
  const std::vector<std::string>& names() const { return names_; }
  const std::string& type(const std::string& name) { return types_[name]; }
  const std::string& cell(const std::string& name, std::size_t row) { return cells_[name].at(row); }

 private:
  std::uint64_t varint() {
    std::uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t b = in_.u8();
      v |= static_cast<std::uint64_t>(b & 0x7f) << shift;
      if (b < 0x80) break;
    }
    return v;
  }
  std::string text() { return std::string(as_text(in_.take(varint()))); }

  std::vector<std::string> values(const std::string& type, std::uint64_t n) {
    std::vector<std::string> out;
    for (std::uint64_t i = 0; i < n; i++) {
      if (type == "String") {
        out.push_back(text());
      } else if (type == "FixedString(12)") {
        out.push_back(std::string(as_text(in_.take(12))));
      } else if (type == "IPv6") {
        char buffer[INET6_ADDRSTRLEN] = {};
        inet_ntop(AF_INET6, in_.take(16).data(), buffer, sizeof buffer);
        out.push_back(buffer);
      } else if (type == "Bool" || type == "UInt8") {
        out.push_back(std::to_string(in_.u8()));
      } else if (type == "UInt16") {
        out.push_back(std::to_string(in_.le16()));
      } else if (type == "UInt32") {
        out.push_back(std::to_string(in_.le32()));
      } else if (type == "UInt64" || type == "DateTime64(6, 'UTC')") {
        out.push_back(std::to_string(in_.le64()));
      } else if (type == "Int32") {
        out.push_back(std::to_string(static_cast<std::int32_t>(in_.le32())));
      } else if (type == "Int64") {
        out.push_back(std::to_string(static_cast<std::int64_t>(in_.le64())));
      } else if (type == "Float64") {
        std::ostringstream s;
        s << std::bit_cast<double>(in_.le64());
        out.push_back(s.str());
      } else {
        test::fail(__FILE__, __LINE__, "unknown type " + type);
        out.push_back({});
      }
    }
    return out;
  }

  std::vector<std::string> column(const std::string& type) {
    if (type.starts_with("Nullable(")) {
      const Bytes nulls = in_.take(rows_);
      std::vector<std::string> out = values(type.substr(9, type.size() - 10), rows_);
      for (std::size_t i = 0; i < rows_; i++) {
        EXPECT(nulls[i] <= 1);
        if (nulls[i] == 1) {
          // What stands in a null's place is the type's zero.
          EXPECT(out[i].empty() || out[i] == "0" || out[i] == "::" || out[i] == std::string(12, '\0'));
          out[i] = "NULL";
        }
      }
      return out;
    }
    if (!type.starts_with("Array(")) return values(type, rows_);
    std::vector<std::uint64_t> ends;
    for (std::uint64_t i = 0; i < rows_; i++) ends.push_back(in_.le64());
    const std::vector<std::string> items = values(type.substr(6, type.size() - 7), ends.empty() ? 0 : ends.back());
    std::vector<std::string> out;
    std::uint64_t from = 0;
    for (const std::uint64_t end : ends) {
      EXPECT(end >= from && end <= items.size());
      std::string joined;
      for (; from < end; from++) joined += (joined.empty() ? "" : ",") + items[from];
      out.push_back("[" + joined + "]");
    }
    return out;
  }

  Cursor in_;
  std::uint64_t rows_ = 0;
  std::vector<std::string> names_;
  std::map<std::string, std::string> types_;
  std::map<std::string, std::vector<std::string>> cells_;
};

struct Facts final : RowFacts {
  std::string_view host(const Ip& addr, Micros seen) noexcept override {
    EXPECT(seen == 1700000001250001u || seen == 0);
    return addr.is_v4() ? "laptop-7" : std::string_view{};
  }
};

template <class Event>
std::vector<std::uint8_t> both(std::string_view example, std::string_view empty) {
  std::vector<std::uint8_t> bytes = hex(example);
  const std::vector<std::uint8_t> second = hex(empty);
  bytes.insert(bytes.end(), second.begin(), second.end());
  return bytes;
}

}  // namespace

TEST(transpose, every_kind_becomes_its_tables_columns) {
  samples::for_each_kind([]<class Event>(const Event&, std::string_view example, std::string_view empty) {
    Transposer transposer(Event::kKind);
    const std::vector<std::uint8_t> records = both<Event>(example, empty);
    for (int run = 0; run < 3; run++) EXPECT(transposer.add(records, {"s1", 4, 1021}).ok());
    EXPECT_EQ(transposer.rows(), 6u);
    std::vector<std::uint8_t> bytes;
    transposer.finish(bytes);
    EXPECT_EQ(transposer.rows(), 0u);
    Block block(bytes);
    EXPECT_EQ(block.rows(), 6u);
    const KindInfo& info = *kind_info(Event::kKind);
    const std::size_t extra = 4u + (info.flow ? 3u : 0u) + (info.name_field != 0 ? 1u : 0u);
    EXPECT_EQ(block.names().size(), info.fields.size() + extra);
    for (std::size_t i = 0; i < info.fields.size(); i++) {
      EXPECT_EQ(block.names()[extra + i], info.fields[i].name);
      EXPECT_EQ(block.type(block.names()[extra + i]), info.fields[i].column_type);
    }
    for (std::size_t row = 0; row < 6; row++) {
      EXPECT_EQ(block.cell("sensor", row), "s1");
      EXPECT_EQ(block.cell("frame_epoch", row), "4");
      EXPECT_EQ(block.cell("frame_seq", row), "1021");
      EXPECT_EQ(block.cell("frame_index", row), std::to_string(row % 2));
      if (info.flow) EXPECT_EQ(block.cell("orig_host", row), row % 2 == 0 ? "ip:192.0.2.1" : "ip:::");
      EXPECT_EQ(block.cell("seen", row), row % 2 == 0 ? "1700000001250001" : "0");
    }
  });
}

TEST(transpose, values_stand_in_their_rows) {
  samples::for_each_kind([]<class Event>(const Event&, std::string_view example, std::string_view empty) {
    if constexpr (Event::kKind == Kind::dns) {
      Facts facts;
      Transposer transposer(Event::kKind, &facts);
      EXPECT(transposer.add(both<Event>(example, empty), {"s1", 4, 1021}).ok());
      std::vector<std::uint8_t> bytes;
      EXPECT_EQ(transposer.names().size(), 1u);
      EXPECT_EQ(transposer.names()[0], "www.example.com");
      const std::string domains[] = {"example.com"};
      transposer.finish(bytes, domains);
      EXPECT(transposer.names().empty());
      Block block(bytes);
      EXPECT_EQ(block.cell("community_id", 0).size(), kCommunityIdBytes);
      EXPECT_EQ(block.cell("orig_host", 0), "laptop-7");
      EXPECT_EQ(block.cell("resp_host", 0), "ip:2001:db8::2");
      EXPECT_EQ(block.cell("registered_domain", 0), "example.com");
      EXPECT_EQ(block.cell("registered_domain", 1), "");
      EXPECT_EQ(block.cell("uid", 0), "C0000000000Z");
      EXPECT_EQ(block.cell("orig_h", 0), "::ffff:192.0.2.1");
      EXPECT_EQ(block.cell("resp_h", 0), "2001:db8::2");
      EXPECT_EQ(block.cell("vlan", 0), "100");
      EXPECT_EQ(block.cell("vlan", 1), "NULL");
      EXPECT_EQ(block.cell("query", 0), "www.example.com");
      EXPECT_EQ(block.cell("query", 1), "NULL");
      EXPECT_EQ(block.cell("rtt", 0), "0.0125");
      EXPECT_EQ(block.cell("RD", 0), "1");
      EXPECT_EQ(block.cell("answers", 0), "[192.0.2.80,TXT 5 a\\\\b]");
      EXPECT_EQ(block.cell("answers", 1), "[]");
      EXPECT_EQ(block.cell("TTLs", 0), "[300,86400]");
      EXPECT_EQ(block.cell("answer_types", 0), "[1,16]");
    }
  });
}

TEST(transpose, a_name_is_asked_for_once) {
  samples::for_each_kind([]<class Event>(const Event&, std::string_view example, std::string_view empty) {
    Transposer transposer(Event::kKind, nullptr, {1, 2});
    const bool named = kind_info(Event::kKind)->name_field != 0;
    for (int round = 0; round < 2; round++) {
      for (int i = 0; i < 3; i++) EXPECT(transposer.add(both<Event>(example, empty), {"s1", 4, 1021}).ok());
      EXPECT_EQ(transposer.names().size(), named ? 1u : 0u);
      std::vector<std::uint8_t> bytes;
      const std::string domains[] = {"d" + std::to_string(round)};
      transposer.finish(bytes, domains);
      Block block(bytes);
      if (named) EXPECT_EQ(block.cell("registered_domain", 4), domains[0]);
      if (named) EXPECT_EQ(block.cell("registered_domain", 5), "");
    }
    // A list that ends early leaves the rest without.
    EXPECT(transposer.add(both<Event>(example, empty), {"s1", 4, 1021}).ok());
    std::vector<std::uint8_t> bytes;
    transposer.finish(bytes);
    Block block(bytes);
    if (named) EXPECT_EQ(block.cell("registered_domain", 0), "");
  });
}

TEST(transpose, a_faulty_run_leaves_nothing) {
  samples::for_each_kind([]<class Event>(const Event&, std::string_view example, std::string_view empty) {
    Transposer transposer(Event::kKind);
    std::vector<std::uint8_t> records = both<Event>(example, empty);
    EXPECT(transposer.add(records, {"s1", 4, 1021}).ok());
    const std::size_t held = transposer.bytes();
    records.pop_back();
    EXPECT_EQ(transposer.add(records, {"s1", 4, 1021}).fault.reason, "cut off");
    EXPECT_EQ(transposer.rows(), 2u);
    EXPECT_EQ(transposer.bytes(), held);
  });
}

TEST(transpose, an_unknown_host_is_its_address) {
  const struct {
    const char* bytes;
    const char* text;
  } rows[] = {
      {"00000000000000000000ffffc0000201", "192.0.2.1"},
      {"00000000000000000000000000000000", "::"},
      {"00000000000000000000000000000001", "::1"},
      {"20010db8000000000000000000000002", "2001:db8::2"},
      {"20010db8000000010000000000000002", "2001:db8:0:1::2"},
      {"20010db8000000000001000000000000", "2001:db8:0:0:1::"},
      {"20010db8000100010001000100010000", "2001:db8:1:1:1:1:1:0"},
      {"000000000000000000000000c0000201", "::c000:201"},
      {"ffffffffffffffffffffffffffffffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
  };
  samples::for_each_kind([&rows]<class Event>(const Event&, std::string_view example, std::string_view) {
    if constexpr (Event::kKind == Kind::conn) {
      for (const auto& row : rows) {
        // orig_h is the field behind record byte, two times, a flag and the uid.
        std::vector<std::uint8_t> record = hex(example);
        const std::vector<std::uint8_t> address = hex(row.bytes);
        std::copy(address.begin(), address.end(), record.begin() + 1 + 9 + 9 + 1 + 13 + 2);
        Transposer transposer(Event::kKind);
        EXPECT(transposer.add(record, {"s1", 4, 1021}).ok());
        std::vector<std::uint8_t> bytes;
        transposer.finish(bytes);
        Block block(bytes);
        EXPECT_EQ(block.cell("orig_host", 0), std::string("ip:") + row.text);
      }
    }
  });
}

TEST(transpose, no_rows_no_block) {
  Transposer transposer(Kind::conn);
  EXPECT(transposer.add({}, {"s1", 4, 1021}).ok());
  std::vector<std::uint8_t> bytes;
  transposer.finish(bytes);
  EXPECT(bytes.empty());
  Transposer unknown(Kind::none);
  EXPECT_EQ(unknown.add(hex("40"), {"s1", 4, 1021}).fault.reason, "unknown kind");
}

}  // namespace catenary
