// Versions 2 and 3: MS-SMB2 2.2. Offsets count from the header of their message.
#include <algorithm>
#include <array>

#include "base/guid.h"
#include "base/utf16.h"
#include "event/gen/weirds.gen.h"
#include "protocols/smb/messages.h"

namespace catenary::smb {

using flow::Context;
using flow::Dir;

void State::token(Context& cx, Dir dir, Bytes token) {
  if (token.empty()) return;
  if (as_text(token).substr(0, 7) == "NTLMSSP") {
    if (ntlm.open(cx, "ntlm")) ntlm.message(cx, dir, token);
  } else if (gssapi.open(cx, "gssapi")) {
    gssapi.message(cx, dir, token);
  }
}

void State::login(Context& cx, bool is_success) {
  if (!is_success) facts.logins_failed++;
  ntlm.outcome(cx, is_success, false);
  gssapi.outcome(cx, is_success, false);
}

namespace v2 {
namespace {

// MS-SMB2 2.2.1.
enum : std::uint16_t {
  kNegotiate = 0,
  kSessionSetup = 1,
  kTreeConnect = 3,
  kTreeDisconnect = 4,
  kCreate = 5,
  kClose = 6,
  kRead = 8,
  kWrite = 9,
  kIoctl = 11,
  kSetInfo = 17,
};
enum : std::uint32_t { kResponseFlag = 1, kAsyncFlag = 2 };
// MS-ERREF 2.3.1.
enum : std::uint32_t {
  kSuccess = 0,
  kPending = 0x103,
  kBufferOverflow = 0x80000005,
  kMoreProcessing = 0xc0000016,
};
constexpr std::uint32_t kPipeTransceive = 0x0011c017;  // MS-FSCC 2.3: FSCTL_PIPE_TRANSCEIVE
constexpr std::uint32_t kDeleteOnClose = 0x1000;       // MS-SMB2 2.2.13: CreateOptions
constexpr std::uint32_t kShareEncrypts = 0x8000;       // MS-SMB2 2.2.10: ShareFlags
constexpr std::uint16_t kGuest = 1;                    // MS-SMB2 2.2.6: SessionFlags
constexpr std::uint16_t kSigningRequired = 2;          // MS-SMB2 2.2.4: SecurityMode
// MS-SMB2 2.2.39: of information about a file. MS-FSCC 2.4: rename and disposition, plain and extended.
constexpr std::uint8_t kFileInfo = 1;
enum : std::uint8_t { kRenameInfo = 10, kDispositionInfo = 13, kDispositionInfoEx = 64 };
// MS-SMB2 3.2.4.1.4: "the file of the request before".
constexpr FileId kRelated{~std::uint64_t{0}, ~std::uint64_t{0}};
// Pipes by name, where the share's connect was not seen; as in Zeek.
constexpr std::string_view kPipeNames[] = {"spoolss", "winreg", "samr",   "srvsvc",
                                           "netdfs",  "lsarpc", "wkssvc", "MsFteWds"};

struct Header {
  std::uint32_t status = 0, flags = 0, next = 0, tree_id = 0;
  std::uint16_t command = 0;
  std::uint64_t message_id = 0;
  bool is_response() const noexcept { return (flags & kResponseFlag) != 0; }
  bool is_async() const noexcept { return (flags & kAsyncFlag) != 0; }
};

Header read_header(Cursor& in) noexcept {
  Header h;
  in.skip(8);  // protocol, size of the header, credit charge
  h.status = in.le32();
  h.command = in.le16();
  in.skip(2);
  h.flags = in.le32();
  h.next = in.le32();
  h.message_id = in.le64();
  in.skip(4);
  h.tree_id = in.le32();
  in.skip(24);  // session, signature
  return h;
}

FileId read_id(Cursor& in) noexcept {
  FileId id;
  id.persistent = in.le64();
  id.transient = in.le64();
  return id;
}

FileTimes read_times(Cursor& in) noexcept {
  FileTimes t;
  t.created = in.le64();
  t.accessed = in.le64();
  t.modified = in.le64();
  t.changed = in.le64();
  return t;
}

std::string_view dialect_name(std::uint16_t revision) noexcept {
  switch (revision) {
    case 0x0202: return "2.0.2";
    case 0x0210: return "2.1";
    case 0x02ff: return "2.???";  // the client is asked to negotiate again
    case 0x0300: return "3.0";
    case 0x0302: return "3.0.2";
    case 0x0311: return "3.1.1";
    default: return {};
  }
}

// One command of a message, and the file that a related one means.
class Command {
 public:
  Command(Context& cx, Dir dir, Bytes message, bool is_cut, State& state)
      : cx_(cx), dir_(dir), message_(message), is_cut_(is_cut), state_(state) {}

