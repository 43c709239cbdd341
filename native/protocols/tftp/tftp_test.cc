// A row for each case of RFC 1350 and its options: in one flow, and in the one that the server opens.
#include "protocols/tftp/tftp.h"

#include "base/test.h"
#include "protocols/harness.h"

using namespace catenary;
using flow::Dir;
using flow::Harness;
using flow::Probe;
using test::hex;
using Data = std::vector<std::uint8_t>;

namespace {

Data operator+(Data a, const Data& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
// Texts with a zero behind each.
Data texts(std::initializer_list<std::string> list) {
  Data d;
  for (const std::string& s : list) d = d + Data(s.begin(), s.end()) + Data{0};
  return d;
}
Data ask(unsigned opcode, std::initializer_list<std::string> list) {
  return Data{0, static_cast<std::uint8_t>(opcode)} + texts(list);
}
Data block(unsigned number, std::size_t bytes) {
  return Data{0, 3, static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)} + Data(bytes, 'x');
}
const Data kRead = ask(1, {"boot.img", "OCTET"});

Harness flow_of() { return {tftp::kProtocol, 17, 40000, 69}; }

}  // namespace

TEST(tftp, first_bytes) {
  const auto p = [](const Data& d, Dir dir = Dir::kOrig) { return tftp::probe({dir, d, 40000, 9000, false, true}); };
  EXPECT(p(kRead) == Probe::kYes);
  EXPECT(p(ask(2, {"a", "netascii", "blksize", "1428"})) == Probe::kYes);
  EXPECT(p(kRead, Dir::kResp) == Probe::kNo);
  EXPECT(p(ask(3, {"a", "octet"})) == Probe::kNo);
  EXPECT(p(ask(1, {"", "octet"})) == Probe::kNo);
  EXPECT(p(ask(1, {"a", "binary"})) == Probe::kNo);
  EXPECT(p(ask(1, {"a\x01", "octet"})) == Probe::kNo);
  for (std::size_t n = 0; n < kRead.size(); n++) {
    Data cut = kRead;
    cut.resize(n);
    EXPECT(p(cut) == Probe::kNo);
  }
}

TEST(tftp, the_server_answers_from_its_own_port) {
  Harness h = flow_of();
  h.orig(kRead);
  EXPECT(h.open_beside(Dir::kResp, 40000));
  h.send_beside(Dir::kOrig, block(1, 512));
  h.send_beside(Dir::kResp, hex("0004 0001"));
  h.send_beside(Dir::kOrig, block(1, 512));  // again
  h.send_beside(Dir::kOrig, block(2, 10));
  h.close_beside();
  const std::string out = h.close();
  EXPECT_EQ(h.count(Kind::tftp), 1u);
  EXPECT_HAS(h.lines(Kind::tftp)[0], R"("packet":"read","file":"boot.img","mode":"octet","options":[])");
  EXPECT_HAS(h.lines(Kind::tftp)[0], R"("bytes":522,"is_complete":true,"fuid":"F)");
  EXPECT_HAS(h.lines(Kind::file)[0], R"("source":"tftp")");
  EXPECT_HAS(h.lines(Kind::file)[0], R"("seen_bytes":522)");
  EXPECT_HAS(h.lines(Kind::file)[0], R"("filename":"boot.img")");
  EXPECT_EQ(h.count(Kind::weird), 0u);
}

TEST(tftp, one_port_for_all) {
  Harness h = flow_of();
  h.orig(ask(2, {"up.bin", "octet", "blksize", "1024"}));
  h.resp(Data{0, 6} + texts({"blksize", "1024"}));
  h.orig(block(1, 1024));
  h.orig(block(2, 0));
  const std::string out = h.close();
  EXPECT_HAS(out, R"("packet":"write","file":"up.bin","mode":"octet","options":["blksize=1024"])");
  EXPECT_HAS(out, R"("bytes":1024,"is_complete":true)");
  EXPECT_LACKS(out, "request_uid");
}

