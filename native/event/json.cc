#include "event/json.h"

#include <arpa/inet.h>

#include <bit>
#include <charconv>

#include "base/cursor.h"
#include "base/net.h"
#include "event/gen/schema.gen.h"
#include "event/record.h"

namespace catenary::event {
namespace {

void append_string(std::string& out, std::string_view s) {
  out += '"';
  for (const char c : s) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (u < 0x20 || u == 0x7f) {
      constexpr std::string_view kHex = "0123456789abcdef";
      out += "\\u00";
      out += kHex[u >> 4];
      out += kHex[u & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_ip(std::string& out, Bytes b) {
  char text[INET6_ADDRSTRLEN] = "";
  const Ip ip = Ip::v6(b);
  if (ip.is_v4())
    inet_ntop(AF_INET, ip.bytes.data() + 12, text, sizeof text);
  else
    inet_ntop(AF_INET6, ip.bytes.data(), text, sizeof text);
  append_string(out, text);
}

void append_seconds(std::string& out, std::uint64_t us) {
  const std::string fraction = std::to_string(us % 1000000);
  out += std::to_string(us / 1000000) + '.' + std::string(6 - fraction.size(), '0') + fraction;
}

void append_double(std::string& out, double v) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, v).ptr;
  out.append(text, end);
}

// One msgpack value; false when it is none of the forms RecordWriter uses.
bool append_value(std::string& out, Cursor& in, FieldType type) {
  const std::uint8_t head = in.u8();
  const auto number = [&](std::uint64_t v) {
    if (type == FieldType::time)
      append_seconds(out, v);
    else
      out += std::to_string(v);
  };
  if (head <= 0x7f) {
    number(head);
  } else if (head == 0xc2 || head == 0xc3) {
    out += head == 0xc3 ? "true" : "false";
  } else if (head == 0xc4) {
    append_ip(out, in.take(in.u8()));
  } else if (head == 0xcb) {
    append_double(out, std::bit_cast<double>(in.be64()));
  } else if (head == 0xcc) {
    number(in.u8());
  } else if (head == 0xcd) {
    number(in.be16());
  } else if (head == 0xce) {
    number(in.be32());
  } else if (head == 0xcf) {
    number(in.be64());
  } else if (head >= 0xe0) {
    out += std::to_string(static_cast<std::int8_t>(head));
  } else if (head == 0xd0) {
    out += std::to_string(static_cast<std::int8_t>(in.u8()));
  } else if (head == 0xd1) {
    out += std::to_string(static_cast<std::int16_t>(in.be16()));
  } else if (head == 0xd2) {
    out += std::to_string(static_cast<std::int32_t>(in.be32()));
  } else if (head == 0xd3) {
    out += std::to_string(static_cast<std::int64_t>(in.be64()));
  } else if ((head & 0xe0) == 0xa0) {
    append_string(out, as_text(in.take(head & 0x1f)));
  } else if (head == 0xd9) {
    append_string(out, as_text(in.take(in.u8())));
  } else if (head == 0xda) {
    append_string(out, as_text(in.take(in.be16())));
  } else {
    return false;
  }
  return in.ok();
}

}  // namespace

std::vector<std::string> json_lines(Kind kind, Bytes records) {
  std::vector<std::string> lines;
  const KindInfo* info = kind_info(kind);
  if (!info) return lines;
  Cursor in(records);
  while (!in.done()) {
    if (in.u8() != kRecordByte) return lines;
    std::string line = R"({"kind":")" + std::string(info->name) + '"';
    for (const FieldInfo& field : info->fields) {
      const Bytes head = in.peek(1);
      if (head.empty()) return lines;
      if (head[0] == 0xc0) {
        in.skip(1);
        continue;
      }
      line += ",\"" + std::string(field.name) + "\":";
      if (field.list) {
        const std::uint8_t first = in.u8();
        const std::size_t n = (first & 0xf0) == 0x90 ? first & 0x0f : first == 0xdc ? in.be16() : 0;
        line += '[';
        for (std::size_t i = 0; i < n; i++) {
          if (i > 0) line += ',';
          if (!append_value(line, in, field.type)) return lines;
        }
        line += ']';
      } else if (!append_value(line, in, field.type)) {
        return lines;
      }
    }
    lines.push_back(line + '}');
  }
  return lines;
}

}  // namespace catenary::event
