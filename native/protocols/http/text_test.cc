// The small grammars and start lines, row by row.
#include "protocols/http/text.h"

#include <string>

#include "base/test.h"
#include "protocols/http/start_line.h"

using namespace catenary;
using namespace catenary::http;
using std::string_view_literals::operator""sv;

namespace {

flow::Probe probe_of(flow::Dir dir, std::string_view text, std::uint16_t port = 80) {
  return probe({dir, as_bytes(text), 40000, port, true, true});
}

}  // namespace

TEST(http_text, decimal_numbers) {
  std::uint64_t n = 0;
  EXPECT(parse_decimal("0", n) && n == 0);
  EXPECT(parse_decimal("0012", n) && n == 12);
  EXPECT(parse_decimal("576460752303423487", n) && n == 576460752303423487u);
  for (const std::string_view bad : {"", "-1", "+1", "1a", " 1", "99999999999999999999", "18446744073709551616"})
    EXPECT(!parse_decimal(bad, n));
}

TEST(http_text, chunk_sizes) {
  std::uint64_t n = 0;
  EXPECT(parse_chunk_size("1aF", n) && n == 0x1af);
  EXPECT(parse_chunk_size("8 ; a=\"b;c\"", n) && n == 8);
  EXPECT(parse_chunk_size("000000000000001", n) && n == 1);  // 15 digits
  EXPECT(!parse_chunk_size("0000000000000001", n));          // 16
  EXPECT(!parse_chunk_size("10000000000000000", n));         // 2^64
  for (const std::string_view bad : {"", ";a", "-1", "0x10", "g", "1 2"}) EXPECT(!parse_chunk_size(bad, n));
}

TEST(http_text, content_ranges) {
  Range r;
  EXPECT(parse_content_range("bytes 0-499/1234", r) && r.first == 0 && r.last == 499 && r.length == 1234);
  EXPECT(parse_content_range(" Bytes  10 - 20 / * ", r) && r.first == 10 && r.last == 20 && r.length == 0);
  for (const std::string_view bad : {"", "bytes", "bytes */1234", "bytes 5-4/10", "bytes=0-4/10", "bytes 0-4",
                                     "bytes foo-bar/baz", "lines 0-4/10", "bytes 1/2-3"})
    EXPECT(!parse_content_range(bad, r));
}

TEST(http_text, tokens) {
  EXPECT_EQ(std::string(first_token("gzip;q=1, br")), "gzip");
  EXPECT_EQ(std::string(first_token("\v\"gzip\"")), "gzip");
  EXPECT_EQ(std::string(first_token("")), "");
  EXPECT_EQ(std::string(last_token("gzip, chunked ;x")), "chunked");
  EXPECT(is_token("X-Y_z!") && !is_token("") && !is_token("a b") && !is_token("a/b") && !is_token("\x80"));
  EXPECT(is_field_name("a/b") && !is_field_name("a:b") && !is_field_name("") && !is_field_name("a b"));
}

TEST(http_text, request_lines) {
  struct Row {
    std::string_view line, method, target;
    int version;  // -1: no request line
  };
  static constexpr Row kRows[] = {
      {"GET / HTTP/1.1", "GET", "/", 11},
      {"GET  /a b  HTTP/1.0", "GET", "/a b", 10},
      {"GET /HTTP/1.1 HTTP/1.1", "GET", "/HTTP/1.1", 11},
      {"GET / HTTP/1.1 HTTP/1.1", "GET", "/", 11},
      {"M-SEARCH * HTTP/1.1", "M-SEARCH", "*", 11},
      {"GET HTTP/1.1", "GET", "", 11},
      {"GET / HTTP/x", "GET", "/", 0},
      {"GET /old", "GET", "/old", 9},
      {"PRI * HTTP/2.0", "PRI", "*", 20},
      {"GE /old", "", "", -1},
      {"GET ", "", "", -1},
      {"GET", "", "", -1},
      {"", "", "", -1},
      {" GET / HTTP/1.1", "", "", -1},
      {"G(T / HTTP/1.1", "", "", -1},
  };
  for (const Row& row : kRows) {
    RequestLine r;
    EXPECT_EQ(parse_request_line(row.line, r), row.version >= 0);
    if (row.version < 0) continue;
    EXPECT_EQ(std::string(r.method), std::string(row.method));
    EXPECT_EQ(std::string(r.target), std::string(row.target));
    EXPECT_EQ(r.version.major * 10 + r.version.minor, row.version);
  }
  const std::string method(64, 'A'), longer(65, 'A');
  RequestLine r;
  EXPECT(parse_request_line(method + " / HTTP/1.1", r));
  EXPECT(!parse_request_line(longer + " / HTTP/1.1", r));
}

