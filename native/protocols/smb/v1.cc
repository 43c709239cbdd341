// Version 1: MS-CIFS 2.2, MS-SMB 2.2. A command is its number, words of its parameters, and bytes; several may follow
// each other in one message (AndX). Offsets count from the header.
#include <algorithm>
#include <array>

#include "base/guid.h"
#include "base/utf16.h"
#include "event/gen/weirds.gen.h"
#include "protocols/smb/messages.h"

namespace catenary::smb::v1 {

using flow::Context;
using flow::Dir;

namespace {

// MS-CIFS 2.2.2.1.
enum : std::uint8_t {
  kClose = 0x04,
  kTransaction = 0x25,
  kReadAndX = 0x2e,
  kWriteAndX = 0x2f,
  kTransaction2 = 0x32,
  kTreeDisconnect = 0x71,
  kNegotiate = 0x72,
  kSessionSetupAndX = 0x73,
  kTreeConnectAndX = 0x75,
  kNtCreateAndX = 0xa2,
  kNone = 0xff,
};
// MS-ERREF 2.3.1.
enum : std::uint32_t { kSuccess = 0, kBufferOverflow = 0x80000005, kMoreProcessing = 0xc0000016 };
constexpr std::uint8_t kReplyFlag = 0x80;
constexpr std::uint16_t kUnicodeFlag = 0x8000;
constexpr std::uint32_t kExtendedSecurity = 0x80000000;  // MS-SMB 2.2.4.5.2.1: Capabilities
constexpr std::uint8_t kSigningRequired = 0x08;          // MS-CIFS 2.2.4.52.2: SecurityMode
constexpr std::uint32_t kDeleteOnClose = 0x1000;
constexpr std::uint16_t kTransactPipe = 0x0026;     // MS-CIFS 2.2.5: TRANS_TRANSACT_NMPIPE
constexpr std::uint16_t kSetFileInfo = 0x0008;      // MS-CIFS 2.2.6.9: TRANS2_SET_FILE_INFORMATION
constexpr std::uint16_t kDispositionInfo = 0x0102;  // MS-CIFS 2.2.8.4.4
constexpr std::uint16_t kPassThrough = 1000;        // MS-SMB 2.2.2.3.5: levels of MS-FSCC 2.4 begin here
// MS-SMB 2.2.4.9.2: what was opened is a pipe.
enum : std::uint16_t { kPipeOfBytes = 1, kPipeOfMessages = 2, kPrinter = 3 };
constexpr std::size_t kAndXMax = 16;  // no two clients chain more than four
constexpr std::string_view kPipeNames[] = {"\\spoolss", "\\winreg", "\\samr",   "\\srvsvc",
                                           "\\netdfs",  "\\lsarpc", "\\wkssvc", "\\MsFteWds"};

struct Header {
  std::uint8_t command = 0, flags = 0;
  std::uint32_t status = 0;
  std::uint16_t flags2 = 0, tree = 0, process = 0, user = 0, multiplex = 0;
  bool is_reply() const noexcept { return (flags & kReplyFlag) != 0; }
  bool is_unicode() const noexcept { return (flags2 & kUnicodeFlag) != 0; }
  // MS-CIFS 2.2.1.6.2: requests are told apart by process and multiplex.
  std::uint64_t id() const noexcept { return std::uint64_t{process} << 16 | multiplex; }
};

Header read_header(Cursor& in) noexcept {
  Header h;
  in.skip(4);
  h.command = in.u8();
  h.status = in.le32();
  h.flags = in.u8();
  h.flags2 = in.le16();
  in.skip(12);
  h.tree = in.le16();
  h.process = in.le16();
  h.user = in.le16();
  h.multiplex = in.le16();
  return h;
}

FileId id_of(std::uint16_t fid) noexcept { return {fid, 0}; }

// A command's parameters and bytes.
struct Block {
  Cursor words, bytes;
  std::size_t words_count = 0;
  std::size_t bytes_at = 0;  // where the bytes begin in the message
};

bool read_block(Bytes message, std::size_t at, Block& out) noexcept {
  if (at > message.size()) return false;
  Cursor in(message.subspan(at));
  out.words_count = in.u8();
  out.words = in.sub(2 * out.words_count);
  const std::size_t count = in.le16();
  if (!in.ok()) return false;
  out.bytes_at = message.size() - in.left();
  // Large reads and writes have more bytes than two bytes can count (MS-SMB 2.2.4.2.2).
  out.bytes = in.sub(std::min(count, in.left()));
  return in.ok();
}

class Command {
 public:
  Command(Context& cx, Dir dir, Bytes message, State& state, const Header& h)
      : cx_(cx), dir_(dir), message_(message), state_(state), h_(h) {}

