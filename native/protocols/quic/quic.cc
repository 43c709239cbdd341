#include "protocols/quic/quic.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "files/hasher.h"
#include "flow/flow.h"
#include "flow/nested.h"
#include "protocols/quic/crypto_stream.h"
#include "protocols/quic/initial.h"
#include "protocols/quic/quic.gen.h"

namespace catenary::quic {

namespace {

using flow::Context;
using flow::Dir;
using flow::Probe;
using flow::Step;

constexpr std::size_t kHistoryMax = 100;
constexpr std::uint64_t kDiscardedMax = 100;  // letters for them; as Zeek
constexpr std::uint8_t kLongForm = 0x80, kFixedBit = 0x40;

struct Worker : flow::Shared {
  InitialOpener opener;
  std::vector<std::uint8_t> record;
};

// A connection ID as it was last seen; unset is not empty.
struct ConnectionId {
  std::array<char, 2 * kConnectionIdMax> text;
  std::size_t size = 0;
  bool is_set = false;

  void set(Bytes id) noexcept {
    size = files::hex_text(id.first(std::min(id.size(), kConnectionIdMax)), text.data()).size();
    is_set = true;
  }
  std::optional<std::string_view> view() const noexcept {
    return is_set ? std::optional(std::string_view(text.data(), size)) : std::nullopt;
  }
};

// What the row shows of a ClientHello: RFC 8446 4.1.2. The rest is told by the tls event.
struct HelloNames {
  std::optional<std::string> server_name, protocol;

  void read(Bytes message) {
    constexpr std::uint16_t kServerName = 0, kAlpn = 16;
    Cursor in(message);
    in.skip(4 + 2 + 32);
    in.skip(in.u8());
    in.skip(in.be16());
    in.skip(in.u8());
    Cursor extensions = in.sub(in.be16());
    while (extensions.has(4)) {
      const std::uint16_t type = extensions.be16();
      Cursor body = extensions.sub(extensions.be16());
      if (type == kServerName && !server_name) {
        body.skip(2 + 1);  // RFC 6066 3: the list's length, the kind of name
        const Bytes name = body.take(body.be16());
        if (body.ok()) server_name = std::string(as_text(name).substr(0, 512));
      } else if (type == kAlpn && !protocol) {
        body.skip(2);  // RFC 7301 3.1
        const Bytes name = body.take(body.u8());
        if (body.ok()) protocol = std::string(as_text(name));
      }
    }
  }
};

class Parser final : public flow::Parser {
 public:
  Step on_datagram(Context& cx, Dir dir, Cursor in) override;
  void on_close(Context& cx) override;

 private:
  struct Side {
    CryptoStream crypto;
    bool is_done = false;  // its hello was read, or given up
    std::uint64_t shorts = 0, next_letter = 1;
    std::optional<InitialKeys> keys;
    std::uint32_t keys_version = 0;
  };

  Worker& worker() noexcept { return *static_cast<Worker*>(shared); }
  Step on_long(Context& cx, Dir dir, const LongHeader& p);
  void on_unknown_version(Context& cx, Dir dir, const LongHeader& p);
  bool on_initial(Context& cx, Dir dir, const LongHeader& p);
  void on_frames(Context& cx, Dir dir, Cursor in);
  void on_crypto(Context& cx, Dir dir, std::uint64_t offset, Bytes piece);
  void on_short(Context& cx, Dir dir);

  void note(Context& cx, Dir dir, const LongHeader& p);
  void add_letter(Context& cx, Dir dir, char letter);
  void write(Context& cx);

  std::array<Side, 2> sides_;
  std::array<std::uint8_t, kConnectionIdMax> initial_id_{};  // the keys come from it
  std::size_t initial_id_size_ = 0;
  bool has_initial_id_ = false;
  flow::Nested tls_;
  bool was_tls_opened_ = false;
  std::uint64_t decrypted_ = 0, discarded_ = 0;

