#include "protocols/http/body.h"

#include <algorithm>

#include "protocols/http/text.h"

namespace catenary::http {

namespace {
constexpr std::size_t kFileNameMax = 512;
constexpr std::size_t kUrlMax = 8192;
}  // namespace

void Body::start(Worker& worker, Transaction& tx, flow::Dir dir, const BodyPlan& plan) {
  worker_ = &worker;
  tx_ = &tx;
  dir_ = dir;
  is_coded_ = plan.coding != Coding::kIdentity && plan.coding != Coding::kUnknown;
  is_decoded_ = is_coded_;
  is_multipart_ = !plan.boundary.empty();
  if (is_multipart_) multipart_.start(plan.boundary);
  // A range of a coded file cannot be decoded unless it is the first, and then not placed.
  range_ = is_coded_ ? std::nullopt : plan.range;
  is_partial_ = is_coded_ && plan.range;
  is_range_ = false;
  range_file_ = {};
  named_range_ = 0;
  file_name_.clear();
  unescape(plan.file_name.substr(0, kFileNameMax), file_name_);
  total_ = is_coded_ || is_multipart_ ? std::nullopt : plan.total;
  length_ = 0;
  parts_ = 0;
  decoder_.reset();
  if (is_coded_) decoder_ = worker.decoders.get(plan.coding);
}

void Body::bytes(flow::Context& cx, Bytes chunk) {
  cx_ = &cx;
  if (!is_coded_) return clear_bytes(chunk);
  if (!is_decoded_) return;
  if (!decoder_) return stop_decoding(Weird::http_content_decode_limit);
  while (true) {
    Bytes out;
    const Decoder::Status status = decoder_->next(chunk, worker_->decoders.buffer(), out);
    if (!out.empty()) clear_bytes(out);
    switch (status) {
      case Decoder::Status::kOut: continue;
      case Decoder::Status::kMore: return;
      case Decoder::Status::kEnd: is_decoded_ = false; return;
      case Decoder::Status::kMalformed: return stop_decoding(Weird::http_content_decode_failed);
      case Decoder::Status::kLimit: return stop_decoding(Weird::http_content_decode_limit);
    }
  }
}

// What was decoded so far stays; it is not the whole.
void Body::stop_decoding(Weird why) {
  cx_->weird(why);
  is_decoded_ = false;
  is_partial_ = true;
  cx_->files.set_partial(file_);
}

void Body::clear_bytes(Bytes chunk) {
  length_ += chunk.size();
  if (is_multipart_)
    multipart_.bytes(chunk, *this);
  else
    file_bytes(chunk);
}

void Body::open_file() {
  file_ = cx_->files.open(
      *cx_, {.source = "http", .dir = dir_, .depth = tx_->trans_depth, .ordinal = file_count++, .total_bytes = total_});
  if (!file_) return;
  if (is_partial_) cx_->files.set_partial(file_);
  tx_->add_file(dir_, file_->fuid(), file_name_);
}

void Body::file_bytes(Bytes chunk) {
  if (chunk.empty()) return;
  if (range_) start_range(*range_);
  if (is_range_) return range_bytes(chunk);
  if (!file_) {
    if (is_multipart_ && parts_ >= kPartsMax) return;
    open_file();
  }
  cx_->files.bytes(*cx_, file_, chunk);
}

void Body::start_range(const Range& range) {
  is_range_ = true;
  range_at_ = range.first;
  std::string& url = worker_->scratch;
  build_url(url);
  range_file_ = worker_->ranges.open(*cx_, dir_, tx_->trans_depth, file_count++, url, tx_->text(tx_->host), file_name_,
                                     range.length);
  worker_->due = std::min(worker_->due, cx_->now + RangeFiles::kIdle);
  range_.reset();
  const RangeFile* f = worker_->ranges.find(range_file_);
  if (f && named_range_ != range_file_.serial) tx_->add_file(dir_, f->fuid(), file_name_);
  named_range_ = range_file_.serial;
}

void Body::range_bytes(Bytes chunk) {
  tx_->add_mime_type(dir_, worker_->ranges.bytes(*cx_, range_file_, range_at_, chunk));
  range_at_ += chunk.size();
}

void Body::gap(flow::Context& cx, std::uint64_t n, bool is_inside) {
  cx_ = &cx;
  if (is_inside) length_ += n;
  if (is_multipart_) multipart_.gap(*this);
  if (is_range_ || range_) {
    // The next bytes tell the hole by where they stand.
    range_at_ += n;
    if (range_) range_->first += n;
    return;
  }
  // A hole in front of the first byte: the file begins with it.
  if (!file_ && !is_multipart_ && !is_coded_) open_file();
  cx.files.gap(cx, file_, n);
  // Behind a hole nothing can be decoded.
  is_decoded_ = false;
}

void Body::build_url(std::string& url) const {
  url.clear();
  const std::string_view uri = tx_->text(tx_->uri), host = tx_->text(tx_->host);
  if (uri.substr(0, 7) == "http://") {
    url.append(uri);
  } else if (!host.empty() && !uri.empty()) {
    url.append("http://").append(host);
    if (const auto port = tx_->host_port) url.append(":").append(std::to_string(*port));
    url.append(uri);
  }
  if (url.size() > kUrlMax) url.resize(kUrlMax);
}

void Body::close_file(files::End how) {
  if (!file_) return;
  std::string& url = worker_->scratch;
  build_url(url);
  const std::string_view mime =
      cx_->files.close(*cx_, file_, how, {.filename = file_name_, .url = url, .host = tx_->text(tx_->host)});
  tx_->add_mime_type(dir_, mime);
}

void Body::on_part_header(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const std::string_view name = trim(line.substr(0, colon));
  if (tx_->status_code == 206 && dir_ == flow::Dir::kResp && equals_any_case(name, "content-range")) {
    Range range;
    if (parse_content_range(line.substr(colon + 1), range) && !is_coded_) range_ = range;
    return;
  }
  const std::string_view key = equals_any_case(name, "content-disposition") ? "filename"
                               : equals_any_case(name, "content-type")      ? "name"
                                                                            : "";
  if (key.empty()) return;
  const std::string_view found = find_file_name(line.substr(colon + 1), key);
  if (found.empty()) return;
  file_name_.clear();
  unescape(found.substr(0, kFileNameMax), file_name_);
}

void Body::on_part_end() {
  if (is_range_) return;
  close_file(files::End::kComplete);
  file_name_.clear();
  if (++parts_ == kPartsMax + 1) cx_->weird(Weird::http_multipart_limit);
}

void Body::end(flow::Context& cx, files::End how) {
  if (!tx_) return;
  cx_ = &cx;
  if (is_multipart_) multipart_.end(*this);
  close_file(how);
  worker_->decoders.put(std::move(decoder_));
  tx_ = nullptr;
  cx_ = nullptr;
}

}  // namespace catenary::http
