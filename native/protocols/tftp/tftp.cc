#include "protocols/tftp/tftp.h"

#include <algorithm>
#include <charconv>

#include "base/ascii.h"
#include "flow/expected.h"
#include "flow/flow.h"
#include "protocols/tftp/tftp.gen.h"

namespace catenary::tftp {

using flow::Dir;
using flow::Probe;
using flow::Step;

namespace {

enum : std::uint16_t { kRead = 1, kWrite = 2, kData = 3, kAck = 4, kError = 5, kOptionAck = 6 };

// Up to a zero, which is taken off too; nothing where there is none.
std::optional<std::string_view> text(Cursor& in) noexcept {
  const std::string_view rest = as_text(in.peek_rest());
  const std::size_t zero = rest.find('\0');
  if (zero == std::string_view::npos) return std::nullopt;
  in.skip(zero + 1);
  return rest.substr(0, zero);
}

std::optional<std::size_t> block_size(std::string_view option, std::string_view value) noexcept {
  constexpr std::size_t kMin = 8;  // RFC 2348 2
  std::size_t n = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), n);
  if (!ascii::equals_any_case(option, "blksize") || error != std::errc() || end != value.data() + value.size())
    return {};
  return n >= kMin && n <= kBlockBytesMax ? std::optional(n) : std::nullopt;
}

bool is_mode(std::string_view mode) noexcept {
  constexpr std::string_view kModes[] = {"octet", "netascii", "mail"};
  return std::any_of(std::begin(kModes), std::end(kModes),
                     [&](std::string_view m) { return ascii::equals_any_case(m, mode); });
}

}  // namespace

std::optional<Request> read_request(Bytes message) {
  Cursor in(message);
  const std::uint16_t opcode = in.be16();
  if (!in.ok() || (opcode != kRead && opcode != kWrite)) return std::nullopt;
  const auto name = text(in), mode = text(in);
  if (!name || !mode || name->empty() || !is_mode(*mode)) return std::nullopt;
  Request r;
  r.is_write = opcode == kWrite;
  r.is_cut = name->size() > kNameMax;
  r.name = name->substr(0, kNameMax);
  r.mode = *mode;
  std::transform(r.mode.begin(), r.mode.end(), r.mode.begin(), ascii::lower);
  while (!in.done()) {
    const auto option = text(in), value = text(in);
    if (!option || !value) break;  // padding
    if (const auto size = block_size(*option, *value)) r.block_bytes = *size;
    if (r.options.size() == kOptionsMax) {
      r.is_cut = true;
      break;
    }
    std::string both(*option);
    both.append("=").append(*value);
    if (both.size() > kOptionMax) r.is_cut = true;
    r.options.push_back(both.substr(0, kOptionMax));
  }
  return r;
}

Requests::Entry& Requests::add() {
  const std::uint64_t serial = ++last_;
  const auto at = static_cast<std::size_t>((serial - 1) % kRequestsMax);
  if (at == ring_.size()) ring_.emplace_back();
  ring_[at] = Entry{};
  ring_[at].serial = serial;
  return ring_[at];
}

Requests::Entry* Requests::find(std::uint64_t serial) noexcept {
  if (serial == 0 || serial > last_) return nullptr;
  Entry& e = ring_[static_cast<std::size_t>((serial - 1) % kRequestsMax)];
  return e.serial == serial ? &e : nullptr;
}

Probe probe(const flow::ProbeInput& in) noexcept {
  Cursor c(in.data);
  const std::uint16_t opcode = c.be16();
  if (in.dir != Dir::kOrig || !c.ok() || (opcode != kRead && opcode != kWrite)) return Probe::kNo;
  const auto name = text(c), mode = text(c);
  if (!name || !mode || name->empty() || !is_mode(*mode)) return Probe::kNo;
  const bool is_text =
      std::all_of(name->begin(), name->end(), [](char b) { return static_cast<unsigned char>(b) >= 0x20; });
  return is_text ? Probe::kYes : Probe::kNo;
}

void Parser::on_expected(flow::Context& cx, std::uint64_t token) {
  is_data_flow_ = true;
  Requests::Entry* const e = static_cast<Requests*>(shared)->find(token);
  if (!e || e->is_taken) return;
  e->is_taken = true;
  request_ = e->request;
  request_uid_ = e->uid;
  block_bytes_ = kBlockBytes;
  first_ = cx.now;
  cx.confirm(kProtocol.name);
}