  // The row in the making.
  bool has_row_ = false;
  Nanos first_ = 0;
  std::uint32_t version_ = 0;
  ConnectionId initial_dcid_, client_scid_, server_scid_;
  HelloNames names_;
  std::array<char, kHistoryMax> history_;
  std::size_t history_size_ = 0;
};

Step Parser::on_datagram(Context& cx, Dir dir, Cursor in) {
  while (!in.done()) {
    const std::uint8_t first = in.peek(1)[0];
    // RFC 9000 17.2: not of this version, whatever it is; other protocols share the port (RFC 7983).
    if (!(first & kFixedBit)) {
      if (decrypted_ > 0 && discarded_++ < kDiscardedMax) add_letter(cx, dir, 'x');
      return Step::kContinue;
    }
    if (!(first & kLongForm)) {
      on_short(cx, dir);
      return Step::kContinue;
    }
    LongHeader p;
    Cursor ahead = in;
    if (!take_invariants(ahead, p)) return Step::kContinue;
    if (!is_known(p.version)) {
      on_unknown_version(cx, dir, p);
      return Step::kContinue;
    }
    if (!take_long(in, p)) return decrypted_ > 0 ? Step::kContinue : Step::kDetach;
    if (on_long(cx, dir, p) == Step::kDetach) return Step::kDetach;
  }
  return Step::kContinue;
}

void Parser::on_unknown_version(Context& cx, Dir dir, const LongHeader& p) {
  note(cx, dir, p);
  add_letter(cx, dir, 'u');
  write(cx);
}

Step Parser::on_long(Context& cx, Dir dir, const LongHeader& p) {
  switch (p.type) {
    case Type::kInitial:
      note(cx, dir, p);
      add_letter(cx, dir, 'i');
      return on_initial(cx, dir, p) ? Step::kContinue : Step::kDetach;
    case Type::kHandshake:
      note(cx, dir, p);
      add_letter(cx, dir, 'h');
      return Step::kContinue;
    case Type::kZeroRtt:
      note(cx, dir, p);
      add_letter(cx, dir, 'z');
      return Step::kContinue;
    case Type::kRetry:
      if (!has_row_) note(cx, dir, p);
      add_letter(cx, dir, 'r');
      write(cx);
      // RFC 9001 5.2: the client begins anew, with keys from the ID that the server chose.
      has_initial_id_ = false;
      for (Side& s : sides_) {
        s.keys.reset();
        s.crypto.clear();
        s.is_done = false;
      }
      return Step::kContinue;
  }
  return Step::kContinue;
}

// False: what the keys of a first packet do not open is no QUIC.
bool Parser::on_initial(Context& cx, Dir dir, const LongHeader& p) {
  const bool is_client = dir == Dir::kOrig;
  Side& s = sides_[index(dir)];
  if (is_client && !has_initial_id_) {
    initial_id_size_ = p.dcid.size();
    std::copy(p.dcid.begin(), p.dcid.end(), initial_id_.begin());
    has_initial_id_ = true;
  }
  if (s.is_done || !has_initial_id_) return true;
  // RFC 9369 4: the server may go over to another version in its answer; the ID stays.
  if (!s.keys || s.keys_version != p.version) {
    s.keys = derive_keys(p.version, Bytes(initial_id_).first(initial_id_size_), is_client);
    s.keys_version = p.version;
  }
  const Bytes frames = worker().opener.open(*s.keys, p);
  if (frames.empty()) {
    if (decrypted_ > 0) cx.weird(Weird::quic_decrypt_failed);
    return decrypted_ > 0;
  }
  if (decrypted_++ == 0) cx.confirm("quic");
  on_frames(cx, dir, Cursor(frames));
  return true;
}

// RFC 9000 12.4: an Initial packet has PADDING, PING, ACK, CRYPTO and CONNECTION_CLOSE.
void Parser::on_frames(Context& cx, Dir dir, Cursor in) {
  constexpr std::uint8_t kPadding = 0, kPing = 1, kAck = 2, kAckEcn = 3, kCrypto = 6, kClose = 0x1c;
  while (!in.done()) {
    const std::uint8_t type = in.u8();
    switch (type) {
      case kPadding:
      case kPing: continue;
      case kAck:
      case kAckEcn: {
        take_varint(in);
        take_varint(in);
        const std::uint64_t ranges = take_varint(in);
        take_varint(in);
        // Every range takes bytes, so what is there ends the loop.
        for (std::uint64_t i = 0; i < ranges && in.ok(); i++) {
          take_varint(in);
          take_varint(in);
        }
        for (int i = 0; type == kAckEcn && i < 3; i++) take_varint(in);
        break;
      }
      case kCrypto: {
        const std::uint64_t offset = take_varint(in);
        const Bytes piece = in.take(take_varint(in));
        if (in.ok()) on_crypto(cx, dir, offset, piece);
        break;
      }
      case kClose:
        if (!has_row_) return;
        add_letter(cx, dir, 'c');
        return write(cx);
      default: return cx.weird(Weird::quic_frame_unexpected);
    }
  }
}

void Parser::on_crypto(Context& cx, Dir dir, std::uint64_t offset, Bytes piece) {
  Side& s = sides_[index(dir)];
  if (s.is_done) return;
  if (!s.crypto.add(offset, piece)) {
    cx.weird(Weird::quic_crypto_limit);
    s.is_done = true;
    return s.crypto.clear();
  }
  const Bytes message = s.crypto.message();
  if (message.empty()) return;
  s.is_done = true;
  constexpr std::uint8_t kClientHello = 1, kServerHello = 2;
  if (message[0] == (dir == Dir::kOrig ? kClientHello : kServerHello)) add_letter(cx, dir, 's');
  if (message[0] == kClientHello) names_.read(message);
  // The tls parser reads records (RFC 8446 5.1), of which CRYPTO frames take the place.
  if (!was_tls_opened_) was_tls_opened_ = tls_.open(cx, "tls");
  constexpr std::size_t kRecordMax = 1 << 14;
  for (Bytes rest = message; !rest.empty();) {
    const Bytes part = rest.first(std::min(rest.size(), kRecordMax));
    std::vector<std::uint8_t>& record = worker().record;
    record.assign({22, 3, 3, static_cast<std::uint8_t>(part.size() >> 8), static_cast<std::uint8_t>(part.size())});
    record.insert(record.end(), part.begin(), part.end());
    tls_.bytes(cx, dir, record);
    rest = rest.subspan(part.size());
  }
  s.crypto.clear();
}

void Parser::on_short(Context& cx, Dir dir) {
  Side& s = sides_[index(dir)];
  if (!has_row_ || ++s.shorts != s.next_letter) return;
  s.next_letter *= 2;
  add_letter(cx, dir, 'o');
}

// ---- the row ---------------------------------------------------------------------------------------------------

void Parser::note(Context& cx, Dir dir, const LongHeader& p) {
  if (!has_row_) {
    has_row_ = true;
    first_ = cx.now;
    version_ = p.version;
  }
  if (dir == Dir::kResp) return server_scid_.set(p.scid);
  if (!p.dcid.empty() && !initial_dcid_.is_set) initial_dcid_.set(p.dcid);
  client_scid_.set(p.scid);
}

void Parser::add_letter(Context& cx, Dir dir, char letter) {
  if (history_size_ == kHistoryMax) return;
  history_[history_size_++] = dir == Dir::kOrig ? static_cast<char>(letter - 'a' + 'A') : letter;
  if (history_size_ == kHistoryMax) cx.weird(Weird::quic_history_limit);
}

void Parser::write(Context& cx) {
  std::array<char, 24> version;
  QuicEvent e;
  e.ts = micros(first_);
  e.version = version_text(version_, version);
  e.client_initial_dcid = initial_dcid_.view();
  e.client_scid = client_scid_.view();
  e.server_scid = server_scid_.view();
  if (names_.server_name) e.server_name = *names_.server_name;
  if (names_.protocol) e.client_protocol = *names_.protocol;
  e.history = {history_.data(), history_size_};
  cx.emit(e);
  has_row_ = false;
  initial_dcid_ = client_scid_ = server_scid_ = {};
  names_ = {};
  history_size_ = 0;
}

void Parser::on_close(Context& cx) {
  tls_.close(cx);
  if (has_row_ && decrypted_ > 0) write(cx);
}

}  // namespace

Probe probe(const flow::ProbeInput& in) noexcept {
  constexpr std::uint32_t kReserved = 0x0f0f0f0f, kReservedValue = 0x0a0a0a0a;  // RFC 9000 15
  constexpr std::uint16_t kPort = 443;
  if (in.data.size() < kClientDatagramMin || (in.data[0] & (kLongForm | kFixedBit)) != (kLongForm | kFixedBit))
    return Probe::kNo;
  LongHeader p;
  Cursor data(in.data);
  if (!take_invariants(data, p) || p.dcid.size() < kInitialIdMin) return Probe::kNo;
  if (!is_known(p.version)) {
    const bool asks_for_versions = (p.version & kReserved) == kReservedValue;
    return asks_for_versions && in.resp_port == kPort ? Probe::kYes : Probe::kNo;
  }
  Cursor packet(in.data);
  return take_long(packet, p) && p.type == Type::kInitial ? Probe::kYes : Probe::kNo;
}

extern constexpr flow::ProtocolInfo kProtocol = flow::make_protocol<Parser, Worker>("quic", false, true, probe);

}  // namespace catenary::quic
