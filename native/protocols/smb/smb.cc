#include "protocols/smb/smb.h"

#include <algorithm>

#include "flow/flow.h"
#include "protocols/smb/smb.gen.h"

namespace catenary::smb {

using flow::Context;
using flow::Dir;
using flow::Probe;
using flow::Step;

namespace {

// First byte of a message; "SMB" follows.
enum : std::uint8_t { kVersion1 = 0xff, kVersion2 = 0xfe, kEncrypted = 0xfd, kCompressed = 0xfc };
// RFC 1002 4.3.1: types of NetBIOS packets.
enum : std::uint8_t { kMessage = 0, kSessionRequest = 0x81, kKeepAlive = 0x85 };
// RFC 1002 4.3.2: two names of 34 bytes each, in their usual form.
constexpr std::uint32_t kSessionRequestBytes = 68;
constexpr std::size_t kFrameBytes = 4, kMagicBytes = 4;
constexpr std::size_t kHeadMax = std::max(v1::kHeadBytes, v2::kHeadBytes);

bool is_magic(Bytes b) noexcept {
  return b.size() >= kMagicBytes && b[0] >= kCompressed && b[1] == 'S' && b[2] == 'M' && b[3] == 'B';
}

}  // namespace

Probe probe(const flow::ProbeInput& in) noexcept {
  Cursor c(in.data);
  const std::uint8_t type = c.u8();
  if (!c.ok()) return Probe::kMore;
  if (type != kMessage && type != kSessionRequest) return Probe::kNo;
  const std::uint32_t length = c.be24();
  if (!c.ok()) return Probe::kMore;
  if (type == kSessionRequest) return length == kSessionRequestBytes ? Probe::kYes : Probe::kNo;
  const Bytes magic = c.peek(kMagicBytes);
  if (!magic.empty()) return is_magic(magic) ? Probe::kYes : Probe::kNo;
  return length >= v1::kHeaderBytes ? Probe::kMore : Probe::kNo;
}

Step Parser::on_stream(Context& cx, Dir dir, Cursor& in) {
  state_.session.use(static_cast<Worker&>(*shared));
  Side& s = side(dir);
  bool must_wait = false;
  while (!in.done() && !must_wait) {
    if (s.is_passing()) {
      pass(cx, dir, s, in);
    } else if (s.is_lost) {
      must_wait = !find_message(s, in);
    } else if (on_unit(cx, dir, s, in, must_wait) == Step::kDetach) {
      return Step::kDetach;
    }
  }
  return Step::kContinue;
}

void Parser::pass(Context& cx, Dir dir, Side& s, Cursor& in) {
  Transfer& t = s.transfer;
  const auto take = [&](std::uint64_t& left) {
    const Bytes bytes = in.take(static_cast<std::size_t>(std::min<std::uint64_t>(left, in.left())));
    left -= bytes.size();
    return bytes;
  };
  if (t.skip > 0) {
    take(t.skip);
  } else if (t.bytes > 0) {
    const Bytes content = take(t.bytes);
    if (OpenFile* const file = state_.session.find(t.file)) state_.session.data(cx, dir, *file, t.offset, content);
    t.offset += content.size();
  } else {
    take(s.behind);
  }
}

// What passes has a hole; the content behind it has its place all the same.
void Parser::miss(Side& s, std::uint64_t bytes) {
  const auto lose = [&](std::uint64_t& left) {
    const std::uint64_t n = std::min(left, bytes);
    left -= n;
    bytes -= n;
    return n;
  };
  lose(s.transfer.skip);
  s.transfer.offset += lose(s.transfer.bytes);
  lose(s.behind);
  if (bytes > 0) s.is_lost = true;
}

Step Parser::on_gap(Context&, Dir dir, std::uint64_t bytes) {
  miss(side(dir), bytes);
  return Step::kContinue;
}

bool Parser::find_message(Side& s, Cursor& in) {
  const Bytes all = in.peek_rest();
  for (std::size_t i = 0; i + kFrameBytes + kMagicBytes <= all.size(); i++) {
    if (all[i] != kMessage || !is_magic(all.subspan(i + kFrameBytes))) continue;
    in.skip(i);
    s.is_lost = false;
    return true;
  }
  in.skip(all.size() - std::min(all.size(), kFrameBytes + kMagicBytes - 1));
  return false;
}

Step Parser::on_unit(Context& cx, Dir dir, Side& s, Cursor& in, bool& must_wait) {
  Cursor unit = in;
  const std::uint8_t type = unit.u8();
  const std::uint32_t length = unit.be24();
  const auto wait = [&](std::size_t bytes) {
    cx.need(dir, kFrameBytes + bytes);
    must_wait = true;
    return Step::kContinue;
  };
  if (!unit.ok()) return wait(0);
  if (type != kMessage) {
    if (type < kSessionRequest || type > kKeepAlive || length > kSessionRequestBytes) return Step::kDetach;
    if (!unit.has(length)) return wait(length);
    unit.skip(length);
    in = unit;
    return Step::kContinue;
  }
  if (length < kMagicBytes) {
    if (!unit.has(length)) return wait(length);
    unit.skip(length);
    in = unit;
    return Step::kContinue;
  }
  const Bytes magic = unit.peek(kMagicBytes);
  if (magic.empty()) return wait(kMagicBytes);
  if (!is_magic(magic)) {
    cx.weird(Weird::smb_protocol_unknown);
    return Step::kDetach;
  }
  Facts& facts = state_.facts;
  if (magic[0] == kEncrypted || magic[0] == kCompressed) {
    if (facts.messages++ == 0) facts.began = cx.now;
    cx.confirm(kProtocol.name);
    if (magic[0] == kEncrypted) {
      facts.is_encrypted = true;
      facts.encrypted_messages++;
      facts.version = 3;
    }
    s.behind = length;
    in = unit;
    return Step::kContinue;
  }
  const bool is_long = length > kTransferMin;
  const std::size_t wanted = is_long ? kHeadMax : length;
  if (!unit.has(wanted)) return wait(wanted);
  const std::size_t header = magic[0] == kVersion2 ? v2::kHeaderBytes : v1::kHeaderBytes;
  if (length < header) {
    cx.weird(Weird::smb_malformed);
    unit.skip(length);
    in = unit;
    return Step::kContinue;
  }
  if (is_long) {
    const Step step = on_long(cx, dir, s, unit, length, must_wait);
    if (!must_wait) in = unit;
    return step;
  }
  if (facts.messages++ == 0) facts.began = cx.now;
  cx.confirm(kProtocol.name);
  const Bytes message = unit.take(length);
  in = unit;
  if (magic[0] == kVersion2)
    v2::on_message(cx, dir, message, false, state_);
  else
    v1::on_message(cx, dir, message, false, state_);
  return Step::kContinue;
}

Step Parser::on_long(Context& cx, Dir dir, Side& s, Cursor& unit, std::size_t length, bool& must_wait) {
  Facts& facts = state_.facts;
  const Bytes head = unit.peek(kHeadMax);
  const bool is_v2 = head[0] == kVersion2;
  const std::optional<Transfer> t = is_v2 ? v2::begin_transfer(head, state_) : v1::begin_transfer(head, state_);
  if (t && t->skip + t->bytes <= length) {
    if (facts.messages++ == 0) facts.began = cx.now;
    cx.confirm(kProtocol.name);
    s.transfer = *t;
    s.behind = length - t->skip - t->bytes;
    return Step::kContinue;
  }
  const std::size_t kept = std::min(length, kMessageKeptMax);
  if (!unit.has(kept)) {
    cx.need(dir, kFrameBytes + kept);
    must_wait = true;
    return Step::kContinue;
  }
  if (facts.messages++ == 0) facts.began = cx.now;
  cx.confirm(kProtocol.name);
  const bool is_cut = kept < length;
  if (is_cut) cx.weird(Weird::smb_message_too_long);
  const Bytes message = unit.take(kept);
  s.behind = length - kept;
  if (is_v2)
    v2::on_message(cx, dir, message, is_cut, state_);
  else
    v1::on_message(cx, dir, message, is_cut, state_);
  return Step::kContinue;
}

void Parser::on_close(Context& cx) {
  const Facts& facts = state_.facts;
  state_.session.use(static_cast<Worker&>(*shared));
  state_.session.finish(cx);
  state_.gssapi.close(cx);
  state_.ntlm.close(cx);
  if (facts.messages == 0) return;
  SmbEvent e;
  e.ts = micros(facts.began);
  e.version = facts.version;
  if (!facts.dialect.empty()) e.dialect = facts.dialect;
  e.signing_required = facts.signing_required;
  e.is_encrypted = facts.is_encrypted;
  e.encrypted_messages = facts.encrypted_messages;
  e.messages = facts.messages;
  if (!facts.server_guid.empty()) e.server_guid = facts.server_guid;
  if (!facts.client_os.empty()) e.client_os = facts.client_os;
  if (!facts.server_os.empty()) e.server_os = facts.server_os;
  e.logins_failed = facts.logins_failed;
  e.is_guest = facts.is_guest;
  e.files_opened = state_.session.files_opened();
  cx.emit(e);
}

}  // namespace catenary::smb
