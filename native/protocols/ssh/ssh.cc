#include "protocols/ssh/ssh.h"

#include <algorithm>

#include "flow/flow.h"
#include "protocols/ssh/ssh.gen.h"

namespace catenary::ssh {
namespace {

using flow::Dir;
using flow::Step;

// RFC 4250 4.1.
enum : std::uint8_t {
  kDisconnect = 1,
  kIgnore = 2,
  kUnimplemented = 3,
  kDebug = 4,
  kKexinitType = 20,
  kNewkeys = 21,
  kKexFirst = 30,
  kKexReply = 31,  // RFC 4253 8, RFC 5656 4, RFC 8731: the host key, a public value, a signature
  kGexReply = 33,  // RFC 4419 3
  kKexLast = 49,
};

constexpr std::string_view kNothing = "Algorithm negotiation failed";

bool starts_with(std::string_view s, std::string_view head) noexcept { return s.substr(0, head.size()) == head; }

std::string_view trim_line(std::string_view s) noexcept {
  while (!s.empty() && (s.back() == '\r' || s.back() == '\n')) s.remove_suffix(1);
  return s;
}

// Which message of the server begins with its key: RFC 4432 4 (RSA), RFC 4419 3 and RFC 4462 2.1 (groups by request,
// GSS), all others as RFC 4253 8.
std::uint8_t host_key_message(std::string_view kex) noexcept {
  if (starts_with(kex, "rsa")) return kKexFirst;
  if (starts_with(kex, "diffie-hellman-group-exchange-") || starts_with(kex, "gss-")) return kGexReply;
  return kKexReply;
}

// RFC 4648 4, without padding, as ssh-keygen prints it. `out` has room for 43.
std::string_view base64(Bytes in, char* out) noexcept {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::size_t size = 0;
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const std::uint8_t b : in) {
    bits = (bits << 8 | b) & 0xffff;
    for (held += 8; held >= 6; held -= 6) out[size++] = kDigits[bits >> (held - 6) & 63];
  }
  if (held > 0) out[size++] = kDigits[bits << (6 - held) & 63];
  return {out, size};
}

}  // namespace

flow::Probe probe(const flow::ProbeInput& in) noexcept {
  constexpr std::string_view kHead = "ssh-";
  const std::string_view s = as_text(in.data);
  for (std::size_t i = 0; i < std::min(s.size(), kHead.size()); i++) {
    if ((s[i] | 0x20) != kHead[i] && s[i] != kHead[i]) return flow::Probe::kNo;
  }
  if (s.size() > 4 && s[4] != '1' && s[4] != '2') return flow::Probe::kNo;
  if (s.size() > 5 && s[5] != '.') return flow::Probe::kNo;
  return s.size() > 5 ? flow::Probe::kYes : flow::Probe::kMore;
}

bool Login::attempt(bool is_success) noexcept {
  attempts_++;
  is_success_ = is_success;
  return is_success;
}

bool Login::on_encrypted(Dir dir, std::size_t size) noexcept {
  // A list of methods is shorter than this; what is more is the banner (RFC 4252 5.4).
  constexpr std::size_t kBannerMin = 256;
  constexpr std::size_t kContent = 16;  // "ssh-userauth" and its length, in blocks of the cipher
  if (dir == Dir::kOrig) {
    has_client_sent_ = true;
    return false;
  }
  if (!has_client_sent_ || is_success_) return false;
  if (accept_size_ == 0) {
    accept_size_ = size;
    return false;
  }
  const bool is_empty = size + kContent == accept_size_;
  if (failure_size_ == 0) {
    if (is_empty) return attempt(true);
    if (!has_skipped_banner_ && size > accept_size_ + kBannerMin)
      has_skipped_banner_ = true;
    else
      failure_size_ = size;
    return false;
  }
  if (size == failure_size_) return attempt(false);
  return is_empty && attempt(true);
}

Step Parser::on_stream(flow::Context& cx, Dir dir, Cursor& in) {
  Side& s = side(dir);
  bool must_wait = false;
  while (!in.done() && !must_wait) {
    Step step = Step::kContinue;
    switch (s.state) {
      case State::kBanner: step = on_line(cx, dir, in, must_wait); break;
      case State::kPackets: step = on_packet(cx, dir, in, must_wait); break;
      case State::kIgnored: in.skip(in.left()); break;
      case State::kEncrypted: {
        const std::size_t size = in.left();
        in.skip(size);
        // Sizes say nothing where the content is compressed.
        if (version().value_or(2) != 2 || is_compressed_) break;
        if (!login_.on_encrypted(dir, size)) break;
        emit(cx);
        return Step::kDetach;  // what follows cannot be read, and may be gigabytes
      }
    }
    if (step == Step::kDetach) return step;
  }
  return Step::kContinue;
}