  // False: the block contradicts itself.
  bool run(std::uint8_t command, Block& b) { return h_.is_reply() ? reply(command, b) : request(command, b); }

 private:
  bool request(std::uint8_t command, Block& b);
  bool reply(std::uint8_t command, Block& b);
  bool negotiate_reply(Block& b);
  bool session_setup(Block& b);
  bool session_setup_reply(Block& b);
  bool tree_connect(Block& b);
  bool tree_connect_reply(Block& b, const Pending& asked);
  bool create(Block& b);
  bool create_reply(Block& b, const Pending& asked);
  bool read(Block& b);
  bool read_reply(Block& b, const Pending& asked);
  bool write(Block& b);
  bool transaction(std::uint8_t command, Block& b);
  bool transaction_reply(Block& b, const Pending& asked);
  bool set_file_info(std::uint16_t fid, std::uint16_t level, Bytes data);

  Pending pending(std::uint8_t command) const {
    Pending p;
    p.id = h_.id();
    p.command = command;
    p.tree_id = h_.tree;
    p.at = cx_.now;
    return p;
  }
  // A text up to its NUL; those in UTF-16 begin at an even place in the message.
  std::string text(Block& b, std::size_t cap, bool is_unicode) {
    std::string out;
    if (is_unicode) {
      if (((b.bytes_at + consumed(b)) & 1) != 0) b.bytes.skip(1);
      const Bytes rest = b.bytes.peek_rest();
      std::size_t n = 0;
      while (n + 1 < rest.size() && (rest[n] != 0 || rest[n + 1] != 0)) n += 2;
      append_utf16(rest.first(std::min(n, rest.size())), cap, out);
      b.bytes.skip(std::min(n + 2, rest.size()));
    } else {
      const std::string_view rest = as_text(b.bytes.peek_rest());
      const std::size_t n = std::min(rest.find('\0'), rest.size());
      out.assign(rest.substr(0, std::min(n, cap)));
      b.bytes.skip(std::min(n + 1, rest.size()));
    }
    return out;
  }
  std::size_t consumed(const Block& b) const noexcept { return bytes_size_ - b.bytes.left(); }
  void begin_texts(const Block& b) noexcept { bytes_size_ = b.bytes.left(); }
  bool part(std::size_t offset, std::size_t length, Bytes& out) const noexcept {
    if (length == 0) return true;
    if (offset > message_.size() || length > message_.size() - offset) return false;
    out = message_.subspan(offset, length);
    return true;
  }

