#include "protocols/ftp/data.h"

#include <algorithm>

#include "flow/flow.h"

namespace catenary::ftp {

namespace {

using flow::Context;
using flow::Dir;
using flow::Step;

// As Zeek: the type that the control connection's event has is by so many bytes.
constexpr std::size_t kHeadBytes = 1024;

flow::Probe never(const flow::ProbeInput&) noexcept { return flow::Probe::kNo; }

class DataParser final : public flow::Parser {
 public:
  void on_expected(Context& cx, std::uint64_t token) override {
    serial_ = token;
    cx.confirm("ftp-data");
  }

  Step on_stream(Context& cx, Dir dir, Cursor& in) override {
    Side& s = sides_[index(dir)];
    if (!s.file && s.is_over) return Step::kDetach;
    if (!s.file) open(cx, dir, s);
    const Bytes bytes = in.rest();
    keep_head(s, bytes);
    cx.files.bytes(cx, s.file, bytes);
    return Step::kContinue;
  }

  Step on_gap(Context& cx, Dir dir, std::uint64_t n) override {
    Side& s = sides_[index(dir)];
    if (!s.file && !s.is_over) open(cx, dir, s);
    if (s.head_bytes < kHeadBytes) s.has_hole = true;
    cx.files.gap(cx, s.file, n);
    return Step::kContinue;
  }

  void on_end(Context& cx, Dir dir) override { close(cx, dir, files::End::kComplete); }

  void on_close(Context& cx) override {
    for (const Dir dir : {Dir::kOrig, Dir::kResp}) {
      close(cx, dir, files::End::kAborted);
      Side& s = sides_[index(dir)];
      // A short file's type counts when the flow is over.
      if (s.head_bytes > 0 && s.head_bytes < kHeadBytes) tell_type(s);
    }
  }

 private:
  struct Side {
    files::File* file = nullptr;
    std::array<std::uint8_t, kHeadBytes> head;
    std::size_t head_bytes = 0;
    bool is_over = false, has_hole = false;
  };

  Transfer* transfer() noexcept { return static_cast<Transfers*>(shared)->find(serial_); }

  void open(Context& cx, Dir dir, Side& s) {
    s.file = cx.files.open(cx, {.source = "ftp_data", .dir = dir, .ordinal = index(dir)});
    Transfer* const t = transfer();
    if (!s.file || !t) return;
    std::copy_n(s.file->fuid().data(), t->fuid.size(), t->fuid.data());
    t->has_file = true;
  }

  void keep_head(Side& s, Bytes bytes) {
    if (s.has_hole || s.head_bytes == kHeadBytes) return;
    const std::size_t n = std::min(bytes.size(), kHeadBytes - s.head_bytes);
    std::copy_n(bytes.begin(), n, s.head.begin() + static_cast<std::ptrdiff_t>(s.head_bytes));
    s.head_bytes += n;
    if (s.head_bytes == kHeadBytes) tell_type(s);
  }

  void tell_type(Side& s) {
    Transfer* const t = transfer();
    if (!t) return;
    t->is_typed = true;
    t->mime_type = files::mime_type(Bytes(s.head).first(s.head_bytes));
  }

  void close(Context& cx, Dir dir, files::End how) {
    Side& s = sides_[index(dir)];
    if (s.file) cx.files.close(cx, s.file, how);
    s.is_over = true;
  }

  std::uint64_t serial_ = 0;
  std::array<Side, 2> sides_{};
};

}  // namespace

std::uint64_t Transfers::add() {
  const std::uint64_t serial = ++last_;
  const std::size_t at = static_cast<std::size_t>((serial - 1) % kTransfersMax);
  if (at == ring_.size()) ring_.emplace_back();
  ring_[at] = Transfer{};
  ring_[at].serial = serial;
  return serial;
}

Transfer* Transfers::find(std::uint64_t serial) noexcept {
  if (serial == 0 || serial > last_) return nullptr;
  Transfer& t = ring_[static_cast<std::size_t>((serial - 1) % kTransfersMax)];
  return t.serial == serial ? &t : nullptr;
}

extern constexpr flow::ProtocolInfo kDataProtocol = flow::make_protocol<DataParser>("ftp-data", true, false, never);

}  // namespace catenary::ftp
