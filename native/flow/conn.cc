#include "flow/conn.h"

#include <algorithm>
#include <charconv>

#include "decode/packet.h"
#include "event/gen/conn.gen.h"
#include "event/gen/conn_update.gen.h"

namespace catenary::flow {
namespace {

std::uint64_t payload_of(const Flow& f, Dir dir) noexcept {
  return f.proto == decode::ip_proto::kTcp ? f.tcp_size(dir) : f.end(dir).payload_bytes;
}

std::string_view tunnel_name(decode::Tunnel tunnel) noexcept {
  switch (tunnel) {
    case decode::Tunnel::kIpInIp: return "ip";
    case decode::Tunnel::kGre: return "gre";
    case decode::Tunnel::kErspan: return "erspan";
    case decode::Tunnel::kVxlan: return "vxlan";
    case decode::Tunnel::kGeneve: return "geneve";
    case decode::Tunnel::kGtp: return "gtp";
    case decode::Tunnel::kTeredo: return "teredo";
    case decode::Tunnel::kL2tp: return "l2tp";
    case decode::Tunnel::kCapwap: return "capwap";
    case decode::Tunnel::kTzsp: return "tzsp";
    case decode::Tunnel::kNone: break;
  }
  return {};
}

// "vxlan/gre": outermost first. Longest with kShownMax names of seven letters.
using TunnelText = std::array<char, decode::Tunnels::kShownMax * 8>;
std::string_view tunnel_path(const decode::Tunnels& t, TunnelText& text) noexcept {
  std::size_t n = 0;
  for (std::size_t i = 0; i < std::min<std::size_t>(t.depth, t.kShownMax); i++) {
    if (n > 0) text[n++] = '/';
    const std::string_view name = tunnel_name(t.path[i]);
    n += name.copy(text.data() + n, name.size());
  }
  return {text.data(), n};
}

// "2-4-8-1-3": kinds in order.
using OptionsText = std::array<char, tcp::SynOptions::kKindsMax * 4>;
std::string_view options_text(const tcp::SynOptions& o, OptionsText& text) noexcept {
  char* at = text.data();
  for (std::size_t i = 0; i < o.kind_count; i++) {
    if (i > 0) *at++ = '-';
    at = std::to_chars(at, text.data() + text.size(), o.kinds[i]).ptr;
  }
  return {text.data(), static_cast<std::size_t>(at - text.data())};
}

// What conn and conn_update share.
template <class E>
void fill(const Flow& f, E& e, std::array<std::string_view, kServicesMax>& services) {
  e.ts = micros(f.first);
  e.uid = f.uid;
  e.orig_h = f.orig_h;
  e.orig_p = f.orig_p;
  e.resp_h = f.resp_h;
  e.resp_p = f.resp_p;
  e.proto = f.proto;
  if (f.vlan_tags > 0) e.vlan = f.vlan;
  std::copy_n(f.services.begin(), f.service_count, services.begin());
  std::sort(services.begin(), services.begin() + f.service_count);
  e.service = std::span<const std::string_view>(services.data(), f.service_count);
  e.conn_state = f.conn_state();
  e.history = f.history_text();
  const Endpoint& o = f.ends[0];
  const Endpoint& r = f.ends[1];
  e.missed_bytes = o.missed_bytes + r.missed_bytes;
  e.orig_pkts = o.packets;
  e.orig_ip_bytes = o.ip_bytes;
  e.resp_pkts = r.packets;
  e.resp_ip_bytes = r.ip_bytes;
  e.first = micros(f.first);
  e.last = micros(f.last);
}

}  // namespace

void emit_conn(const Flow& f, std::string_view end_reason, event::Batcher& events) {
  ConnEvent e;
  std::array<std::string_view, kServicesMax> services;
  fill(f, e, services);
  const Endpoint& o = f.ends[0];
  const Endpoint& r = f.ends[1];
  // As Zeek: a flow of no duration has no sizes either.
  if (f.last > f.first) {
    e.duration = seconds(f.last - f.first);
    e.orig_bytes = payload_of(f, Dir::kOrig);
    e.resp_bytes = payload_of(f, Dir::kResp);
  }
  e.ip_proto = f.proto;
  e.orig_gap_bytes = o.gap_bytes;
  e.resp_gap_bytes = r.gap_bytes;
  e.orig_retx_pkts = o.rexmits;
  e.resp_retx_pkts = r.rexmits;
  if (o.packets > 0) e.orig_ttl = o.ttl;
  if (r.packets > 0) e.resp_ttl = r.ttl;
  e.orig_mss = o.syn_options.mss;
  e.resp_mss = r.syn_options.mss;
  e.orig_syn_wscale = o.syn_options.window_scale;
  e.resp_syn_wscale = r.syn_options.window_scale;
  const bool is_tcp = f.proto == decode::ip_proto::kTcp;
  OptionsText orig_options, resp_options;
  if (is_tcp && (o.hist_seen & 1)) {
    e.orig_syn_window = o.syn_window;
    e.orig_syn_options = options_text(o.syn_options, orig_options);
  }
  if (is_tcp && (r.hist_seen & 1)) {
    e.resp_syn_window = r.syn_window;
    e.resp_syn_options = options_text(r.syn_options, resp_options);
  }
  if (f.vlan_tags > 1) e.inner_vlan = f.inner_vlan;
  TunnelText text;
  if (f.tunnels.depth > 0) e.tunnel = tunnel_path(f.tunnels, text);
  e.tunnel_parents = std::span<const Uid>(f.tunnels.parents.data(), f.tunnels.parent_count);
  if (o.copies > 0) e.orig_dup_pkts = o.copies;
  if (r.copies > 0) e.resp_dup_pkts = r.copies;
  if (f.is_one_way()) e.one_way = true;
  if (o.syn_options.mptcp && o.syn_options.mptcp == r.syn_options.mptcp)
    e.mptcp = *o.syn_options.mptcp == tcp::kMptcpCapable ? "capable" : "join";
  if (f.has_macs) {
    if (o.packets > 0) e.orig_l2_addr = o.mac;
    if (r.packets > 0) e.resp_l2_addr = r.mac;
  }
  e.end_reason = end_reason;
  events.emit(e);
}

void emit_conn_update(Flow& f, event::Batcher& events) {
  ConnUpdateEvent e;
  std::array<std::string_view, kServicesMax> services;
  fill(f, e, services);
  e.duration = seconds(f.last - f.first);
  e.orig_bytes = payload_of(f, Dir::kOrig);
  e.resp_bytes = payload_of(f, Dir::kResp);
  e.updates = ++f.updates;
  f.last_update = f.last;
  events.emit(e);
}

}  // namespace catenary::flow