  Context& cx_;
  Dir dir_;
  Bytes message_;
  State& state_;
  const Header& h_;
  std::size_t bytes_size_ = 0;
};

bool Command::request(std::uint8_t command, Block& b) {
  begin_texts(b);
  switch (command) {
    case kSessionSetupAndX: return session_setup(b);
    case kTreeConnectAndX: return tree_connect(b);
    case kTreeDisconnect: state_.session.disconnect(h_.tree); return true;
    case kNtCreateAndX: return create(b);
    case kReadAndX: return read(b);
    case kWriteAndX: return write(b);
    case kClose: {
      const std::uint16_t fid = b.words.le16();
      if (b.words.ok()) state_.session.close(cx_, id_of(fid));
      return b.words.ok();
    }
    case kTransaction:
    case kTransaction2: return transaction(command, b);
    default: return true;
  }
}

bool Command::reply(std::uint8_t command, Block& b) {
  begin_texts(b);
  const bool is_done = h_.status == kSuccess || h_.status == kBufferOverflow;
  if (command == kNegotiate) return !is_done || negotiate_reply(b);
  if (command == kSessionSetupAndX) {
    if (is_done || h_.status == kMoreProcessing) return session_setup_reply(b);
    state_.login(cx_, false);
    return true;
  }
  const std::optional<Pending> asked = state_.session.answered(h_.id());
  if (!asked || asked->command != command || !is_done) return true;
  switch (command) {
    case kTreeConnectAndX: return tree_connect_reply(b, *asked);
    case kNtCreateAndX: return create_reply(b, *asked);
    case kReadAndX: return read_reply(b, *asked);
    case kTransaction: return transaction_reply(b, *asked);
    default: return true;
  }
}

// MS-SMB 2.2.4.5.2: of the dialect "NT LM 0.12", which alone has 17 words.
bool Command::negotiate_reply(Block& b) {
  if (b.words_count != 17) return true;
  b.words.skip(2);
  const std::uint8_t mode = b.words.u8();
  b.words.skip(16);
  const std::uint32_t capabilities = b.words.le32();
  if (!b.words.ok()) return false;
  state_.facts.version = 1;
  state_.facts.dialect = "NT LM 0.12";
  state_.facts.signing_required = (mode & kSigningRequired) != 0;
  if ((capabilities & kExtendedSecurity) == 0) return true;
  state_.facts.server_guid = guid_text(b.bytes.take(16));
  state_.token(cx_, dir_, b.bytes.rest());
  return true;
}

// MS-SMB 2.2.4.6.1 with a token (12 words), MS-CIFS 2.2.4.53.1 with passwords (13).
bool Command::session_setup(Block& b) {
  b.words.skip(4 + 10);
  const std::size_t first = b.words.le16();
  if (b.words_count == 12) {
    if (!b.words.ok()) return false;
    const Bytes token = b.bytes.take(first);
    if (!b.bytes.ok()) return false;
    state_.token(cx_, dir_, token);
    state_.facts.client_os = text(b, 128, h_.is_unicode());
  } else if (b.words_count == 13) {
    const std::size_t second = b.words.le16();
    if (!b.words.ok()) return false;
    b.bytes.skip(first + second);
    if (!b.bytes.ok()) return false;
    text(b, 256, h_.is_unicode());  // account
    text(b, 256, h_.is_unicode());  // domain
    state_.facts.client_os = text(b, 128, h_.is_unicode());
  }
  return true;
}

bool Command::session_setup_reply(Block& b) {
  b.words.skip(4);
  const std::uint16_t action = b.words.le16();
  const std::size_t size = b.words_count == 4 ? b.words.le16() : 0;
  if (!b.words.ok()) return false;
  const Bytes token = b.bytes.take(size);
  if (!b.bytes.ok()) return false;
  state_.token(cx_, dir_, token);
  if (!b.bytes.done()) state_.facts.server_os = text(b, 128, h_.is_unicode());
  if (h_.status != kSuccess) return true;
  state_.facts.is_guest = (action & 1) != 0;
  state_.login(cx_, true);
  return true;
}

// MS-CIFS 2.2.4.55.1: password, path, kind of resource (never in UTF-16).
bool Command::tree_connect(Block& b) {
  b.words.skip(4 + 2);
  const std::size_t password = b.words.le16();
  b.bytes.skip(password);
  if (!b.words.ok() || !b.bytes.ok()) return false;
  Pending p = pending(kTreeConnectAndX);
  p.name = text(b, kPathBytesMax, h_.is_unicode());
  p.service = text(b, 32, false);
  state_.session.ask(cx_, std::move(p));
  return true;
}

bool Command::tree_connect_reply(Block& b, const Pending& asked) {
  Tree t;
  t.id = h_.tree;
  t.service = text(b, 32, false);
  t.share = t.service == "IPC" ? Share::kPipe : t.service == "LPT1:" ? Share::kPrint : Share::kDisk;
  t.has_path = true;
  t.path = asked.name;
  const std::string file_system = b.bytes.done() ? std::string() : text(b, 64, h_.is_unicode());
  state_.session.connect(cx_, std::move(t), asked.at, file_system, false);
  return true;
}

// MS-SMB 2.2.4.9.1.
bool Command::create(Block& b) {
  b.words.skip(4 + 1 + 2 + 4 + 4);
  Pending p = pending(kNtCreateAndX);
  p.access_mask = b.words.le32();
  b.words.skip(8 + 4 + 4 + 4);
  p.options = b.words.le32();
  if (!b.words.ok()) return false;
  p.name = text(b, kNameBytesMax, h_.is_unicode());
  if (p.name.empty()) p.name = "<share_root>";
  state_.session.ask(cx_, std::move(p));
  return true;
}

bool Command::create_reply(Block& b, const Pending& asked) {
  OpenFile f;
  Cursor& w = b.words;
  w.skip(4 + 1);
  f.id = id_of(w.le16());
  f.create_action = w.le32();
  f.times.created = w.le64();
  f.times.accessed = w.le64();
  f.times.modified = w.le64();
  f.times.changed = w.le64();
  w.skip(4 + 8);
  f.size = w.le64();
  const std::uint16_t kind = w.le16();
  if (!w.ok()) return false;
  f.version = 1;
  f.tree_id = asked.tree_id;
  f.opened = asked.at;
  f.has_name = true;
  f.name = asked.name;
  f.access_mask = asked.access_mask;
  f.deletes_on_close = (asked.options & kDeleteOnClose) != 0;
  const bool is_named = std::find(std::begin(kPipeNames), std::end(kPipeNames), f.name) != std::end(kPipeNames);
  if (kind == kPipeOfBytes || kind == kPipeOfMessages || (is_named && !state_.session.tree(f.tree_id))) {
    f.share = Share::kPipe;
  } else if (kind == kPrinter) {
    f.share = Share::kPrint;
  }
  state_.session.open(cx_, std::move(f));
  return true;
}

// MS-SMB 2.2.4.2.1.
bool Command::read(Block& b) {
  Cursor& w = b.words;
  Pending p = pending(kReadAndX);
  w.skip(4);
  p.file = id_of(w.le16());
  p.offset = w.le32();
  w.skip(2 + 2 + 4 + 2);
  if (!w.ok()) return false;
  if (b.words_count == 12) p.offset |= std::uint64_t{w.le32()} << 32;
  state_.session.ask(cx_, std::move(p));
  return true;
}

struct Content {
  std::size_t offset = 0, length = 0;
};
Content read_reply_content(Cursor& w) noexcept {
  w.skip(4 + 2 + 2 + 2);
  const std::size_t low = w.le16(), offset = w.le16(), high = w.le16();
  return {offset, low | high << 16};
}

bool Command::read_reply(Block& b, const Pending& asked) {
  const Content c = read_reply_content(b.words);
  Bytes bytes;
  if (!b.words.ok() || !part(c.offset, c.length, bytes)) return false;
  if (OpenFile* const file = state_.session.find(asked.file)) {
    state_.session.data(cx_, dir_, *file, asked.offset, bytes);
  }
  return true;
}

// MS-SMB 2.2.4.3.1.
struct Write {
  std::uint16_t fid = 0;
  std::uint64_t at = 0;
  Content content;
};
Write read_write(Cursor& w, std::size_t words_count) noexcept {
  Write out;
  w.skip(4);
  out.fid = w.le16();
  out.at = w.le32();
  w.skip(4 + 2 + 2);
  const std::size_t high = w.le16(), low = w.le16();
  out.content = {w.le16(), low | high << 16};
  if (words_count == 14) out.at |= std::uint64_t{w.le32()} << 32;
  return out;
}

bool Command::write(Block& b) {
  const Write w = read_write(b.words, b.words_count);
  Bytes bytes;
  if (!b.words.ok() || !part(w.content.offset, w.content.length, bytes)) return false;
  if (OpenFile* const file = state_.session.find(id_of(w.fid))) state_.session.data(cx_, dir_, *file, w.at, bytes);
  return true;
}

// MS-CIFS 2.2.4.33.1 and 2.2.4.46.1: 14 words, then those of the setup.
bool Command::transaction(std::uint8_t command, Block& b) {
  Cursor& w = b.words;
  w.skip(18);
  const std::size_t parameter_count = w.le16(), parameter_offset = w.le16();
  const std::size_t data_count = w.le16(), data_offset = w.le16();
  const std::uint8_t setup_count = w.u8();
  w.skip(1);
  const std::uint16_t function = setup_count > 0 ? w.le16() : 0;
  Bytes parameters, data;
  if (!w.ok() || !part(parameter_offset, parameter_count, parameters) || !part(data_offset, data_count, data)) {
    return false;
  }
  if (command == kTransaction2) {
    Cursor p(parameters);
    const std::uint16_t fid = p.le16(), level = p.le16();
    return function != kSetFileInfo || (p.ok() && set_file_info(fid, level, data));
  }
  if (function != kTransactPipe || setup_count < 2) return true;
  Pending asked = pending(command);
  asked.file = id_of(w.le16());
  if (!w.ok()) return false;
  OpenFile* file = state_.session.find(asked.file);
  if (!file) {
    // Its open was not seen; that it is a pipe is certain.
    OpenFile unseen;
    unseen.id = asked.file;
    unseen.version = 1;
    unseen.share = Share::kPipe;
    unseen.tree_id = h_.tree;
    unseen.opened = cx_.now;
    state_.session.open(cx_, std::move(unseen));
    file = state_.session.find(asked.file);
  }
  if (file) {
    file->share = Share::kPipe;
    state_.session.data(cx_, dir_, *file, 0, data);
  }
  state_.session.ask(cx_, std::move(asked));
  return true;
}

bool Command::transaction_reply(Block& b, const Pending& asked) {
  Cursor& w = b.words;
  w.skip(12);
  const std::size_t data_count = w.le16(), data_offset = w.le16();
  Bytes data;
  if (!w.ok() || !part(data_offset, data_count, data)) return false;
  OpenFile* const file = state_.session.find(asked.file);
  if (file && file->share == Share::kPipe) state_.session.data(cx_, dir_, *file, 0, data);
  return true;
}

bool Command::set_file_info(std::uint16_t fid, std::uint16_t level, Bytes data) {
  OpenFile* const file = state_.session.find(id_of(fid));
  if (!file) return true;
  Cursor in(data);
  constexpr std::uint16_t kRenameLevel = kPassThrough + 10, kDispositionLevel = kPassThrough + 13;
  if (level == kDispositionInfo || level == kDispositionLevel) {
    if ((in.u8() & 1) != 0 && in.ok()) state_.session.remove(cx_, *file);
  } else if (level == kRenameLevel) {
    in.skip(8);
    std::string name;
    append_utf16(in.take(in.le32()), kNameBytesMax, name);
    if (in.ok()) state_.session.rename(cx_, *file, std::move(name));
  }
  return in.ok();
}

bool has_andx(std::uint8_t command) noexcept {
  return command == kReadAndX || command == kWriteAndX || command == kSessionSetupAndX || command == kTreeConnectAndX ||
         command == kNtCreateAndX;
}

}  // namespace

void on_message(Context& cx, Dir dir, Bytes message, bool is_cut, State& state) {
  Cursor in(message);
  const Header h = read_header(in);
  if (state.facts.version == 0 && h.command != kNegotiate) state.facts.version = 1;
  std::uint8_t command = h.command;
  std::size_t at = kHeaderBytes;
  for (std::size_t i = 0; command != kNone; i++) {
    if (i == kAndXMax) return cx.weird(Weird::smb_andx_loop);
    Block b;
    if (!read_block(message, at, b)) {
      if (!is_cut) cx.weird(Weird::smb_malformed);
      return;
    }
    // An answer that failed may have no words at all.
    const bool is_empty = h.is_reply() && b.words_count == 0;
    Cursor chain = b.words;
    Block run = b;
    if (!is_empty || h.status != kSuccess) {
      if (!Command(cx, dir, message, state, h).run(command, run) && !is_cut && !is_empty) {
        cx.weird(Weird::smb_malformed);
      }
    }
    if (!has_andx(command) || b.words_count < 2) return;
    command = chain.u8();
    chain.skip(1);
    const std::size_t next = chain.le16();
    if (command == kNone || next == 0) return;
    if (next <= at) return cx.weird(Weird::smb_andx_loop);
    at = next;
  }
}

std::optional<Transfer> begin_transfer(Bytes head, State& state) {
  Cursor in(head);
  const Header h = read_header(in);
  const std::size_t words_count = in.u8();
  Transfer t;
  Content content;
  if (h.command == kWriteAndX && !h.is_reply()) {
    const Write w = read_write(in, words_count);
    t.file = id_of(w.fid);
    t.offset = w.at;
    content = w.content;
  } else if (h.command == kReadAndX && h.is_reply() && (h.status == kSuccess || h.status == kBufferOverflow)) {
    const Pending* const asked = state.session.waiting(h.id());
    if (!asked || asked->command != kReadAndX) return std::nullopt;
    t.file = asked->file;
    t.offset = asked->offset;
    content = read_reply_content(in);
  } else {
    return std::nullopt;
  }
  if (!in.ok() || content.offset < kHeaderBytes) return std::nullopt;
  if (h.is_reply()) state.session.answered(h.id());
  t.skip = content.offset;
  t.bytes = content.length;
  return t;
}

}  // namespace catenary::smb::v1