Step Parser::on_line(flow::Context& cx, Dir dir, Cursor& in, bool& must_wait) {
  Side& s = side(dir);
  const Bytes head = in.peek(std::min(in.left(), kBannerBytesMax));
  const auto newline = std::find(head.begin(), head.end(), '\n');
  if (newline == head.end()) {
    // Kept as far as it came: the flow may end here.
    const std::string_view part = as_text(head);
    if (starts_with(part, "SSH-") || starts_with(part, "ssh-")) {
      if (began_ == 0) began_ = cx.now;
      s.banner.set(part);
    }
    if (head.size() < kBannerBytesMax) {
      must_wait = true;
      return Step::kContinue;
    }
    cx.weird(Weird::ssh_banner_too_long);
    return Step::kDetach;
  }
  const Bytes line = in.take(static_cast<std::size_t>(newline - head.begin()) + 1);
  const std::string_view text = trim_line(as_text(line));
  if (!starts_with(text, "SSH-") && !starts_with(text, "ssh-")) {
    if (++s.lines <= kLinesMax) return Step::kContinue;
    cx.weird(Weird::ssh_banner_too_long);
    return Step::kDetach;
  }
  if (began_ == 0) began_ = cx.now;
  s.banner.set(text);
  s.is_banner_whole = true;
  // RFC 4253 5.1: 1.99 speaks both.
  if (starts_with(text.substr(4), "1.99"))
    s.major = Major::kBoth;
  else if (text.substr(4, 1) == "2")
    s.major = Major::kTwo;
  else if (text.substr(4, 1) == "1")
    s.major = Major::kOne;
  s.state = State::kPackets;
  return Step::kContinue;
}

std::optional<std::uint8_t> Parser::version() const noexcept {
  const Major a = sides_[0].major, b = sides_[1].major;
  if (a == Major::kUnknown || b == Major::kUnknown) return {};
  if (a == Major::kOne || b == Major::kOne) return a == Major::kTwo || b == Major::kTwo ? 0 : 1;
  return 2;
}

Step Parser::on_packet(flow::Context& cx, Dir dir, Cursor& in, bool& must_wait) {
  Side& s = side(dir);
  // Who speaks both sends packets of the version that the other side speaks.
  if (s.major == Major::kBoth && side(other(dir)).major == Major::kUnknown) {
    must_wait = true;
    return Step::kContinue;
  }
  if (s.major == Major::kUnknown || s.major == Major::kOne || version().value_or(2) != 2) {
    s.state = State::kIgnored;
    return Step::kContinue;
  }
  Cursor unit = in;
  const std::uint32_t length = unit.be32();
  const std::uint8_t padding = unit.u8();
  if (!unit.ok()) {
    must_wait = true;
    return Step::kContinue;
  }
  // RFC 4253 6: padding length, message and padding are within the length.
  if (length > kPacketBytesMax || length < padding + 2u) {
    cx.weird(Weird::ssh_packet_length_wrong);
    return Step::kDetach;
  }
  Cursor body = unit.sub(length - 1);
  if (!unit.ok()) {
    cx.need(dir, 4u + length);
    must_wait = true;
    return Step::kContinue;
  }
  const std::uint8_t type = body.u8();
  on_message(cx, dir, type, body.take(length - padding - 2));
  in = unit;
  return Step::kContinue;
}

void Parser::on_message(flow::Context& cx, Dir dir, std::uint8_t type, Bytes payload) {
  switch (type) {
    case kDisconnect:
    case kIgnore:
    case kUnimplemented:
    case kDebug: return;
    case kKexinitType: return on_kexinit(cx, dir, payload);
    case kNewkeys:
      cx.confirm(kProtocol.name);
      side(dir).state = State::kEncrypted;
      return;
    default: break;
  }
  if (type < kKexFirst || type > kKexLast) return cx.weird(Weird::ssh_message_unexpected);
  if (dir == Dir::kResp) on_key_exchange(type, payload);
}

