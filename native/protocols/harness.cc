#include "protocols/harness.h"

#include "base/check.h"
#include "event/json.h"
#include "flow/nested.h"
#include "protocols/protocols.gen.h"

namespace catenary::flow {
namespace {

std::vector<const ProtocolInfo*> with_others(const ProtocolInfo& protocol) {
  std::vector<const ProtocolInfo*> all{&protocol};
  for (const ProtocolInfo* p : protocols::all()) {
    if (p != &protocol) all.push_back(p);
  }
  return all;
}

}  // namespace

Harness::Harness(const ProtocolInfo& protocol, std::uint8_t proto, std::uint16_t orig_port, std::uint16_t resp_port)
    : events_(*this),
      weirds_(events_),
      files_(events_),
      pool_(std::size_t{64} << 20),
      protocol_(&protocol),
      nestable_(with_others(protocol)),
      dispatcher_(pool_, events_, weirds_, files_, {&protocol_, 1}, nestable_, {}) {
  const std::uint8_t orig[4] = {192, 0, 2, 1}, resp[4] = {198, 51, 100, 2};
  flow_.orig_h = Ip::v4(orig);
  flow_.resp_h = Ip::v4(resp);
  flow_.orig_p = orig_port;
  flow_.resp_p = resp_port;
  flow_.proto = proto;
  flow_.uid = {1};
  flow_.first = flow_.last = 1'700'000'000 * kSecond;
  events_.advance(flow_.first);
}

Harness::~Harness() { close(); }

bool Harness::is_attached() const { return flow_.parser != nullptr || (carried_ && carried_->is_open()); }

void Harness::send(Dir dir, Bytes bytes) {
  flow_.last = events_.now();
  dispatcher_.advance(events_.now());
  dispatcher_.at(events_.now());
  if (is_carried()) {
    Context cx = context();
    if (!carried_) carried_ = std::make_unique<Nested>();
    if (carried_->open(cx, protocol_->name)) carried_->message(cx, dir, bytes);
    return;
  }
  if (flow_.proto == 17)
    dispatcher_.on_datagram(flow_, dir, bytes);
  else if (!bytes.empty())
    dispatcher_.on_bytes(flow_, dir, bytes);
}

void Harness::outcome(bool is_success, bool in_token) {
  Context cx = context();
  if (carried_) carried_->outcome(cx, is_success, in_token);
}

void Harness::upgrade(std::string_view protocol, const Upgrade& upgrade) {
  dispatcher_.upgrade(flow_, protocol, upgrade);
}

bool Harness::open_beside(Dir dir, std::uint16_t resp_port) {
  beside_ = Flow{};
  beside_.orig_h = dir == Dir::kOrig ? flow_.orig_h : flow_.resp_h;
  beside_.resp_h = dir == Dir::kOrig ? flow_.resp_h : flow_.orig_h;
  beside_.orig_p = 20;
  beside_.resp_p = resp_port;
  beside_.proto = flow_.proto;
  beside_.uid = {2};
  beside_.first = beside_.last = events_.now();
  dispatcher_.at(events_.now());
  dispatcher_.begin(beside_);
  return beside_.parser != nullptr;
}

void Harness::send_beside(Dir dir, Bytes bytes) {
  if (beside_.proto == 17)
    dispatcher_.on_datagram(beside_, dir, bytes);
  else
    dispatcher_.on_bytes(beside_, dir, bytes);
}

std::string Harness::close() {
  if (!is_closed_) {
    is_closed_ = true;
    Context cx = context();
    if (carried_) carried_->close(cx);
    dispatcher_.close(beside_);
    dispatcher_.close(flow_);
    dispatcher_.finish();
    events_.drain();
  }
  std::string all;
  for (const auto& [kind, line] : lines_) all += (all.empty() ? "" : "\n") + line;
  return all;
}

std::vector<std::string> Harness::lines(Kind kind) const {
  std::vector<std::string> out;
  for (const auto& [k, line] : lines_) {
    if (k == kind) out.push_back(line);
  }
  return out;
}

void Harness::on_drain(std::span<const event::Batch> batches) {
  for (const event::Batch& b : batches) {
    const std::vector<std::string> records = event::json_lines(b.kind, b.bytes);
    // What we write must be what a stranger would be allowed to send.
    CATENARY_CHECK(records.size() == b.count);
    for (const std::string& r : records) lines_.emplace_back(b.kind, r);
  }
}

int fuzz_protocol(const ProtocolInfo& protocol, std::uint8_t proto, const std::uint8_t* data, std::size_t size,
                  std::uint16_t resp_port) {
  if (resp_port == 0) resp_port = proto == 17 ? 53 : 80;
  Harness h(protocol, proto, 40000, resp_port);
  Cursor in(Bytes{data, size});
  while (in.has(3)) {
    const std::uint8_t control = in.u8();
    const std::uint16_t length = in.be16();
    const Dir dir = (control & 1) ? Dir::kResp : Dir::kOrig;
    const std::size_t n = std::min<std::size_t>(length, in.left());
    switch ((control >> 1) & 3) {
      case 1: h.gap(dir, length); break;
      case 2: h.finish(dir); break;
      default: h.send(dir, in.take(n));
    }
  }
  h.close();
  return 0;
}

}  // namespace catenary::flow
