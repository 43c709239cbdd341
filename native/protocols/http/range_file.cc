#include "protocols/http/range_file.h"

#include <algorithm>

#include "flow/flow.h"

namespace catenary::http {

RangeFile* RangeFiles::find(Handle h) noexcept {
  if (h.serial == 0 || h.slot >= slots_.size()) return nullptr;
  RangeFile& f = *slots_[h.slot];
  return f.serial == h.serial ? &f : nullptr;
}

std::size_t RangeFiles::size() const noexcept {
  return static_cast<std::size_t>(std::count_if(slots_.begin(), slots_.end(), [](const auto& f) { return f->serial; }));
}

RangeFiles::Handle RangeFiles::open(flow::Context& cx, flow::Dir dir, std::uint32_t depth, std::uint32_t ordinal,
                                    std::string_view url, std::string_view host, std::string_view name,
                                    std::uint64_t length) {
  tracker_ = &cx.files;
  std::size_t at = slots_.size(), oldest = 0;
  for (std::size_t i = 0; i < slots_.size(); i++) {
    RangeFile& f = *slots_[i];
    if (f.serial == 0) {
      at = i;
      continue;
    }
    if (f.client == cx.flow.orig_h && f.length == length && f.url == url) {
      const bool is_known = std::any_of(f.carriers.begin(), f.carriers.end(),
                                        [&](const files::Carrier& c) { return c.uid == cx.flow.uid; });
      if (!is_known && f.carriers.size() < RangeFile::kCarriersMax) f.carriers.push_back(files::carrier_of(cx.flow));
      return {static_cast<std::uint32_t>(i), f.serial};
    }
    if (slots_[oldest]->serial == 0 || f.last < slots_[oldest]->last) oldest = i;
  }
  if (at == slots_.size()) {
    if (slots_.size() < kFilesMax) {
      slots_.push_back(std::make_unique<RangeFile>());
    } else {
      cx.weird(Weird::http_range_file_limit);
      close(cx.events, *slots_[oldest], files::End::kTimedOut);
      at = oldest;
    }
  }
  files::File* file = cx.files.open(cx, {.source = "http",
                                         .dir = dir,
                                         .depth = depth,
                                         .ordinal = ordinal,
                                         .total_bytes = length > 0 ? std::optional(length) : std::nullopt});
  if (!file) return {};
  RangeFile& f = *slots_[at];
  f.file_ = file;
  f.client = cx.flow.orig_h;
  f.url = url;
  f.host = host;
  f.name = name;
  f.length = length;
  f.end = 0;
  f.last = cx.now;
  f.is_type_told = false;
  f.carriers.assign(1, files::carrier_of(cx.flow));
  if (++serial_ == 0) ++serial_;
  f.serial = serial_;
  return {static_cast<std::uint32_t>(at), f.serial};
}

std::string_view RangeFiles::bytes(flow::Context& cx, Handle h, std::uint64_t at, Bytes chunk) {
  RangeFile* f = find(h);
  if (!f || chunk.empty()) return {};
  f->last = std::max(f->last, cx.now);
  if (at < f->end) {
    const auto known = static_cast<std::size_t>(std::min<std::uint64_t>(chunk.size(), f->end - at));
    at += known;
    chunk = chunk.subspan(known);
    if (chunk.empty()) return {};
  }
  if (at > f->end) {
    keep(*f, at, chunk);
    while (f->waiting.size() > RangeFile::kPiecesMax || f->waiting_bytes > RangeFile::kWaitingBytesMax ||
           (waiting_bytes_ > kWaitingBytesMax && !f->waiting.empty()))
      skip_hole(cx.now, *f);
  } else {
    deliver(cx.now, *f, at, chunk);
    catch_up(cx.now, *f);
  }
  const bool is_complete = f->length > 0 && f->file_->seen_bytes() >= f->length;
  if (is_complete) tracker_->decide_type(f->file_);
  std::string_view type;
  if (!f->is_type_told && f->file_->is_typed()) {
    f->is_type_told = true;
    type = f->file_->mime_type();
  }
  if (is_complete) close(cx.events, *f, files::End::kComplete);
  return type;
}

// `at` is not behind the end of what is put together.
void RangeFiles::deliver(Nanos now, RangeFile& f, std::uint64_t at, Bytes chunk) {
  const std::uint64_t known = f.end - at;
  if (known >= chunk.size()) return;
  chunk = chunk.subspan(static_cast<std::size_t>(known));
  tracker_->bytes(now, f.file_, chunk);
  f.end += chunk.size();
}

// Keeps a chunk ahead of its turn: at the end of the piece it continues, or as a piece of its own. What two pieces
// share is told apart when they are delivered.
void RangeFiles::keep(RangeFile& f, std::uint64_t at, Bytes chunk) {
  auto next = std::upper_bound(f.waiting.begin(), f.waiting.end(), at,
                               [](std::uint64_t v, const RangeFile::Piece& p) { return v < p.at; });
  f.waiting_bytes += chunk.size();
  waiting_bytes_ += chunk.size();
  if (next != f.waiting.begin()) {
    RangeFile::Piece& before = *std::prev(next);
    if (before.at + before.bytes.size() == at) {
      before.bytes.insert(before.bytes.end(), chunk.begin(), chunk.end());
      return;
    }
  }
  f.waiting.insert(next, RangeFile::Piece{at, {chunk.begin(), chunk.end()}});
}

void RangeFiles::catch_up(Nanos now, RangeFile& f) {
  std::size_t done = 0;
  for (; done < f.waiting.size() && f.waiting[done].at <= f.end; done++) {
    const RangeFile::Piece& p = f.waiting[done];
    deliver(now, f, p.at, p.bytes);
    f.waiting_bytes -= p.bytes.size();
    waiting_bytes_ -= p.bytes.size();
  }
  f.waiting.erase(f.waiting.begin(), f.waiting.begin() + static_cast<std::ptrdiff_t>(done));
}

void RangeFiles::skip_hole(Nanos now, RangeFile& f) {
  const std::uint64_t at = f.waiting.front().at;
  tracker_->gap(now, f.file_, at - f.end);
  f.end = at;
  catch_up(now, f);
}

void RangeFiles::close(event::Batcher& events, RangeFile& f, files::End how) {
  while (!f.waiting.empty()) skip_hole(f.last, f);
  tracker_->close(events, f.file_, how, {.filename = f.name, .url = f.url, .host = f.host}, f.carriers);
  f.serial = 0;
  f.carriers.clear();
}

Nanos RangeFiles::expire(Nanos now, event::Batcher& events) {
  Nanos due = INT64_MAX;
  for (const auto& f : slots_) {
    if (f->serial == 0) continue;
    if (f->last + kIdle <= now)
      close(events, *f, files::End::kTimedOut);
    else
      due = std::min(due, f->last + kIdle);
  }
  return due;
}

void RangeFiles::close_all(event::Batcher& events) {
  for (const auto& f : slots_) {
    if (f->serial != 0) close(events, *f, files::End::kTimedOut);
  }
}

}  // namespace catenary::http