  // `open` is the number of a create request before it in the chain, `last` the file of the answer before it.
  void run(std::optional<std::uint64_t>& open, FileId& last) {
    Cursor in(message_);
    h_ = read_header(in);
    in.skip(2);  // size of the structure
    if (!in.ok()) return malformed();
    const bool is_whole = h_.is_response() ? response(in, last) : request(in, open);
    if (!is_whole) malformed();
  }

 private:
  void malformed() {
    if (!is_cut_) cx_.weird(Weird::smb_malformed);
  }
  // What an offset and a length name; false when it leaves the message. Nothing may be anywhere.
  bool part(std::size_t offset, std::size_t length, Bytes& out) const noexcept {
    if (length == 0) return true;
    if (offset > message_.size() || length > message_.size() - offset) return false;
    out = message_.subspan(offset, length);
    return true;
  }
  Pending pending() const {
    Pending p;
    p.id = h_.message_id;
    p.command = h_.command;
    p.tree_id = h_.tree_id;
    p.at = cx_.now;
    return p;
  }
  OpenFile* resolve(FileId id, std::optional<std::uint64_t>& open, Pending** request) {
    if (!(id == kRelated)) return state_.session.find(id);
    *request = open ? state_.session.waiting(*open) : nullptr;
    return nullptr;
  }

  bool request(Cursor& in, std::optional<std::uint64_t>& open);
  bool response(Cursor& in, FileId& last);
  bool create_request(Cursor& in, std::optional<std::uint64_t>& open);
  bool set_info(Cursor& in, std::optional<std::uint64_t>& open);
  bool negotiate_response(Cursor& in);
  bool create_response(Cursor& in, const Pending& asked, FileId& last);

