// Whole exchanges, as one flow's two sides play them: RFC 9112 by its cases, holes, limits, what hostile ends send.
#include "protocols/http/http.h"

#include <string>
#include <vector>

#include "base/test.h"
#include "flow/flow.h"
#include "protocols/harness.h"

using namespace catenary;
using flow::Dir;
using flow::Harness;

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

Harness flow_to(std::uint16_t port = 80) { return Harness(http::kProtocol, 6, 40000, port); }

// The http records of one exchange.
std::vector<std::string> exchange(std::string_view request, std::string_view response) {
  Harness h = flow_to();
  if (!request.empty()) h.orig(request);
  if (!response.empty()) h.resp(response);
  h.finish(Dir::kOrig);
  h.finish(Dir::kResp);
  h.close();
  return h.lines(Kind::http);
}

std::string all_of(std::string_view request, std::string_view response) {
  Harness h = flow_to();
  h.orig(request);
  h.resp(response);
  h.finish(Dir::kOrig);
  h.finish(Dir::kResp);
  return h.close();
}

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: h.test\r\n\r\n";
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

}  // namespace

TEST(http, one_request_one_response) {
  const auto rows = exchange(
      "POST http://h.test:8080/p%20q?x=%41 HTTP/1.1\r\nHost: h.test:8080\r\nUser-Agent: agent\r\nReferer: ref\r\n"
      "Origin: http://o.test\r\nAuthorization: Basic YWxpY2U6c2VjcmV0\r\nVia: 1.1 cache\r\n"
      "Content-Type: text/plain\r\nContent-Length: 11\r\n\r\nhello world",
      "HTTP/1.0 404 Not Found\r\nServer: s\r\nLocation: /l\r\nContent-Type: text/html\r\nContent-Length: "
      "6\r\n\r\n<html>");
  EXPECT_EQ(rows.size(), 1u);
  for (
      const char* part :
      {R"("trans_depth":1)",
       R"("method":"POST")",
       R"("host":"h.test")",
       R"("host_port":8080)",
       R"("uri":"http://h.test:8080/p q?x=A")",
       R"("referrer":"ref")",
       R"("version":"1.0")",
       R"("user_agent":"agent")",
       R"("origin":"http://o.test")",
       R"("request_body_len":11)",
       R"("response_body_len":6)",
       R"("status_code":404)",
       R"("status_msg":"Not Found")",
       R"("username":"alice")",
       R"("proxied":["VIA -> 1.1 cache"])",
       R"("orig_mime_types":["text/plain"])",
       R"("resp_mime_types":["text/html"])",
       R"("client_header_names":["HOST","USER-AGENT","REFERER","ORIGIN","AUTHORIZATION","VIA","CONTENT-TYPE","CONTENT-LENGTH"])",
       R"("server_header_names":["SERVER","LOCATION","CONTENT-TYPE","CONTENT-LENGTH"])",
       R"("request_content_type":"text/plain")",
       R"("response_content_type":"text/html")",
       R"("location":"/l")",
       R"("server":"s")",
       R"("mid_stream":false)"})
    EXPECT(has(rows[0], part));
  EXPECT(!has(rows[0], "secret") && !has(rows[0], "password"));
}

TEST(http, a_stream_cut_at_every_place_is_the_same) {
  const std::string request =
      "GET /1 HTTP/1.1\r\nHost: h\r\nX-Folded: a\r\n\tb\r\n\r\nPOST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: "
      "3\r\n\r\nabc";
  const std::string response =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: "
      "chunked\r\n\r\n5;x\r\n<html\r\n1\r\n>\r\n0\r\nT: "
      "u\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
  const auto run = [&](std::size_t o, std::size_t r) {
    Harness h = flow_to();
    h.orig(std::string_view(request).substr(0, o));
    h.orig(std::string_view(request).substr(o));
    h.resp(std::string_view(response).substr(0, r));
    h.resp(std::string_view(response).substr(r));
    return h.close();
  };
  const std::string want = run(request.size(), response.size());
  EXPECT(has(want, R"("trans_depth":2)") && has(want, R"("info_code":100)") && has(want, R"("response_body_len":6)"));
  for (std::size_t cut = 1; cut < request.size(); cut++) EXPECT_EQ(run(cut, response.size()), want);
  for (std::size_t cut = 1; cut < response.size(); cut++) EXPECT_EQ(run(request.size(), cut), want);
  // Byte by byte.
  Harness h = flow_to();
  for (const char& c : request) h.orig(std::string_view(&c, 1));
  for (const char& c : response) h.resp(std::string_view(&c, 1));
  EXPECT_EQ(h.close(), want);
}