TEST(tftp, errors_and_silence) {
  Harness h = flow_of();
  h.orig(kRead);
  h.orig(kRead);  // again
  h.resp(Data{0, 5, 0, 1} + texts({"File not found"}));
  EXPECT_HAS(h.close(), R"("is_complete":false,"error_code":1,"error_msg":"File not found")");
  EXPECT_EQ(h.count(Kind::tftp), 1u);
  Harness silent = flow_of();
  silent.orig(kRead);
  EXPECT_HAS(silent.close(), R"("bytes":0,"is_complete":false)");
}

TEST(tftp, a_lost_block_is_a_hole) {
  Harness h = flow_of();
  h.orig(kRead);
  h.resp(block(1, 512));
  h.resp(block(3, 5));
  const std::string out = h.close();
  EXPECT_HAS(out, "tftp_block_out_of_order");
  EXPECT_HAS(h.lines(Kind::file)[0], R"("missing_bytes":512)");
}

TEST(tftp, block_numbers_go_round) {
  Harness h = flow_of();
  h.orig(ask(1, {"big", "octet", "blksize", "8"}));
  h.resp(Data{0, 6} + texts({"blksize", "8"}));
  for (unsigned n = 1; n <= 65536; n++) h.resp(block(n & 0xffff, 8));
  h.resp(block(1, 1));
  EXPECT_HAS(h.close(), R"("bytes":524289,"is_complete":true)");
  EXPECT_EQ(h.count(Kind::weird), 0u);
}

TEST(tftp, messages_cut_short_are_weirds) {
  for (const Data& wrong : {hex("00"), hex("0003 00"), hex("0004"), hex("0005 00"), hex("0009 0000")}) {
    Harness h = flow_of();
    h.orig(kRead);
    h.resp(wrong);
    EXPECT_HAS(h.close(), "tftp_malformed");
  }
}

TEST(tftp, texts_and_options_have_limits) {
  for (const std::size_t n : {tftp::kNameMax - 1, tftp::kNameMax, tftp::kNameMax + 1}) {
    const auto r = tftp::read_request(ask(1, {std::string(n, 'a'), "octet"}));
    EXPECT_EQ(r->name.size(), std::min(n, tftp::kNameMax));
    EXPECT_EQ(r->is_cut, n > tftp::kNameMax);
  }
  for (const std::size_t n : {tftp::kOptionsMax - 1, tftp::kOptionsMax, tftp::kOptionsMax + 1}) {
    Data d = kRead;
    for (std::size_t i = 0; i < n; i++) d = d + texts({"o", "v"});
    const auto r = tftp::read_request(d);
    EXPECT_EQ(r->options.size(), std::min(n, tftp::kOptionsMax));
    EXPECT_EQ(r->is_cut, n > tftp::kOptionsMax);
  }
  for (const std::size_t n : {tftp::kOptionMax - 1, tftp::kOptionMax, tftp::kOptionMax + 1}) {
    const auto r = tftp::read_request(ask(1, {"a", "octet", "o", std::string(n - 2, 'v')}));
    EXPECT_EQ(r->is_cut, n > tftp::kOptionMax);
  }
  for (const auto& [size, is_taken] :
       {std::pair{"7", false}, {"8", true}, {"65464", true}, {"65465", false}, {"9x", false}})
    EXPECT_EQ(tftp::read_request(ask(1, {"a", "octet", "blksize", size}))->block_bytes != tftp::kBlockBytes, is_taken);
}

// A request that more others came after than are kept is forgotten: its flow is nobody's transfer.
TEST(tftp, requests_that_wait_have_a_limit) {
  tftp::Requests requests;
  requests.add();
  for (std::size_t n = 1; n < tftp::Requests::kRequestsMax; n++) requests.add();
  EXPECT(requests.find(1) != nullptr);
  requests.add();
  EXPECT(requests.find(1) == nullptr);
  EXPECT(requests.find(2) != nullptr);
  EXPECT(requests.find(0) == nullptr);
  EXPECT(requests.find(tftp::Requests::kRequestsMax + 2) == nullptr);
}
