// Messages of MS-SMB2 2.2 and MS-CIFS 2.2, by what a flow of them tells; limits at their edges.
#include "protocols/smb/smb.h"

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
Data le(std::uint64_t v, std::size_t n) {
  Data out;
  for (std::size_t i = 0; i < n; i++) out.push_back(static_cast<std::uint8_t>(v >> (8 * i)));
  return out;
}
Data zeros(std::size_t n) { return Data(n); }
Data wide(std::string_view s) {
  Data out;
  for (const char c : s) out = out + le(static_cast<std::uint8_t>(c), 2);
  return out;
}
Data bytes(std::string_view s) { return {s.begin(), s.end()}; }
Data framed(const Data& m) {
  return Data{0, static_cast<std::uint8_t>(m.size() >> 16), static_cast<std::uint8_t>(m.size() >> 8),
              static_cast<std::uint8_t>(m.size())} +
         m;
}

// ---- version 2 ----

struct To {
  unsigned command;
  std::uint64_t id = 1;
  std::uint32_t tree = 5, status = 0, next = 0, flags = 0;
};
constexpr std::uint32_t kReply = 1;
Data header(const To& t) {
  return hex("fe534d42 4000 0000") + le(t.status, 4) + le(t.command, 2) + le(1, 2) + le(t.flags, 4) + le(t.next, 4) +
         le(t.id, 8) + le(0, 4) + le(t.tree, 4) + zeros(24);
}
constexpr std::uint64_t kTime = 133'000'000'000'000'000;  // June 2022
Data id(std::uint64_t n) { return le(n, 8) + le(n + 1000, 8); }

Data tree_request(std::uint64_t message, std::string_view path) {
  return header({3, message, 0}) + le(9, 2) + le(0, 2) + le(72, 2) + le(2 * path.size(), 2) + wide(path);
}
Data tree_reply(std::uint64_t message, unsigned type, std::uint32_t tree = 5, std::uint32_t share_flags = 0) {
  return header({3, message, tree, 0, 0, kReply}) + le(16, 2) + le(type, 1) + le(0, 1) + le(share_flags, 4) + zeros(8);
}
Data create_request(std::uint64_t message, std::string_view name, std::uint32_t options = 0, std::uint32_t next = 0) {
  return header({5, message, 5, 0, next}) + le(57, 2) + zeros(22) + le(0x120089, 4) + zeros(12) + le(options, 4) +
         le(120, 2) + le(2 * name.size(), 2) + zeros(8) + wide(name);
}
Data create_reply(std::uint64_t message, std::uint64_t file, std::uint64_t size = 100, std::uint64_t modified = kTime,
                  std::uint32_t status = 0) {
  return header({5, message, 5, status, 0, kReply}) + le(89, 2) + zeros(2) + le(1, 4) + le(kTime, 8) + le(kTime, 8) +
         le(modified, 8) + le(kTime, 8) + le(size, 8) + le(size, 8) + zeros(8) + id(file) + zeros(8);
}
Data close_request(std::uint64_t message, const Data& file) {
  return header({6, message}) + le(24, 2) + zeros(6) + file;
}
Data set_info(std::uint64_t message, const Data& file, unsigned kind, const Data& info) {
  return header({17, message}) + le(33, 2) + le(1, 1) + le(kind, 1) + le(info.size(), 4) + le(96, 2) + zeros(6) + file +
         info;
}
Data rename_to(std::string_view name) { return zeros(16) + le(2 * name.size(), 4) + wide(name); }
Data read_request(std::uint64_t message, std::uint64_t file, std::uint64_t at, std::size_t n) {
  return header({8, message}) + le(49, 2) + zeros(2) + le(n, 4) + le(at, 8) + id(file) + zeros(17);
}
Data read_reply(std::uint64_t message, const Data& content, std::uint32_t status = 0) {
  return header({8, message, 5, status, 0, kReply}) + le(17, 2) + le(80, 1) + le(0, 1) + le(content.size(), 4) +
         zeros(8) + content;
}
Data write_request(std::uint64_t message, std::uint64_t file, std::uint64_t at, const Data& content) {
  return header({9, message}) + le(49, 2) + le(112, 2) + le(content.size(), 4) + le(at, 8) + id(file) + zeros(16) +
         content;
}

Harness flow_of() { return {smb::kProtocol, 6, 40000, 445}; }

using Turns = std::vector<std::pair<Dir, Data>>;
constexpr Dir kUp = Dir::kOrig, kDown = Dir::kResp;