TEST(http_text, status_lines) {
  struct Row {
    std::string_view line, reason;
    int code;  // -1: no status line
  };
  static constexpr Row kRows[] = {
      {"HTTP/1.1 200 OK", "OK", 200}, {"HTTP/1.1  404  Not Found", "Not Found", 404},
      {"http/1.1 200 ok", "ok", 200}, {"HTTP/1.00 200 ok", "ok", 200},
      {"HTTP/1.1 200", "", 200},      {"HTTP/1.1 200 ", "", 200},
      {"HTTP/1.0 2XX OK", "OK", 0},   {"HTTP/1.1", "", -1},
      {"HTTP/1.1 20", "", -1},        {"HTTP/11 200 OK", "", -1},
      {"RTSP/1.0 200 OK", "", -1},    {"SIP/2.0 200 OK", "", -1},
      {"ICAP/1.0 200 OK", "", -1},    {"", "", -1},
  };
  for (const Row& row : kRows) {
    StatusLine s;
    EXPECT_EQ(parse_status_line(row.line, s), row.code >= 0);
    if (row.code < 0) continue;
    EXPECT_EQ(static_cast<int>(s.code), row.code);
    EXPECT_EQ(std::string(s.reason), std::string(row.reason));
  }
}

TEST(http_text, what_the_probe_takes_for_http) {
  using flow::Dir;
  using flow::Probe;
  const auto orig = [](std::string_view s, std::uint16_t port = 80) { return probe_of(Dir::kOrig, s, port); };
  EXPECT(orig("GET / HTTP/1.1\r\n", 4444) == Probe::kYes);
  EXPECT(orig("\r\nGET / HTTP/1.0\n") == Probe::kYes);
  EXPECT(orig("BREW /pot HTTP/1.1\r\n") == Probe::kYes);
  EXPECT(orig("G") == Probe::kMore);
  EXPECT(orig("GET /long") == Probe::kMore);
  EXPECT(orig("GET /" + std::string(1018, 'x')) == Probe::kMore);
  EXPECT(orig("GET /" + std::string(1019, 'x')) == Probe::kYes);
  EXPECT(orig("BREW /" + std::string(1019, 'x')) == Probe::kNo);
  // Without a version only where HTTP is expected.
  EXPECT(orig("GET /\r\n", 80) == Probe::kYes);
  EXPECT(orig("GET /\r\n", 4444) == Probe::kNo);
  // Others that read alike.
  for (const std::string_view line :
       {"OPTIONS rtsp://h/ RTSP/1.0\r\n", "INVITE sip:a@b SIP/2.0\r\n", "REQMOD icap://h/ ICAP/1.0\r\n",
        "PRI * HTTP/2.0\r\n", "USER anonymous\r\n", "EHLO mail.test\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "get key\r\n",
        "\x16\x03\x01", "GET\r\n", "NICK someone\r\n"})
    EXPECT(orig(line) == Probe::kNo);

  const auto resp = [](std::string_view s) { return probe_of(Dir::kResp, s); };
  EXPECT(resp("HTTP/1.1 200 OK\r\n") == Probe::kYes);
  EXPECT(resp("HTTP/1.1 200") == Probe::kYes);
  EXPECT(resp("HTTP/1.1 20") == Probe::kMore);
  EXPECT(resp("H") == Probe::kMore);
  EXPECT(resp("HTTP/1.1 2x0") == Probe::kNo);
  EXPECT(resp("HTTP and more") == Probe::kNo);
  EXPECT(resp("220 ready\r\n") == Probe::kNo);
}
