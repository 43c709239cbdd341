#include "protocols/named/named.h"

#include "flow/flow.h"
#include "protocols/named/recognise.h"

namespace catenary::named {

using flow::Dir;
using flow::Probe;
using flow::Step;

Probe probe(const flow::ProbeInput& in) noexcept {
  if (!in.at_start) return Probe::kNo;
  bool wants_more = false;
  for (const Row& row : rows()) {
    if (!(in.is_tcp ? row.tcp : row.udp)) continue;
    const Probe r = row.first(in);
    if (r == Probe::kYes) return Probe::kYes;
    wants_more |= r == Probe::kMore;
  }
  return wants_more && in.data.size() < kHeadBytesMax ? Probe::kMore : Probe::kNo;
}

Step Parser::on_stream(flow::Context& cx, Dir dir, Cursor& in) { return on_message(cx, dir, in, true); }

Step Parser::on_datagram(flow::Context& cx, Dir dir, Cursor in) { return on_message(cx, dir, in, false); }

Step Parser::on_message(flow::Context& cx, Dir dir, Cursor& in, bool is_tcp) {
  const Bytes said = in.peek_rest();
  if (!row_) {
    for (const Row& row : rows()) {
      if (row_ || !(is_tcp ? row.tcp : row.udp)) continue;
      if (row.first({dir, said, cx.flow.orig_p, cx.flow.resp_p, is_tcp, true}) == Probe::kYes) row_ = &row;
    }
    // What the other side said before comes first, and again behind what was recognised.
    if (!row_) return said.size() < kHeadBytesMax ? Step::kContinue : Step::kDetach;
    first_ = dir;
    if (!row_->answer) cx.confirm(row_->service);
    in.rest();
    return row_->answer ? Step::kContinue : Step::kDetach;
  }
  if (dir == first_) {
    in.rest();
    return Step::kContinue;
  }
  const Probe answer = row_->answer(said);
  if (answer == Probe::kMore && said.size() < kHeadBytesMax) return Step::kContinue;
  if (answer != Probe::kYes) return Step::kDetach;
  cx.confirm(row_->service);
  const std::size_t own = row_->handed_over ? row_->handed_over(said) : 0;
  if (own == 0) return Step::kDetach;
  in.skip(own);
  cx.hand_over();
  return Step::kContinue;
}

}  // namespace catenary::named