std::string told(const Turns& turns) {
  Harness h = flow_of();
  for (const auto& [dir, m] : turns) h.send(dir, framed(m));
  return h.close();
}
const Turns kShare = {{kUp, tree_request(1, "\\\\fs1\\public")}, {kDown, tree_reply(1, 1)}};
Turns with_share(const Turns& more) {
  Turns all = kShare;
  all.insert(all.end(), more.begin(), more.end());
  return all;
}
std::size_t count(const std::string& text, std::string_view part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) n++;
  return n;
}

}  // namespace

TEST(smb, first_bytes) {
  const auto ask = [](const Data& d) { return smb::probe({kUp, d, 40000, 8000, true, true}); };
  EXPECT(ask(hex("00000050 fe534d42")) == Probe::kYes);
  EXPECT(ask(hex("00000050 ff534d42")) == Probe::kYes);
  EXPECT(ask(hex("00000050 fd534d42")) == Probe::kYes);
  EXPECT(ask(hex("00000050 fb534d42")) == Probe::kNo);
  EXPECT(ask(hex("81000044")) == Probe::kYes);
  EXPECT(ask(hex("81000045")) == Probe::kNo);
  EXPECT(ask(hex("00000050 fe")) == Probe::kMore);
  EXPECT(ask(hex("00000010")) == Probe::kNo);
  EXPECT(ask(hex("00")) == Probe::kMore);
  EXPECT(ask({}) == Probe::kMore);
  EXPECT(ask(hex("16030100")) == Probe::kNo);
}

TEST(smb, a_share_and_its_files) {
  const std::string out = told(with_share({{kUp, create_request(2, "in\\setup.exe")},
                                           {kDown, create_reply(2, 7)},
                                           {kUp, set_info(3, id(7), 10, rename_to("in\\run.exe"))},
                                           {kUp, set_info(4, id(7), 13, {1})},
                                           {kUp, close_request(5, id(7))}}));
  EXPECT_HAS(out, R"("kind":"smb_mapping")");
  EXPECT_HAS(out, R"("path":"\\\\\\\\fs1\\\\public","share_type":"DISK","is_encrypted":false)");
  EXPECT_HAS(out, R"("action":"SMB::FILE_OPEN","path":"\\\\\\\\fs1\\\\public","name":"in\\\\setup.exe","size":100)");
  EXPECT_HAS(out, R"("create_action":"opened","access_mask":1179785,"version":2)");
  EXPECT_HAS(out, R"("action":"SMB::FILE_RENAME","path":"\\\\\\\\fs1\\\\public","name":"in\\\\run.exe","size":100,)"
                  R"("prev_name":"in\\\\setup.exe")");
  EXPECT_HAS(out, R"("action":"SMB::FILE_DELETE","path":"\\\\\\\\fs1\\\\public","name":"in\\\\run.exe")");
  EXPECT_EQ(count(out, R"("kind":"smb_file")"), 3u);
  EXPECT_LACKS(out, "weird");
}

TEST(smb, an_open_that_fails_is_no_file) {
  EXPECT_LACKS(told(with_share({{kUp, create_request(2, "x")}, {kDown, create_reply(2, 7, 1, kTime, 0xc0000034)}})),
               "smb_file");
  // Without its request nobody knows the name.
  EXPECT_LACKS(told(with_share({{kDown, create_reply(2, 7)}})), "smb_file");
  // MS-SMB2 3.3.4.2: an interim answer ends nothing.
  EXPECT_HAS(
      told(with_share(
          {{kUp, create_request(2, "x")}, {kDown, create_reply(2, 7, 1, kTime, 0x103)}, {kDown, create_reply(2, 7)}})),
      R"("name":"x")");
}

TEST(smb, the_share_itself_has_a_name) {
  EXPECT_HAS(told(with_share({{kUp, create_request(2, "")}, {kDown, create_reply(2, 7)}})), R"("name":"<share_root>")");
}

// As Zeek: the same file in the same state, within three minutes of the last time.
TEST(smb, an_open_is_told_again_after_a_change_or_a_while) {
  Harness h = flow_of();
  std::uint64_t n = 10;
  const auto open = [&](std::uint64_t size, std::uint64_t modified) {
    n++;
    h.orig(framed(create_request(n, "a")));
    h.resp(framed(create_reply(n, n, size, modified)));
  };
  open(1, kTime);
  open(1, kTime);
  h.wait(179 * kSecond);
  open(1, kTime);
  open(2, kTime);
  open(2, kTime + 10);
  h.wait(180 * kSecond);
  open(2, kTime + 10);
  open(2, 0);
  open(2, 0);  // without times nothing is the same
  h.close();
  EXPECT_EQ(h.count(Kind::smb_file), 6u);
}