TEST(http, messages_without_a_body) {
  // RFC 9112 6.3: HEAD, 1xx, 204, 304, whatever their fields say.
  for (const std::string_view status : {"204 No Content", "304 Not Modified"}) {
    const std::string response = "HTTP/1.1 " + std::string(status) +
                                 "\r\nContent-Length: 9\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
    const auto rows = exchange(std::string(kGet) + std::string(kGet), response);
    EXPECT_EQ(rows.size(), 2u);
    EXPECT(has(rows[1], R"("status_code":201)"));
  }
  const auto rows =
      exchange("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n" + std::string(kGet),
               "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(rows.size(), 2u);
  EXPECT(has(rows[0], R"("response_body_len":0)") && has(rows[1], R"("status_code":202)"));
}

TEST(http, a_body_until_the_connection_closes) {
  Harness h = flow_to();
  h.orig(kGet);
  h.resp("HTTP/1.1 200 OK\r\n\r\n%PDF-1.4 part one, ");
  h.resp("part two");
  h.finish(Dir::kResp);
  const std::string out = h.close();
  EXPECT(has(out, R"("response_body_len":27)") && has(out, R"("seen_bytes":27)") && has(out, "application/pdf"));
}

TEST(http, requests_may_be_pipelined) {
  const auto rows = exchange(
      "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nHEAD /2 HTTP/1.1\r\nHost: h\r\n\r\nGET /3 HTTP/1.1\r\nHost: h\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
      "HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nbc");
  EXPECT_EQ(rows.size(), 3u);
  for (std::size_t i = 0; i < 3; i++) EXPECT(has(rows[i], "\"uri\":\"/" + std::to_string(i + 1) + "\""));
  EXPECT(has(rows[1], R"("response_body_len":0)") && has(rows[2], R"("status_code":404)"));
}

TEST(http, either_side_alone) {
  const auto request = exchange(kGet, "");
  EXPECT_EQ(request.size(), 1u);
  EXPECT(has(request[0], R"("uri":"/a")") && !has(request[0], "status_code") && !has(request[0], "version"));
  const std::string response = all_of("", kOk);
  EXPECT(has(response, R"("status_code":200)") && !has(response, "\"method\""));
  EXPECT(has(response, "http_response_without_request"));
}

TEST(http, an_answer_before_its_request_is_whole) {
  Harness h = flow_to();
  h.orig("POST /up HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n01234");
  h.resp("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(h.count(Kind::http), 0u);
  h.orig("56789");
  EXPECT_EQ(h.count(Kind::http), 1u);
  EXPECT(has(h.close(), R"("request_body_len":10)"));
}

TEST(http, content_codings) {
  // "hello hello hello hello" by gzip -n9.
  const auto coded = test::hex("1f8b0800000000000203cb48cdc9c957c8402701e3513d8d17000000");
  Harness h = flow_to();
  h.orig(kGet);
  h.resp("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: " + std::to_string(coded.size()) + "\r\n\r\n");
  h.resp(coded);
  const std::string out = h.close();
  EXPECT(has(out, R"("response_body_len":23)") && has(out, R"("seen_bytes":23)") && !has(out, "total_bytes"));
  EXPECT(has(out, "\"md5\"") && has(out, "text/plain"));
  const std::string bad = all_of(kGet, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope");
  EXPECT(has(bad, "http_content_decode_failed") && has(bad, R"("response_body_len":0)"));
}

TEST(http, each_part_of_a_multipart_body_is_a_file) {
  const std::string body =
      "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a%20b.exe\"\r\n\r\nMZ of sorts\r\n--B\r\n"
      "Content-Disposition: form-data; name=\"t\"\r\n\r\nsome text here\r\n--B--\r\n";
  const std::string out =
      all_of("POST / HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: " +
                 std::to_string(body.size()) + "\r\n\r\n" + body,
             kOk);
  EXPECT(has(out, R"("orig_filenames":["a b.exe"])"));
  EXPECT(has(out, R"("orig_mime_types":["application/x-dosexec","text/plain"])"));
  EXPECT(has(out, R"("seen_bytes":11)") && has(out, R"("seen_bytes":14)"));
  EXPECT(has(out, "\"request_body_len\":" + std::to_string(body.size())));
}

TEST(http, parts_are_limited) {
  for (const std::size_t parts : {99u, 100u, 101u}) {
    std::string body;
    for (std::size_t i = 0; i < parts; i++) body += "--B\r\n\r\nx\r\n";
    body += "--B--\r\n";
    Harness h = flow_to();
    h.orig("POST / HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/mixed; boundary=B\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body);
    h.close();
    EXPECT_EQ(h.count(Kind::file), parts > 100 ? 100 : parts);
    EXPECT_EQ(h.count(Kind::weird), parts > 100 ? 1u : 0u);
  }
}

TEST(http, ranges_of_one_file) {
  Harness h = flow_to();
  for (const std::string_view range : {"0-9", "10-19"}) {
    h.orig(kGet);
    h.resp("HTTP/1.1 206 Partial Content\r\nContent-Length: 10\r\nContent-Range: bytes " + std::string(range) +
           "/20\r\n\r\n0123456789");
  }
  const std::string out = h.close();
  EXPECT_EQ(h.count(Kind::file), 1u);
  EXPECT(has(out, R"("seen_bytes":20)") && has(out, R"("total_bytes":20)") && has(out, "\"md5\""));
}

TEST(http, connect_hands_the_stream_over) {
  Harness h = flow_to(3128);
  h.orig("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n");
  h.resp("HTTP/1.1 200 Established\r\n\r\n");
  EXPECT(!h.is_attached());
  // HTTP within is found again and counts on.
  h.orig("GET /in HTTP/1.1\r\nHost: in\r\n\r\n");
  h.resp(kOk);
  const std::string out = h.close();
  EXPECT(has(out, R"("method":"CONNECT")") && has(out, R"("uri":"/in")") && has(out, R"("trans_depth":2)"));
}

TEST(http, a_refused_connect_hands_nothing_over) {
  Harness h = flow_to(3128);
  h.orig("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n");
  h.resp("HTTP/1.1 407 Auth\r\nContent-Length: 0\r\n\r\n");
  EXPECT(h.is_attached());
  h.orig("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n");
  h.resp("HTTP/1.1 200 Established\r\n\r\nSSH-2.0-x\r\n");
  EXPECT(!h.is_attached());
  EXPECT_EQ(h.count(Kind::http), 2u);
}

TEST(http, what_comes_early_behind_connect_waits) {
  Harness h = flow_to(3128);
  h.orig("CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\nGET /early HTTP/1.1\r\nHost: in\r\n\r\n");
  h.resp("HTTP/1.1 200 Established\r\n\r\n");
  h.resp(kOk);
  EXPECT(has(h.close(), R"("uri":"/early")"));
}

TEST(http, upgrade_hands_the_stream_over) {
  Harness h = flow_to();
  h.orig("GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n");
  h.resp("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x05hello");
  EXPECT(!h.is_attached());
  const std::string out = h.close();
  EXPECT(has(out, R"("status_code":101)") && has(out, R"("info_code":101)"));
  EXPECT(has(out, R"("kind":"websocket")"));
  EXPECT(has(out, R"("host":"h","uri":"/ws")"));
  Harness other = flow_to();
  other.orig("GET /x HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\n\r\n");
  other.resp("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n");
  other.close();
  EXPECT_EQ(other.count(Kind::websocket), 0u);
}

// The fields of both sides go with the flow, as much of them as is kept.
TEST(http, websocket_fields_are_handed_over) {
  for (const std::size_t n : {3000u, 4100u}) {
    Harness h = flow_to();
    h.orig("GET /ws HTTP/1.1\r\nHost: h:81\r\nUser-Agent: u\r\nSec-WebSocket-Extensions: " + std::string(n, 'x') +
           "\r\nSec-WebSocket-Protocol: a, b\r\nUpgrade: WebSocket\r\n\r\n");
    h.resp("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: b\r\n\r\n");
    const std::string out = h.close();
    EXPECT(has(out, R"("host":"h:81","uri":"/ws","user_agent":"u","subprotocol":"b","client_protocols":["a","b"])"));
    EXPECT(has(out, "xxxx") == (n < 4096));
  }
}

TEST(http, version_0_9) {
  const std::string out = all_of("GET /old\r\n", "<html>raw");
  EXPECT(has(out, R"("version":"0.9")") && has(out, R"("response_body_len":9)") && has(out, "text/html"));
}

TEST(http, holes_in_a_body) {
  Harness h = flow_to();
  h.orig(kGet);
  h.resp("HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n0123456789");
  h.gap(Dir::kResp, 15);
  h.resp("abcdeHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
  const std::string out = h.close();
  EXPECT(has(out, R"("missing_bytes":15)") && has(out, R"("seen_bytes":15)") && has(out, R"("response_body_len":30)"));
  EXPECT(!has(out, "\"md5\"") && has(out, R"("status_code":404)"));
}

TEST(http, holes_at_the_border_of_a_body) {
  // A body of 10 with 5 seen; a hole that ends in it, with it, behind it.
  for (const std::uint64_t hole : {4u, 5u, 6u}) {
    Harness h = flow_to();
    h.orig(std::string(kGet) + std::string(kGet));
    h.resp("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234");
    h.gap(Dir::kResp, hole);
    if (hole == 4) h.resp("9");
    h.resp(kOk);
    const std::string out = h.close();
    EXPECT(has(out, R"("response_body_len":10)"));
    EXPECT_EQ(h.count(Kind::http), 2u);
  }
}

TEST(http, holes_in_chunks) {
  for (const std::uint64_t hole : {4u, 5u, 6u}) {
    Harness h = flow_to();
    h.orig(kGet);
    h.resp("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n01234");
    h.gap(Dir::kResp, hole);
    if (hole == 4) h.resp("9");
    h.resp("\r\n0\r\n\r\n");
    const std::string out = h.close();
    EXPECT(has(out, hole > 5 ? R"("response_body_len":5)" : R"("response_body_len":10)"));
  }
}

TEST(http, behind_a_hole_in_headers_a_start_line_begins_anew) {
  Harness h = flow_to();
  h.orig("GET /1 HTTP/1.1\r\nHost");
  h.gap(Dir::kOrig, 100);
  h.orig("rest of a header\r\n\r\n");
  h.orig("GET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
  h.resp("HTTP/1.1 200 OK\r\nCont");
  h.gap(Dir::kResp, 100);
  h.resp("body of something\r\n");
  h.resp("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
  const std::string out = h.close();
  EXPECT_EQ(h.count(Kind::http), 2u);
  EXPECT(has(out, R"("uri":"/1")") && has(out, R"("uri":"/2")") && has(out, R"("status_code":404)"));
}

TEST(http, a_header_without_its_end) {
  Harness h = flow_to();
  h.orig("GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: last");
  h.finish(Dir::kOrig);
  EXPECT(has(h.close(), R"("user_agent":"last")"));
  Harness reset = flow_to();
  reset.orig("GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: last\r\n");
  EXPECT(has(reset.close(), R"("user_agent":"last")"));
}

TEST(http, hosts_and_ports) {
  const char* rows[][2] = {{"h:80", R"("host":"h")"},          {"h:080", R"("host":"h:080")"},
                           {"h:", R"("host":"h:")"},           {"h:65535", R"("host_port":65535)"},
                           {"h:65536", R"("host":"h:65536")"}, {"[::1]:8080", R"("host":"[::1]")"},
                           {"[::1]", R"("host":"[::1]")"},     {"::1", R"("host":"::1")"},
                           {":80", R"("host":":80")"},         {"", R"("host":"")"}};
  for (const auto& row : rows)
    EXPECT(has(all_of("GET / HTTP/1.1\r\nHost: " + std::string(row[0]) + "\r\n\r\n", ""), row[1]));
}

TEST(http, oddities_are_named) {
  struct Row {
    const char* request;
    const char* response;
    const char* weird;
  };
  static const Row kRows[] = {
      {"GET / HTTP/1.1\r\n\r\n", "", "http_host_missing"},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "", "http_host_repeated"},
      {"GET / HTTP/1.1\nHost: a\n\n", "", "http_bare_lf"},
      {"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", "", "http_header_folded"},
      {"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", "", "http_header_malformed"},
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n???\r\n", "", "http_request_line_malformed"},
      {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", "", "http_content_length_malformed"},
      {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "",
       "http_content_length_repeated"},
      {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 2\r\n\r\n", "", "http_content_length_repeated"},
      {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "",
       "http_content_length_with_chunked"},
      {"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "", "http_transfer_encoding_unknown"},
      {"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n", "", "http_chunk_size_malformed"},
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1\r\n", "http_status_line_malformed"},
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.0 2XX OK\r\n\r\n", "http_status_line_malformed"},
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/3.0 200 OK\r\n\r\n", "http_version_unknown"},
  };
  for (const Row& row : kRows) EXPECT(has(all_of(row.request, row.response), row.weird));
  EXPECT(!has(all_of(kGet, kOk), "weird"));
}

TEST(http, smuggled_framing_ends_where_the_rules_say) {
  // RFC 9112 6.3: chunked overrides a length.
  const auto rows =
      exchange(kGet, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n");
  EXPECT(has(rows.at(0), R"("response_body_len":2)"));
  // Space before the colon, white space around the value: what lenient recipients read.
  const auto lenient = exchange(kGet, "HTTP/1.1 200 OK\r\nContent-Length : \t3 \r\n\r\nabcHTTP/1.1 500 x\r\n\r\n");
  EXPECT(has(lenient.at(0), R"("response_body_len":3)"));
}

TEST(http, lines_are_limited) {
  constexpr std::size_t kLineBytesMax = 16384;
  for (const std::size_t size : {kLineBytesMax - 1, kLineBytesMax, kLineBytesMax + 1}) {
    // The line end counts: it has to be among the first kLineBytesMax bytes.
    const std::string head = "GET / HTTP/1.1\r\nHost: h\r\nX: ";
    const std::string out =
        all_of("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(size - 5, 'x') + "\r\nUser-Agent: u\r\n\r\n", kOk);
    EXPECT_EQ(has(out, "http_line_too_long"), size > kLineBytesMax);
    EXPECT(has(out, R"("user_agent":"u")") && has(out, R"("status_code":200)"));
  }
}

TEST(http, header_lines_are_limited_but_framing_counts_on) {
  for (const std::size_t lines : {255u, 256u, 257u}) {
    std::string head = "HTTP/1.1 200 OK\r\n";
    for (std::size_t i = 1; i < lines; i++) head += "X: y\r\n";
    head += "Content-Length: 3\r\n\r\nabcHTTP/1.1 500 x\r\n\r\n";
    const std::string out = all_of(std::string(kGet) + std::string(kGet), head);
    EXPECT_EQ(has(out, "http_header_limit"), lines > 256);
    EXPECT(has(out, R"("response_body_len":3)") && has(out, R"("status_code":500)"));
  }
  for (const std::size_t names : {63u, 64u, 65u}) {
    std::string head = "GET / HTTP/1.1\r\nHost: h\r\n";
    for (std::size_t i = 1; i < names; i++) head += "X: y\r\n";
    const auto rows = exchange(head + "\r\n", kOk);
    EXPECT_EQ(has(rows.at(0), R"("cut":true)"), names > 64);
  }
}

TEST(http, unanswered_requests_are_limited) {
  for (const std::size_t requests : {100u, 101u, 102u}) {
    Harness h = flow_to();
    for (std::size_t i = 0; i < requests; i++) h.orig(kGet);
    EXPECT_EQ(h.count(Kind::http), requests > 100 ? 100u : 0u);
    h.close();
    EXPECT_EQ(h.count(Kind::http), requests);
    EXPECT_EQ(h.count(Kind::weird), requests > 100 ? 1u : 0u);
  }
}

TEST(http, their_text_is_limited) {
  Harness h = flow_to();
  const std::string big =
      "GET /" + std::string(8000, 'x') + " HTTP/1.1\r\nHost: h\r\nReferer: " + std::string(4000, 'r') + "\r\n\r\n";
  for (std::size_t i = 0; i < 60; i++) h.orig(big);
  EXPECT(h.count(Kind::http) > 0);
  h.close();
  EXPECT_EQ(h.count(Kind::http), 60u);
}

TEST(http, what_is_not_http_any_more_is_left) {
  Harness h = flow_to();
  h.orig("GET / HTTP/1.1\r\nHost: h\r\n\r\n\x01\x02\x03\r\n");
  h.resp("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n\x01\x02\x03\r\n");
  EXPECT(!h.is_attached());
  h.close();
  EXPECT_EQ(h.count(Kind::http), 1u);
}

TEST(http, a_flow_without_a_beginning_is_marked) {
  Harness h = flow_to();
  h.flow().is_partial = true;
  h.orig(kGet);
  h.resp(kOk);
  EXPECT(has(h.close(), R"("mid_stream":true)"));
}