void Parser::on_kexinit(flow::Context& cx, Dir dir, Bytes payload) {
  Side& s = side(dir);
  if (s.has_kexinit) return cx.weird(Weird::ssh_message_unexpected);
  Kexinit ours;
  if (!read_kexinit(payload, ours)) return cx.weird(Weird::ssh_kexinit_malformed);
  s.has_kexinit = true;
  Worker& worker = static_cast<Worker&>(*shared);
  const bool is_client = dir == Dir::kOrig;
  s.hassh_size = static_cast<std::uint8_t>(hassh(ours, is_client, worker.hasher, worker.room, s.hassh).size());
  if (!side(other(dir)).has_kexinit) {
    if (payload.size() > kept_.size()) return cx.weird(Weird::ssh_too_many_algorithms);
    kept_size_ = static_cast<std::uint16_t>(payload.size());
    std::copy(payload.begin(), payload.end(), kept_.begin());
    return;
  }
  Kexinit theirs;
  if (kept_size_ == 0 || !read_kexinit(Bytes(kept_).first(kept_size_), theirs)) return;
  negotiate(cx, is_client ? ours : theirs, is_client ? theirs : ours);
}

void Parser::negotiate(flow::Context& cx, const Kexinit& client, const Kexinit& server) {
  bool is_over = false, is_failed = false;
  const auto find = [&](List l) {
    const std::string_view name = agreed(client.lists[l], server.lists[l], is_over);
    if (name.empty()) is_failed = true;
    return name.empty() ? kNothing : name;
  };
  const auto both_ways = [&](Pair& out, List up, List down) {
    const std::string_view to_server = find(up), to_client = find(down);
    out.set(to_server);
    if (to_server == to_client) return;
    out.set("To server: ");
    out.add(to_server);
    out.add(", to client: ");
    out.add(to_client);
  };
  both_ways(cipher_, kCipherUp, kCipherDown);
  both_ways(mac_, kMacUp, kMacDown);
  both_ways(compression_, kCompressUp, kCompressDown);
  kex_.set(find(kKex));
  host_key_alg_.set(find(kHostKey));
  has_negotiated_ = true;
  is_compressed_ = starts_with(compression_.view(), "zlib");
  if (is_over) cx.weird(Weird::ssh_too_many_algorithms);
  if (is_failed) cx.weird(Weird::ssh_no_common_algorithm);
}

void Parser::on_key_exchange(std::uint8_t type, Bytes payload) {
  if (!has_negotiated_ || fingerprint_.is_set || type != host_key_message(kex_.view())) return;
  Cursor in(payload);
  const Bytes key = in.take(in.be32());
  if (!in.ok() || key.empty()) return;
  files::Sha256 room;
  const Bytes digest = static_cast<Worker&>(*shared).hasher.digest(files::Hash::kSha256, key, room);
  std::array<char, 44> text;
  if (digest.empty()) return;
  fingerprint_.set("SHA256:");
  fingerprint_.add(base64(digest, text.data()));
}

void Parser::emit(flow::Context& cx) {
  if (is_told_ || began_ == 0) return;
  is_told_ = true;
  SshEvent e;
  e.ts = micros(began_);
  e.version = version();
  if (login_.is_judged()) e.auth_success = login_.is_success();
  e.auth_attempts = login_.attempts();
  const Side& client = side(Dir::kOrig);
  const Side& server = side(Dir::kResp);
  if (client.banner.is_set) e.client = client.banner.view();
  if (server.banner.is_set) e.server = server.banner.view();
  if (has_negotiated_) {
    e.cipher_alg = cipher_.view();
    e.mac_alg = mac_.view();
    e.compression_alg = compression_.view();
    e.kex_alg = kex_.view();
    e.host_key_alg = host_key_alg_.view();
    e.cut = cipher_.is_cut || mac_.is_cut || compression_.is_cut || kex_.is_cut || host_key_alg_.is_cut;
  }
  for (const Side& s : sides_) {
    if (s.banner.is_set && !s.is_banner_whole) e.cut = true;
  }
  if (fingerprint_.is_set) e.host_key_fingerprint = fingerprint_.view();
  if (client.hassh_size > 0) e.hassh = {client.hassh.data(), client.hassh_size};
  if (server.hassh_size > 0) e.hassh_server = {server.hassh.data(), server.hassh_size};
  cx.emit(e);
}

void Parser::on_close(flow::Context& cx) { emit(cx); }

}  // namespace catenary::ssh