TEST(smb, deleted_when_it_is_closed) {
  const std::string out = told(
      with_share({{kUp, create_request(2, "t", 0x1000)}, {kDown, create_reply(2, 7)}, {kUp, close_request(3, id(7))}}));
  EXPECT_EQ(count(out, "SMB::FILE_DELETE"), 1u);
  EXPECT_LACKS(told(with_share({{kUp, create_request(2, "t", 0x1000)}, {kDown, create_reply(2, 7)}})), "FILE_DELETE");
}

// MS-SMB2 3.2.4.1.4: open, delete and close in one message name the file by "the one before".
TEST(smb, related_requests_of_one_message) {
  const Data related = le(~std::uint64_t{0}, 8) + le(~std::uint64_t{0}, 8);
  const Data open = create_request(2, "abcd", 0, 128), remove = set_info(3, related, 13, {1});
  Data padded = remove + zeros((8 - remove.size() % 8) % 8);
  padded[20] = static_cast<std::uint8_t>(padded.size());
  const Data all = open + padded + close_request(4, related);
  EXPECT_EQ(open.size(), 128u);
  const std::string out = told(with_share({{kUp, all}, {kDown, create_reply(2, 7)}}));
  EXPECT_HAS(out, R"("action":"SMB::FILE_OPEN")");
  EXPECT_HAS(out, R"("action":"SMB::FILE_DELETE")");
}

TEST(smb, content_read_and_written_is_a_file) {
  const std::string body = "\x89PNG\r\n\x1a\n and some more";
  const Turns read = with_share({{kUp, create_request(2, "a.png")},
                                 {kDown, create_reply(2, 7, body.size())},
                                 {kUp, read_request(3, 7, 0, 10)},
                                 {kDown, read_reply(3, bytes(body.substr(0, 10)))},
                                 {kUp, read_request(4, 7, 10, 100)},
                                 {kDown, read_reply(4, bytes(body.substr(10)))},
                                 {kUp, close_request(5, id(7))}});
  const std::string out = told(read);
  EXPECT_HAS(out, R"("source":"smb")");
  EXPECT_HAS(out, R"("filename":"a.png")");
  EXPECT_HAS(out, R"("mime_type":"image/png")");
  EXPECT_HAS(out, R"("seen_bytes":22,"total_bytes":22)");
  EXPECT_HAS(out, R"("is_orig":false)");
  EXPECT_HAS(out, R"("sha256":)");
  const std::string up = told(with_share({{kUp, create_request(2, "a.png")},
                                          {kDown, create_reply(2, 7, 0)},
                                          {kUp, write_request(3, 7, 0, bytes(body))},
                                          {kUp, close_request(4, id(7))}}));
  EXPECT_HAS(up, R"("is_orig":true)");
  EXPECT_HAS(up, R"("seen_bytes":22)");
}

TEST(smb, content_read_twice_counts_once_and_a_jump_is_a_hole) {
  const Data block = zeros(100);
  const std::string twice = told(with_share({{kUp, create_request(2, "a")},
                                             {kDown, create_reply(2, 7, 0)},
                                             {kUp, write_request(3, 7, 0, block)},
                                             {kUp, write_request(4, 7, 50, block)},
                                             {kUp, close_request(5, id(7))}}));
  EXPECT_HAS(twice, R"("seen_bytes":150)");
  EXPECT_HAS(twice, R"("missing_bytes":0)");
  const std::string jump = told(with_share({{kUp, create_request(2, "a")},
                                            {kDown, create_reply(2, 7, 0)},
                                            {kUp, write_request(3, 7, 1000, block)},
                                            {kUp, close_request(5, id(7))}}));
  EXPECT_HAS(jump, R"("missing_bytes":1000)");
}

