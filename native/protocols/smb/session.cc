#include "protocols/smb/session.h"

#include <algorithm>

#include "base/siphash.h"
#include "flow/flow.h"
#include "protocols/smb/smb_file.gen.h"
#include "protocols/smb/smb_mapping.gen.h"

namespace catenary::smb {

using flow::Context;
using flow::Dir;

namespace {

constexpr std::string_view kOpenNames[] = {"SMB::FILE_OPEN", "SMB::FILE_OPEN", "SMB::PIPE_OPEN", "SMB::PRINT_OPEN"};
// MS-SMB2 2.2.14: CreateAction.
constexpr std::string_view kCreateActions[] = {"superseded", "opened", "created", "overwritten"};
constexpr std::string_view kShareTypes[] = {"DISK", "DISK", "PIPE", "PRINT"};

std::size_t weight(const Pending& p) noexcept { return sizeof p + p.name.size() + p.service.size(); }
std::size_t weight(const Tree& t) noexcept { return sizeof t + t.path.size() + t.service.size(); }
std::size_t weight(const OpenFile& f) noexcept { return sizeof f + f.path.size() + f.name.size() + f.prev_name.size(); }

template <class T>
void take_out(std::vector<T>& all, std::size_t i) {
  if (i + 1 < all.size()) all[i] = std::move(all.back());
  all.pop_back();
}

}  // namespace

std::optional<Micros> unix_time(std::uint64_t file_time) noexcept {
  constexpr std::uint64_t kEpoch = 116'444'736'000'000'000;  // 1970 in units of 100 ns since 1601
  if (file_time <= kEpoch) return std::nullopt;
  return (file_time - kEpoch + 5) / 10;
}

bool Session::hold(std::size_t bytes) noexcept {
  if (worker_->held + bytes > Worker::kHeldMax) return false;
  worker_->held += bytes;
  return true;
}

void Session::release(std::size_t bytes) noexcept { worker_->held -= std::min(bytes, worker_->held); }

// ---- requests --------------------------------------------------------------------------------------------------

bool Session::ask(Context& cx, Pending request) {
  if (Pending* const same = waiting(request.id)) {
    release(weight(*same));
    forget_pending(static_cast<std::size_t>(same - pending_.data()));
  }
  if (pending_.size() >= kPendingMax) {
    const auto oldest = std::min_element(pending_.begin(), pending_.end(),
                                         [](const Pending& a, const Pending& b) { return a.at < b.at; });
    release(weight(*oldest));
    forget_pending(static_cast<std::size_t>(oldest - pending_.begin()));
    cx.weird(Weird::smb_pending_limit);
  }
  if (!hold(weight(request))) {
    cx.weird(Weird::smb_pending_limit);
    return false;
  }
  pending_ids_.push_back(request.id);
  pending_.push_back(std::move(request));
  return true;
}

void Session::forget_pending(std::size_t i) {
  take_out(pending_ids_, i);
  take_out(pending_, i);
}

Pending* Session::waiting(std::uint64_t id) noexcept {
  const auto found = std::find(pending_ids_.begin(), pending_ids_.end(), id);
  return found == pending_ids_.end() ? nullptr : &pending_[static_cast<std::size_t>(found - pending_ids_.begin())];
}

std::optional<Pending> Session::answered(std::uint64_t id) {
  Pending* const found = waiting(id);
  if (!found) return std::nullopt;
  release(weight(*found));
  std::optional<Pending> request(std::move(*found));
  forget_pending(static_cast<std::size_t>(found - pending_.data()));
  return request;
}

// ---- shares ----------------------------------------------------------------------------------------------------

Tree* Session::tree(std::uint32_t id) noexcept {
  const auto found = std::find_if(trees_.begin(), trees_.end(), [&](const Tree& t) { return t.id == id; });
  return found == trees_.end() ? nullptr : &*found;
}

void Session::connect(Context& cx, Tree t, Nanos at, std::string_view file_system, bool is_encrypted) {
  SmbMappingEvent e;
  e.ts = micros(at);
  if (t.has_path) e.path = t.path;
  if (!t.service.empty()) e.service = t.service;
  if (!file_system.empty()) e.native_file_system = file_system;
  e.share_type = kShareTypes[static_cast<std::size_t>(t.share)];
  e.is_encrypted = is_encrypted;
  cx.emit(e);
  add_tree(cx, std::move(t));
}

void Session::add_tree(Context& cx, Tree t) {
  disconnect(t.id);
  if (trees_.size() >= kTreesMax) {
    cx.weird(Weird::smb_tree_limit);
    release(weight(trees_.front()));
    trees_.erase(trees_.begin());
  }
  if (hold(weight(t)))
    trees_.push_back(std::move(t));
  else
    cx.weird(Weird::smb_tree_limit);
}

void Session::disconnect(std::uint32_t id) {
  const auto found = std::find_if(trees_.begin(), trees_.end(), [&](const Tree& t) { return t.id == id; });
  if (found == trees_.end()) return;
  release(weight(*found));
  trees_.erase(found);
}

// ---- files -----------------------------------------------------------------------------------------------------

OpenFile* Session::find(FileId id) noexcept {
  const auto found = std::find(file_ids_.begin(), file_ids_.end(), id);
  return found == file_ids_.end() ? nullptr : &files_[static_cast<std::size_t>(found - file_ids_.begin())];
}

void Session::open(Context& cx, OpenFile file) {
  if (OpenFile* const same = find(file.id)) {
    forget_file(cx, static_cast<std::size_t>(same - files_.data()), files::End::kAborted);
  }
  files_opened_++;
  if (const Tree* const t = tree(file.tree_id)) {
    if (file.share == Share::kUnknown) file.share = t->share;
    file.has_path = t->has_path;
    if (t->has_path) file.path = t->path;
  }
  if (file.has_name) tell(cx, file, Action::kOpen);
  if (files_.size() >= kOpenFilesMax) {
    const auto oldest = std::min_element(files_.begin(), files_.end(),
                                         [](const OpenFile& a, const OpenFile& b) { return a.opened < b.opened; });
    forget_file(cx, static_cast<std::size_t>(oldest - files_.begin()), files::End::kAborted);
    cx.weird(Weird::smb_open_file_limit);
  }
  if (!hold(weight(file))) return cx.weird(Weird::smb_open_file_limit);
  file_ids_.push_back(file.id);
  files_.push_back(std::move(file));
}

void Session::forget_file(Context& cx, std::size_t i, files::End how) {
  end(cx, files_[i], how);
  release(weight(files_[i]));
  take_out(file_ids_, i);
  take_out(files_, i);
}

// The names grow what is held; the account is put right.
void Session::rename(Context& cx, OpenFile& file, std::string name) {
  release(weight(file));
  file.was_renamed = file.has_name;
  file.prev_name = std::exchange(file.name, std::move(name));
  file.has_name = true;
  worker_->held += weight(file);
  tell(cx, file, Action::kRename);
}

void Session::remove(Context& cx, OpenFile& file) {
  if (file.has_name) tell(cx, file, Action::kDelete);
}

void Session::close(Context& cx, FileId id) {
  OpenFile* const file = find(id);
  if (!file) return;
  if (file->deletes_on_close && file->has_name) tell(cx, *file, Action::kDelete);
  forget_file(cx, static_cast<std::size_t>(file - files_.data()), files::End::kComplete);
}

void Session::data(Context& cx, Dir dir, OpenFile& file, std::uint64_t offset, Bytes bytes) {
  if (file.share == Share::kPipe) {
    // The whole name of the pipe, or only its own where the share's connect was not seen.
    std::string where = file.path;
    if (file.has_path && file.name.substr(0, 1) != "\\") where += '\\';
    where += file.name;
    if (file.pipe.open(cx, "dce_rpc", where)) file.pipe.bytes(cx, dir, bytes);
    return;
  }
  if (bytes.empty()) return;
  OpenFile::Content& c = file.content[flow::index(dir)];
  if (!c.was_opened) {
    c.was_opened = true;
    c.file = cx.files.open(cx, {.source = "smb",
                                .dir = dir,
                                .ordinal = contents_++,
                                .total_bytes = file.size > 0 ? std::optional(file.size) : std::nullopt});
    if (c.file) {
      std::copy_n(c.file->fuid().data(), file.fuid.size(), file.fuid.data());
      file.has_fuid = true;
    }
  }
  // What was read or written before is not counted twice.
  if (offset < c.next) {
    const std::uint64_t seen = std::min<std::uint64_t>(c.next - offset, bytes.size());
    bytes = bytes.subspan(seen);
    offset += seen;
  }
  if (bytes.empty()) return;
  if (offset > c.next) cx.files.gap(cx, c.file, offset - c.next);
  cx.files.bytes(cx, c.file, bytes);
  c.next = offset + bytes.size();
}

void Session::end(Context& cx, OpenFile& file, files::End how) {
  file.pipe.close(cx);
  for (OpenFile::Content& c : file.content) {
    if (!c.was_opened) continue;
    cx.files.close(cx, c.file, how, {.filename = file.has_name ? file.name : std::string_view()});
    c = {};
  }
}

void Session::finish(Context& cx) {
  while (!files_.empty()) forget_file(cx, files_.size() - 1, files::End::kAborted);
  for (const Pending& p : pending_) release(weight(p));
  for (const Tree& t : trees_) release(weight(t));
  pending_.clear();
  pending_ids_.clear();
  trees_.clear();
}

// ---- what is told ----------------------------------------------------------------------------------------------

void Session::tell(Context& cx, OpenFile& file, Action action) {
  const std::string_view name = action == Action::kRename   ? "SMB::FILE_RENAME"
                                : action == Action::kDelete ? "SMB::FILE_DELETE"
                                                            : kOpenNames[static_cast<std::size_t>(file.share)];
  if (was_told(cx, file, name)) return;
  SmbFileEvent e;
  e.ts = micros(action == Action::kOpen ? file.opened : cx.now);
  e.action = name;
  if (file.has_path) e.path = file.path;
  e.name = file.name;
  e.size = file.size;
  e.version = file.version;
  if (file.was_renamed) e.prev_name = file.prev_name;
  if (unix_time(file.times.modified)) {
    e.modified = unix_time(file.times.modified);
    e.accessed = unix_time(file.times.accessed);
    e.created = unix_time(file.times.created);
    e.changed = unix_time(file.times.changed);
  }
  if (file.has_fuid) e.fuid = std::string_view(file.fuid.data(), file.fuid.size());
  if (action == Action::kOpen) {
    if (file.create_action < std::size(kCreateActions)) e.create_action = kCreateActions[file.create_action];
    e.access_mask = file.access_mask;
  }
  cx.emit(e);
}

// As Zeek: a file whose state can be told by its times, which was told in this state shortly before.
bool Session::was_told(Context& cx, const OpenFile& file, std::string_view action) {
  if (!unix_time(file.times.modified)) return false;
  SipHasher hasher(worker_->key);
  const auto text = [&](std::string_view s) { hasher.word(siphash(worker_->key, as_bytes(s))); };
  text(action);
  text(file.name);
  text(file.path);
  text(file.has_fuid ? std::string_view(file.fuid.data(), file.fuid.size()) : std::string_view());
  for (const std::uint64_t n : {file.size, file.times.modified, file.times.created, file.times.changed}) hasher.word(n);
  const std::uint64_t hash = hasher.finish(0);
  const auto found = std::find_if(recent_.begin(), recent_.end(), [&](const Recent& r) { return r.hash == hash; });
  const bool is_known = found != recent_.end() && cx.now < found->until;
  const Recent entry{hash, cx.now + kRecentLifetime};
  if (found != recent_.end()) {
    *found = entry;
  } else if (recent_.size() < kRecentMax) {
    recent_.push_back(entry);
  } else {
    recent_[recent_next_] = entry;
    recent_next_ = (recent_next_ + 1) % kRecentMax;
  }
  return is_known;
}

}  // namespace catenary::smb