void Parser::on_request(flow::Context& cx, Request request) {
  if (request_ && !has_data_ && request_->name == request.name && request_->is_write == request.is_write)
    return;  // again
  on_close(cx);
  request_ = std::move(request);
  first_ = cx.now;
  block_bytes_ = kBlockBytes;
  next_ = 1;
  bytes_ = 0;
  error_.reset();
  has_data_ = has_file_ = is_complete_ = false;
  cx.confirm(kProtocol.name);
  Requests::Entry& e = static_cast<Requests*>(shared)->add();
  serial_ = e.serial;
  e.request = *request_;
  e.uid = cx.flow.uid;
  flow::Expectation x;
  x.orig_h = cx.flow.resp_h;
  x.resp_h = cx.flow.orig_h;
  x.resp_p = cx.flow.orig_p;
  x.protocol = &kProtocol;
  x.shared = shared;
  x.token = serial_;
  cx.expect(x);
}

Step Parser::on_datagram(flow::Context& cx, Dir dir, Cursor in) {
  if (!is_data_flow_) {
    auto request = dir == Dir::kOrig ? read_request(in.peek_rest()) : std::nullopt;
    if (request) {
      on_request(cx, std::move(*request));
      return Step::kContinue;
    }
  }
  if (!request_) return Step::kDetach;
  const std::uint16_t opcode = in.be16();
  switch (opcode) {
    case kData: {
      const std::uint16_t number = in.be16();
      if (!in.ok()) break;
      on_block(cx, dir, number, in.rest());
      return Step::kContinue;
    }
    case kAck:
      in.skip(2);
      if (!in.ok()) break;
      has_data_ = true;
      return Step::kContinue;
    case kError: {
      const std::uint16_t code = in.be16();
      if (!in.ok()) break;
      has_data_ = true;
      if (!error_) {
        error_ = code;
        const std::string_view said = as_text(in.rest());
        error_text_ = said.substr(0, std::min(said.find('\0'), kErrorMax));
      }
      end(cx, files::End::kAborted);
      return Step::kContinue;
    }
    case kOptionAck:
      has_data_ = true;
      while (!in.done()) {
        const auto option = text(in), value = text(in);
        if (!option || !value) break;
        if (const auto size = block_size(*option, *value)) block_bytes_ = *size;
      }
      return Step::kContinue;
    default: break;
  }
  cx.weird(Weird::tftp_malformed);
  return Step::kContinue;
}

// RFC 1350 6: a block comes again when its acknowledgement was lost. Numbers go round (RFC 1350 has no word on it,
// every implementation does).
void Parser::on_block(flow::Context& cx, Dir dir, std::uint16_t number, Bytes content) {
  has_data_ = true;
  if (is_complete_ || error_) return;
  const auto ahead = static_cast<std::uint16_t>(number - next_);
  if (ahead > 0x7fff) return;
  if (!has_file_) {
    file_ = cx.files.open(cx, {.source = "tftp", .dir = dir, .ordinal = ordinal_++});
    if (file_) std::copy_n(file_->fuid().data(), fuid_.size(), fuid_.data());
    has_file_ = true;
  }
  if (ahead > 0) {
    cx.weird(Weird::tftp_block_out_of_order);
    cx.files.gap(cx, file_, std::uint64_t{ahead} * block_bytes_);
  }
  cx.files.bytes(cx, file_, content);
  bytes_ += content.size();
  next_ = static_cast<std::uint16_t>(number + 1);
  if (content.size() >= block_bytes_) return;
  is_complete_ = true;
  end(cx, files::End::kComplete);
}

void Parser::end(flow::Context& cx, files::End how) {
  if (file_) cx.files.close(cx, file_, how, {.filename = request_->name});
}

void Parser::on_close(flow::Context& cx) {
  if (!request_) return;
  end(cx, files::End::kAborted);
  const Requests::Entry* const e = is_data_flow_ ? nullptr : static_cast<Requests*>(shared)->find(serial_);
  // The flow that carried it tells it.
  if (e && e->is_taken && !has_data_) return request_.reset();
  std::array<std::string_view, kOptionsMax> options;
  std::copy(request_->options.begin(), request_->options.end(), options.begin());
  TftpEvent out;
  out.ts = micros(first_);
  out.packet = request_->is_write ? "write" : "read";
  out.file = request_->name;
  out.mode = request_->mode;
  out.options = {options.data(), request_->options.size()};
  if (is_data_flow_) out.request_uid = request_uid_;
  out.bytes = bytes_;
  out.is_complete = is_complete_;
  out.error_code = error_;
  if (error_) out.error_msg = error_text_;
  if (has_file_ && fuid_[0] != 0) out.fuid = std::string_view{fuid_.data(), fuid_.size()};
  out.cut = request_->is_cut;
  cx.emit(out);
  request_.reset();
}

extern constexpr flow::ProtocolInfo kProtocol = flow::make_protocol<Parser, Requests>("tftp", false, true, probe);

}  // namespace catenary::tftp