// Long content passes without being kept; a hole in it has its place.
TEST(smb, long_content_passes) {
  const Data content(300'000, 'x');
  const auto play = [&](std::size_t step, std::size_t lost) {
    Harness h = flow_of();
    for (const auto& [dir, m] : kShare) h.send(dir, framed(m));
    h.orig(framed(create_request(2, "big")));
    h.resp(framed(create_reply(2, 7, 0)));
    const Data up = framed(write_request(3, 7, 0, content));
    for (std::size_t i = 0; i < up.size(); i += step) {
      const std::size_t n = std::min(step, up.size() - i);
      if (lost > 0 && i == 10 * step)
        h.gap(kUp, n);
      else
        h.orig(Bytes(up).subspan(i, n));
    }
    h.orig(framed(close_request(4, id(7))));
    return h.close();
  };
  const std::string out = play(1460, 0);
  EXPECT_HAS(out, R"("seen_bytes":300000)");
  EXPECT_EQ(out, play(65536, 0));
  EXPECT_EQ(out, play(7, 0));
  EXPECT_HAS(play(1460, 1), R"("seen_bytes":298540)");
  EXPECT_HAS(play(1460, 1), R"("missing_bytes":1460)");
}

TEST(smb, behind_a_hole_the_next_message_is_found) {
  Harness h = flow_of();
  h.orig(framed(tree_request(1, "\\\\fs1\\public")));
  h.gap(kDown, 100);
  h.resp(hex("0011223344556677"));
  h.resp(framed(tree_reply(1, 1)));
  EXPECT_HAS(h.close(), R"("share_type":"DISK")");
}

TEST(smb, what_is_encrypted_is_said) {
  const Data hidden = hex("fd534d42") + zeros(500);
  Harness h = flow_of();
  h.orig(framed(hidden));
  h.resp(framed(hidden));
  EXPECT_HAS(h.close(), R"("version":3,"is_encrypted":true,"encrypted_messages":2,"messages":2)");
  EXPECT_HAS(told({{kUp, tree_request(1, "x")}, {kDown, tree_reply(1, 1, 5, 0x8000)}}), R"("is_encrypted":true)");
}

TEST(smb, a_login_that_is_refused_is_counted) {
  const Data setup = header({1, 1}) + le(25, 2) + zeros(10) + le(88, 2) + le(16, 2) + zeros(8) +
                     hex("4e544c4d53535000 01000000 01000000");
  const Data refused = header({1, 1, 0, 0xc000006d, 0, kReply}) + le(9, 2) + zeros(6);
  const std::string out = told({{kUp, setup}, {kDown, refused}});
  EXPECT_HAS(out, R"("logins_failed":1)");
  EXPECT_HAS(out, R"("success":false,"success_in_token":false)");
}

TEST(smb, a_pipe_carries_calls) {
  const Data bind = hex("05000b03 10000000 48000000 01000000 b810b810 00000000 01000000 0000 0100") +
                    hex("81bb7a36 4498f135 ad3298f0 38001003 02000000 045d888a eb1cc911 9fe80800 2b104860 02000000");
  const Data call = hex("05000003 10000000 18000000 02000000 00000000 0000 0c00");
  const Data answer = hex("05000203 10000000 18000000 02000000 00000000 0000 0000");
  const std::string out = told({{kUp, tree_request(1, "\\\\dc1\\IPC$")},
                                {kDown, tree_reply(1, 2)},
                                {kUp, create_request(2, "svcctl")},
                                {kDown, create_reply(2, 7, 0, 0)},
                                {kUp, write_request(3, 7, 0, bind)},
                                {kUp, write_request(4, 7, 0, call)},
                                {kUp, read_request(5, 7, 0, 1000)},
                                {kDown, read_reply(5, answer)}});
  EXPECT_HAS(out, R"("action":"SMB::PIPE_OPEN")");
  EXPECT_HAS(out, R"("endpoint":"svcctl","operation":"CreateServiceW")");
  EXPECT_HAS(out, R"("pipe":"\\\\\\\\dc1\\\\IPC$\\\\svcctl")");
}

TEST(smb, contradictions_are_weirds) {
  Data outside = tree_request(1, "x");
  outside[68] = 200;
  Data endless = tree_request(1, "x");
  endless[20] = 1;
  for (const Data& wrong : {outside, endless, Data(hex("fe534d42")) + zeros(20)}) {
    EXPECT_HAS(told({{kUp, wrong}}), "smb_malformed");
  }
  Harness h = flow_of();
  h.orig(framed(tree_request(1, "x")));
  h.orig(hex("00000008 41424344 41424344"));
  EXPECT_HAS(h.close(), "smb_protocol_unknown");
}

TEST(smb, every_cut_every_split_and_every_changed_byte) {
  const Turns all = with_share({{kUp, create_request(2, "a")},
                                {kDown, create_reply(2, 7, 0)},
                                {kUp, set_info(3, id(7), 10, rename_to("b"))},
                                {kUp, write_request(4, 7, 0, bytes("hello"))},
                                {kUp, close_request(5, id(7))}});
  const std::string whole = told(all);
  for (std::size_t i = 0; i < all.size(); i++) {
    const Data m = framed(all[i].second);
    for (std::size_t n = 0; n < m.size(); n++) {
      Harness split = flow_of(), cut = flow_of(), changed = flow_of();
      for (std::size_t k = 0; k < all.size(); k++) {
        const Data other = framed(all[k].second);
        Data wrong = other;
        if (k == i) wrong[n] ^= 0xff;
        changed.send(all[k].first, wrong);
        if (k < i) cut.send(all[k].first, other);
        if (k == i) cut.send(all[k].first, Bytes(other).first(n));
        split.send(all[k].first, k == i ? Bytes(other).first(n) : Bytes(other));
        if (k == i) split.send(all[k].first, Bytes(other).subspan(n));
      }
      EXPECT_EQ(split.close(), whole);
    }
  }
}

// ---- limits ----

TEST(smb, so_many_shares_are_kept) {
  for (const std::size_t n : {smb::kTreesMax - 1, smb::kTreesMax, smb::kTreesMax + 1}) {
    Harness h = flow_of();
    for (std::size_t i = 1; i <= n; i++) {
      h.orig(framed(tree_request(i, "\\\\a\\b")));
      h.resp(framed(tree_reply(i, 1, static_cast<std::uint32_t>(i))));
    }
    const std::string out = h.close();
    EXPECT_EQ(h.count(Kind::smb_mapping), n);
    EXPECT_EQ(count(out, "smb_tree_limit") > 0, n > smb::kTreesMax);
  }
}

TEST(smb, so_many_files_are_open_and_requests_wait) {
  for (const std::size_t n : {smb::kOpenFilesMax - 1, smb::kOpenFilesMax, smb::kOpenFilesMax + 1}) {
    Harness files = flow_of(), requests = flow_of();
    for (std::size_t i = 1; i <= n; i++) {
      files.orig(framed(create_request(i, "a")));
      files.resp(framed(create_reply(i, i, i, 0)));
      requests.orig(framed(create_request(i, "a")));
    }
    EXPECT_EQ(count(files.close(), "smb_open_file_limit") > 0, n > smb::kOpenFilesMax);
    EXPECT_EQ(files.count(Kind::smb_file), n);
    EXPECT_EQ(count(requests.close(), "smb_pending_limit") > 0, n > smb::kPendingMax);
  }
}

TEST(smb, so_many_messages_are_in_one) {
  for (const std::size_t n : {smb::kCompoundMax - 1, smb::kCompoundMax, smb::kCompoundMax + 1}) {
    Data all;
    for (std::size_t i = 1; i <= n; i++) {
      const Data m = close_request(i, id(i));
      Data one = m + zeros(8 - m.size() % 8);
      if (i < n) one[20] = static_cast<std::uint8_t>(one.size());
      all = all + one;
    }
    EXPECT_EQ(count(told({{kUp, all}}), "smb_compound_limit"), n > smb::kCompoundMax ? 1u : 0u);
  }
}

TEST(smb, a_message_without_content_is_kept_to_a_length) {
  for (const std::size_t n : {smb::kMessageKeptMax - 1, smb::kMessageKeptMax, smb::kMessageKeptMax + 1}) {
    Data m = tree_request(1, "\\\\a\\b");
    m.resize(n);
    const std::string out = told({{kUp, m}, {kDown, tree_reply(1, 1)}});
    EXPECT_HAS(out, R"("path":"\\\\\\\\a\\\\b")");
    EXPECT_EQ(count(out, "smb_message_too_long"), n > smb::kMessageKeptMax ? 1u : 0u);
  }
}

// ---- version 1 ----

namespace {

Data header1(unsigned command, bool is_reply, unsigned mid = 1, std::uint32_t status = 0, unsigned tree = 5) {
  return hex("ff534d42") + le(command, 1) + le(status, 4) + le(is_reply ? 0x80 : 0, 1) + le(0x8001, 2) + zeros(12) +
         le(tree, 2) + le(1, 2) + le(1, 2) + le(mid, 2);
}
Data block(const Data& words, const Data& data) { return le(words.size() / 2, 1) + words + le(data.size(), 2) + data; }
const Data kNoMore = hex("ff000000");
// The bytes begin at 32 + 1 + 8 + 2 = 43, an odd place: no byte stands before the path.
Data tree_connect1(std::string_view path) {
  return header1(0x75, false) +
         block(kNoMore + le(0, 2) + le(1, 2), zeros(1) + wide(path) + zeros(2) + bytes("?????") + zeros(1));
}
Data tree_connect1_reply(std::string_view service) {
  return header1(0x75, true) + block(kNoMore + le(0, 2), bytes(service) + zeros(1) + bytes("N") + zeros(1));
}
Data create1(std::string_view name, unsigned mid = 2) {
  return header1(0xa2, false, mid) +
         block(kNoMore + zeros(3) + zeros(8) + le(0x20089, 4) + zeros(20) + zeros(4) + zeros(4) + zeros(1),
               zeros(1) + wide(name) + zeros(2));
}
Data create1_reply(unsigned fid, unsigned kind = 0, unsigned mid = 2) {
  return header1(0xa2, true, mid) +
         block(kNoMore + zeros(1) + le(fid, 2) + le(1, 4) + le(kTime, 8) + le(kTime, 8) + le(kTime, 8) + le(kTime, 8) +
                   zeros(4) + le(40, 8) + le(40, 8) + le(kind, 2) + zeros(3),
               {});
}

}  // namespace

TEST(smb, version_1_tells_the_same) {
  const Data content = bytes("hello");
  const Data read = header1(0x2e, false, 3) + block(kNoMore + le(9, 2) + le(0, 4) + zeros(10), {});
  const Data read_answer =
      header1(0x2e, true, 3) + block(kNoMore + zeros(6) + le(5, 2) + le(59, 2) + le(0, 2) + zeros(8), content);
  const Data write = header1(0x2f, false, 4) +
                     block(kNoMore + le(9, 2) + le(0, 4) + zeros(8) + le(0, 2) + le(5, 2) + le(59, 2), content);
  const Data close = header1(0x04, false, 5) + block(le(9, 2) + zeros(4), {});
  const std::string out = told({{kUp, tree_connect1("\\\\FS1\\PUBLIC")},
                                {kDown, tree_connect1_reply("A:")},
                                {kUp, create1("\\docs\\a.txt")},
                                {kDown, create1_reply(9)},
                                {kUp, read},
                                {kDown, read_answer},
                                {kUp, write},
                                {kUp, close}});
  EXPECT_HAS(out, R"("path":"\\\\\\\\FS1\\\\PUBLIC","service":"A:")");
  EXPECT_HAS(out, R"("action":"SMB::FILE_OPEN","path":"\\\\\\\\FS1\\\\PUBLIC","name":"\\\\docs\\\\a.txt","size":40)");
  EXPECT_HAS(out, R"("version":1)");
  EXPECT_HAS(out, R"("is_orig":false,"seen_bytes":5)");
  EXPECT_HAS(out, R"("is_orig":true,"seen_bytes":5)");
  EXPECT_LACKS(out, "smb_malformed");
}

TEST(smb, version_1_knows_a_pipe_by_its_answer) {
  EXPECT_HAS(told({{kUp, create1("\\srvsvc")}, {kDown, create1_reply(9, 2)}}), "SMB::PIPE_OPEN");
}

TEST(smb, version_1_chains_go_forward_only) {
  Data loop = tree_connect1("\\\\A\\B");
  loop[33] = 0x75;
  loop[35] = 32;
  EXPECT_HAS(told({{kUp, loop}}), "smb_andx_loop");
}

TEST(smb, version_1_every_cut_and_every_changed_byte_ends) {
  const Turns all = {{kUp, tree_connect1("\\\\FS1\\PUBLIC")},
                     {kDown, tree_connect1_reply("IPC")},
                     {kUp, create1("\\svcctl")},
                     {kDown, create1_reply(9)}};
  for (std::size_t i = 0; i < all.size(); i++) {
    for (std::size_t n = 0; n < all[i].second.size(); n++) {
      Turns cut(all.begin(), all.begin() + static_cast<long>(i)), changed = all;
      cut.push_back({all[i].first, Data(all[i].second.begin(), all[i].second.begin() + static_cast<long>(n))});
      changed[i].second[n] ^= 0xff;
      told(cut);
      told(changed);
    }
  }
}