  Context& cx_;
  Dir dir_;
  Bytes message_;
  bool is_cut_;
  State& state_;
  Header h_;
};

bool Command::request(Cursor& in, std::optional<std::uint64_t>& open) {
  Session& session = state_.session;
  Bytes bytes;
  switch (h_.command) {
    case kSessionSetup: {
      in.skip(10);
      const std::size_t offset = in.le16(), length = in.le16();
      if (!in.ok() || !part(offset, length, bytes)) return false;
      state_.token(cx_, dir_, bytes);
      session.ask(cx_, pending());
      return true;
    }
    case kTreeConnect: {
      in.skip(2);
      const std::size_t offset = in.le16(), length = in.le16();
      if (!in.ok() || !part(offset, length, bytes)) return false;
      Pending p = pending();
      append_utf16(bytes, kPathBytesMax, p.name);
      session.ask(cx_, std::move(p));
      return true;
    }
    case kTreeDisconnect: session.disconnect(h_.tree_id); return true;
    case kCreate: return create_request(in, open);
    case kClose: {
      in.skip(6);
      const FileId id = read_id(in);
      if (!in.ok()) return false;
      Pending* opening = nullptr;
      resolve(id, open, &opening);
      if (opening)
        opening->closes = true;
      else
        session.close(cx_, id);
      return true;
    }
    case kRead: {
      Pending p = pending();
      in.skip(6);
      p.offset = in.le64();
      p.file = read_id(in);
      if (!in.ok()) return false;
      session.ask(cx_, std::move(p));
      return true;
    }
    case kWrite: {
      const std::size_t offset = in.le16(), length = in.le32();
      const std::uint64_t at = in.le64();
      const FileId id = read_id(in);
      if (!in.ok() || !part(offset, length, bytes)) return false;
      if (OpenFile* const file = session.find(id)) session.data(cx_, dir_, *file, at, bytes);
      return true;
    }
    case kIoctl: {
      in.skip(2);
      const std::uint32_t code = in.le32();
      Pending p = pending();
      p.file = read_id(in);
      const std::size_t offset = in.le32(), length = in.le32();
      if (!in.ok()) return false;
      if (code != kPipeTransceive) return true;
      if (!part(offset, length, bytes)) return false;
      if (OpenFile* const file = session.find(p.file)) {
        file->share = Share::kPipe;  // nothing else takes this code
        session.data(cx_, dir_, *file, 0, bytes);
      }
      session.ask(cx_, std::move(p));
      return true;
    }
    case kSetInfo: return set_info(in, open);
    default: return true;
  }
}

bool Command::create_request(Cursor& in, std::optional<std::uint64_t>& open) {
  in.skip(22);
  Pending p = pending();
  p.access_mask = in.le32();
  in.skip(12);
  p.options = in.le32();
  const std::size_t offset = in.le16(), length = in.le16();
  Bytes name;
  if (!in.ok() || !part(offset, length, name)) return false;
  append_utf16(name, kNameBytesMax, p.name);
  if (p.name.empty()) p.name = "<share_root>";
  const Tree* const tree = state_.session.tree(p.tree_id);
  if (!tree && std::find(std::begin(kPipeNames), std::end(kPipeNames), p.name) != std::end(kPipeNames)) {
    Tree guessed;
    guessed.id = p.tree_id;
    guessed.share = Share::kPipe;
    guessed.has_path = true;
    guessed.path = "<unknown>";
    state_.session.add_tree(cx_, std::move(guessed));
  }
  open = p.id;
  state_.session.ask(cx_, std::move(p));
  return true;
}

bool Command::set_info(Cursor& in, std::optional<std::uint64_t>& open) {
  const std::uint8_t type = in.u8(), kind = in.u8();
  const std::size_t length = in.le32();
  const std::size_t offset = in.le16();
  in.skip(6);
  const FileId id = read_id(in);
  Bytes bytes;
  if (!in.ok()) return false;
  if (type != kFileInfo) return true;
  if (!part(offset, length, bytes)) return false;
  Pending* opening = nullptr;
  OpenFile* const file = resolve(id, open, &opening);
  Cursor info(bytes);
  if (kind == kRenameInfo) {
    info.skip(16);
    const Bytes to = info.take(info.le32());
    if (!info.ok()) return false;
    std::string name;
    append_utf16(to, kNameBytesMax, name);
    if (file) state_.session.rename(cx_, *file, std::move(name));
  } else if (kind == kDispositionInfo || kind == kDispositionInfoEx) {
    const bool deletes = (info.u8() & 1) != 0;
    if (!info.ok()) return false;
    if (!deletes) return true;
    if (file) state_.session.remove(cx_, *file);
    if (opening) opening->options |= kDeleteOnClose;
  }
  return true;
}

bool Command::negotiate_response(Cursor& in) {
  Facts& facts = state_.facts;
  const std::uint16_t mode = in.le16(), revision = in.le16();
  in.skip(2);
  const Bytes guid = in.take(16);
  in.skip(32);
  const std::size_t offset = in.le16(), length = in.le16();
  Bytes token;
  if (!in.ok() || !part(offset, length, token)) return false;
  facts.signing_required = (mode & kSigningRequired) != 0;
  facts.dialect = dialect_name(revision);
  facts.version = revision >= 0x300 ? 3 : 2;
  facts.server_guid = guid_text(guid);
  state_.token(cx_, dir_, token);
  return true;
}

bool Command::create_response(Cursor& in, const Pending& asked, FileId& last) {
  OpenFile f;
  in.skip(2);
  f.create_action = in.le32();
  f.times = read_times(in);
  in.skip(8);
  f.size = in.le64();
  in.skip(8);
  f.id = last = read_id(in);
  if (!in.ok()) return false;
  f.tree_id = asked.tree_id;
  f.opened = asked.at;
  f.has_name = !asked.name.empty();
  f.name = asked.name;
  f.access_mask = asked.access_mask;
  f.deletes_on_close = (asked.options & kDeleteOnClose) != 0;
  const FileId id = f.id;
  state_.session.open(cx_, std::move(f));
  if (asked.closes) state_.session.close(cx_, id);
  return true;
}

bool Command::response(Cursor& in, FileId& last) {
  Session& session = state_.session;
  if (h_.status == kPending) return true;
  if (h_.command == kNegotiate) return h_.status != kSuccess || negotiate_response(in);
  const std::optional<Pending> asked = session.answered(h_.message_id);
  const bool is_done = h_.status == kSuccess || h_.status == kBufferOverflow;
  if (h_.command == kSessionSetup) {
    if (!is_done && h_.status != kMoreProcessing) {
      state_.login(cx_, false);
      return true;
    }
    const std::uint16_t flags = in.le16();
    const std::size_t offset = in.le16(), length = in.le16();
    Bytes token;
    if (!in.ok() || !part(offset, length, token)) return false;
    if (is_done) state_.facts.is_guest = (flags & kGuest) != 0;
    state_.token(cx_, dir_, token);
    if (is_done) state_.login(cx_, true);
    return true;
  }
  if (!is_done || !asked) return true;
  Bytes bytes;
  switch (h_.command) {
    case kTreeConnect: {
      const std::uint8_t type = in.u8();
      in.skip(1);
      const std::uint32_t flags = in.le32();
      if (!in.ok()) return false;
      Tree t;
      t.id = h_.tree_id;
      t.share = type == 2 ? Share::kPipe : type == 3 ? Share::kPrint : Share::kDisk;
      t.has_path = true;
      t.path = asked->name;
      session.connect(cx_, std::move(t), asked->at, {}, (flags & kShareEncrypts) != 0);
      return true;
    }
    case kCreate: return create_response(in, *asked, last);
    case kRead: {
      const std::size_t offset = in.u8();
      in.skip(1);
      const std::size_t length = in.le32();
      if (!in.ok() || !part(offset, length, bytes)) return false;
      OpenFile* const file = session.find(asked->file == kRelated ? last : asked->file);
      if (file) session.data(cx_, dir_, *file, asked->offset, bytes);
      return true;
    }
    case kIoctl: {
      in.skip(2);
      const std::uint32_t code = in.le32();
      in.skip(24);
      const std::size_t offset = in.le32(), length = in.le32();
      if (!in.ok() || !part(offset, length, bytes)) return false;
      OpenFile* const file = session.find(asked->file);
      if (file && code == kPipeTransceive) session.data(cx_, dir_, *file, 0, bytes);
      return true;
    }
    default: return true;
  }
}

}  // namespace

void on_message(Context& cx, Dir dir, Bytes message, bool is_cut, State& state) {
  std::optional<std::uint64_t> open;
  FileId last = kRelated;
  for (std::size_t i = 0; !message.empty(); i++) {
    if (i == kCompoundMax) return cx.weird(Weird::smb_compound_limit);
    Cursor in(message);
    const Header h = read_header(in);
    const bool is_last = h.next == 0 || h.next >= message.size();
    if (h.next != 0 && (h.next < kHeaderBytes || (is_last && !is_cut))) cx.weird(Weird::smb_malformed);
    Command(cx, dir, is_last ? message : message.first(h.next), is_cut && is_last, state).run(open, last);
    if (is_last || h.next < kHeaderBytes) return;
    message = message.subspan(h.next);
  }
}

std::optional<Transfer> begin_transfer(Bytes head, State& state) {
  Cursor in(head);
  const Header h = read_header(in);
  in.skip(2);
  if (h.next != 0) return std::nullopt;
  Transfer t;
  std::size_t offset = 0;
  if (h.command == kWrite && !h.is_response()) {
    offset = in.le16();
    t.bytes = in.le32();
    t.offset = in.le64();
    t.file = read_id(in);
  } else if (h.command == kRead && h.is_response() && (h.status == kSuccess || h.status == kBufferOverflow)) {
    offset = in.u8();
    in.skip(1);
    t.bytes = in.le32();
    const Pending* const asked = state.session.waiting(h.message_id);
    if (!asked) return std::nullopt;
    t.file = asked->file;
    t.offset = asked->offset;
  } else {
    return std::nullopt;
  }
  if (!in.ok() || offset < kHeaderBytes) return std::nullopt;
  if (h.is_response()) state.session.answered(h.message_id);
  t.skip = offset;
  return t;
}

}  // namespace v2
}  // namespace catenary::smb
