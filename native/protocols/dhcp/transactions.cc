#include "protocols/dhcp/transactions.h"

#include <algorithm>
#include <charconv>

#include "flow/flow.h"
#include "protocols/dhcp/dhcp.gen.h"

namespace catenary::dhcp {
namespace {

constexpr std::uint16_t kServerPort = 67, kClientPort = 68;

Mac mac_of(Bytes six) noexcept {
  Mac mac{};
  std::copy_n(six.begin(), mac.size(), mac.begin());
  return mac;
}

bool is_any(const Ip& ip) noexcept { return ip.is_v4() && is_zero(Bytes(ip.bytes).subspan(12)); }
bool is_broadcast(const Ip& ip) noexcept {
  return ip.is_v4() && std::all_of(ip.bytes.begin() + 12, ip.bytes.end(), [](std::uint8_t b) { return b == 0xff; });
}

std::uint8_t take_addresses(Bytes list, std::array<Ip, kAddressesMax>& out, bool& is_cut) noexcept {
  std::uint8_t n = 0;
  for (Cursor in(list); in.has(4) && n < out.size();) out[n++] = Ip::v4(in.take(4));
  if (list.size() / 4 > n) is_cut = true;
  return n;
}

void set_hex(Transaction::Text& text, Bytes bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  text.set({});
  for (const std::uint8_t b : bytes) {
    text.value.push_back(kDigits[b >> 4]);
    text.value.push_back(kDigits[b & 15]);
  }
}

void add_client(Transaction& t, const flow::Flow& f, const Message& m) {
  if (!is_any(f.orig_h) && !is_broadcast(f.orig_h)) t.client_addr = f.orig_h;
  if (m.host_name) t.host_name.set(*m.host_name);
  if (m.client_fqdn) t.client_fqdn.set(*m.client_fqdn);
  if (m.text) t.client_message.set(*m.text);
  if (m.vendor_class) t.client_software.set(*m.vendor_class);
  if (!m.requested_addr.empty()) t.requested_addr = Ip::v4(m.requested_addr);
  if (!m.client_id.empty()) set_hex(t.client_id, m.client_id);
  if (!m.param_list.empty()) {
    t.param_count = static_cast<std::uint8_t>(std::min(m.param_list.size(), kParamsMax));
    std::copy_n(m.param_list.begin(), t.param_count, t.params.begin());
    if (m.param_list.size() > kParamsMax) t.is_cut = true;
  }
  // RFC 2132 9.14: an identifier of type 1 is an Ethernet address.
  constexpr std::uint8_t kEthernet = 1;
  if (m.client_id.empty() || m.client_id[0] != kEthernet) {
    t.client_hardware = mac_of(m.chaddr);
    return;
  }
  const Bytes address = m.client_id.subspan(1);
  t.is_mac_settled = true;
  if (address.size() >= 6)
    t.mac = mac_of(address);
  else
    t.mac.reset();
}

void add_server(Transaction& t, const flow::Flow& f, flow::Dir dir, const Message& m) {
  if (m.text) t.server_message.set(*m.text);
  if (m.vendor_class) t.server_software.set(*m.vendor_class);
  if (!is_zero(m.yiaddr)) {
    t.server_addr = dir == flow::Dir::kOrig ? f.orig_h : f.resp_h;
    t.assigned_addr = Ip::v4(m.yiaddr);
  }
  if (!t.is_mac_settled) {
    t.mac = mac_of(m.chaddr);
    t.is_mac_settled = true;
  }
  if (!t.client_addr && t.assigned_addr) t.client_addr = t.assigned_addr;
  if (m.domain) t.domain.set(*m.domain);
  if (m.lease_time) t.lease_time = m.lease_time;
  if (!m.routers.empty()) t.router_count = take_addresses(m.routers, t.routers, t.is_cut);
  if (!m.dns_servers.empty()) t.dns_server_count = take_addresses(m.dns_servers, t.dns_servers, t.is_cut);
}

}  // namespace

void Transaction::clear() noexcept {
  uid_count = type_count = param_count = router_count = dns_server_count = 0;
  is_cut = is_mac_settled = false;
  mac.reset();
  client_hardware.reset();
  client_addr.reset();
  server_addr.reset();
  requested_addr.reset();
  assigned_addr.reset();
  relay_addr.reset();
  lease_time.reset();
  vlan.reset();
  for (Text* text : {&host_name, &client_fqdn, &domain, &client_message, &server_message, &client_software,
                     &server_software, &client_id, &circuit_id, &agent_remote_id, &subscriber_id}) {
    text->is_set = false;
  }
}

Transactions::Transactions() : buckets_(kBuckets, kNil) {
  due = 0;  // the first packet begins the count
}

std::uint32_t& Transactions::bucket(std::uint32_t xid) noexcept {
  return buckets_[SipHasher(key).finish(std::uint64_t{4} << 56 | xid) % kBuckets];
}

Transaction* Transactions::find(std::uint32_t xid) noexcept {
  for (std::uint32_t i = bucket(xid); i != kNil; i = slots_[i]->next_in_bucket) {
    if (slots_[i]->xid == xid) return slots_[i].get();
  }
  return nullptr;
}

Transaction& Transactions::create(flow::Context& cx, std::uint32_t xid) {
  if (size_ == kTransactionsMax) {
    cx.weird(Weird::dhcp_pending_evicted);
    Transaction& oldest = *slots_[oldest_];
    tell(oldest, cx.events);
    remove(oldest);
  }
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.push_back(std::make_unique<Transaction>());
  }
  const std::uint32_t i = free_.back();
  free_.pop_back();
  Transaction& t = *slots_[i];
  t.clear();
  t.xid = xid;
  t.first = cx.now;
  t.due_second = second_of(cx.now) + kAgeMin / kSecond;
  std::uint32_t& head = bucket(xid);
  t.next_in_bucket = head;
  head = i;
  t.older = newest_;
  t.newer = kNil;
  (newest_ == kNil ? oldest_ : slots_[newest_]->newer) = i;
  newest_ = i;
  size_++;
  return t;
}

void Transactions::remove(Transaction& t) noexcept {
  std::uint32_t* link = &bucket(t.xid);
  while (slots_[*link].get() != &t) link = &slots_[*link]->next_in_bucket;
  const std::uint32_t i = *link;
  *link = t.next_in_bucket;
  (t.older == kNil ? oldest_ : slots_[t.older]->newer) = t.newer;
  (t.newer == kNil ? newest_ : slots_[t.newer]->older) = t.older;
  free_.push_back(i);
  size_--;
}

void Transactions::add(flow::Context& cx, flow::Dir dir, const Message& m) {
  const flow::Flow& f = cx.flow;
  Transaction* found = find(m.xid);
  Transaction& t = found ? *found : create(cx, m.xid);
  t.last = cx.now;
  const auto uids_end = t.uids.begin() + t.uid_count;
  if (std::find(t.uids.begin(), uids_end, f.uid) == uids_end) t.uids[t.uid_count++] = f.uid;
  t.types[t.type_count++] = m.type;
  if (f.vlan_tags > 0) t.vlan = f.vlan;
  if (!is_zero(m.giaddr)) t.relay_addr = Ip::v4(m.giaddr);
  if (!m.circuit_id.empty()) t.circuit_id.set(as_text(m.circuit_id));
  if (!m.agent_remote_id.empty()) t.agent_remote_id.set(as_text(m.agent_remote_id));
  if (!m.subscriber_id.empty()) t.subscriber_id.set(as_text(m.subscriber_id));

  // As in Zeek: who began the flow tells client from server, a server that broadcasts begins one too.
  const bool is_client =
      dir == flow::Dir::kOrig && (is_any(f.orig_h) || f.orig_p == kClientPort || f.resp_p == kServerPort);
  if (is_client)
    add_client(t, f, m);
  else
    add_server(t, f, dir, m);
  if (t.uid_count < kUidsMax && t.type_count < kTypesMax) return;
  tell(t, cx.events);
  remove(t);
}

void Transactions::on_time(Nanos now, event::Batcher& events, event::WeirdLog&) {
  if (due == 0) begin_ = now;
  due = now + kSweepInterval;
  std::uint32_t next = kNil;
  for (std::uint32_t i = oldest_; i != kNil; i = next) {
    Transaction& t = *slots_[i];
    next = t.newer;
    if (begin_ + t.due_second * kSecond >= now) continue;
    if (now - t.last > kQuiet || now - t.first > kWatchMax) {
      tell(t, events);
      remove(t);
    } else {
      t.due_second = second_of(now) + kQuiet / kSecond;
    }
  }
}

void Transactions::on_finish(event::Batcher& events, event::WeirdLog&) {
  while (oldest_ != kNil) {
    Transaction& t = *slots_[oldest_];
    tell(t, events);
    remove(t);
  }
}

void Transactions::tell(Transaction& t, event::Batcher& events) {
  DhcpEvent e;
  e.ts = micros(t.first);
  e.uids = {t.uids.data(), t.uid_count};
  e.client_addr = t.client_addr;
  e.server_addr = t.server_addr;
  e.mac = t.is_mac_settled ? t.mac : t.client_hardware;
  e.host_name = t.host_name.view();
  e.client_fqdn = t.client_fqdn.view();
  e.domain = t.domain.view();
  e.requested_addr = t.requested_addr;
  e.assigned_addr = t.assigned_addr;
  if (t.lease_time) e.lease_time = *t.lease_time;
  e.client_message = t.client_message.view();
  e.server_message = t.server_message.view();
  std::array<std::string_view, kTypesMax> types;
  constexpr std::string_view kUnknown = "unknown-message-type-";
  std::array<std::array<char, 24>, kTypesMax> unknown;
  for (std::size_t i = 0; i < t.type_count; i++) {
    types[i] = type_name(t.types[i]);
    if (!types[i].empty()) continue;
    char* digits = std::copy(kUnknown.begin(), kUnknown.end(), unknown[i].data());
    const char* end = std::to_chars(digits, unknown[i].data() + unknown[i].size(), t.types[i]).ptr;
    types[i] = {unknown[i].data(), static_cast<std::size_t>(end - unknown[i].data())};
  }
  e.msg_types = {types.data(), t.type_count};
  e.duration = seconds(t.last - t.first);
  e.client_software = t.client_software.view();
  e.server_software = t.server_software.view();
  e.trans_id = t.xid;
  e.client_id = t.client_id.view();
  e.param_list = {t.params.data(), t.param_count};
  e.relay_addr = t.relay_addr;
  e.circuit_id = t.circuit_id.view();
  e.agent_remote_id = t.agent_remote_id.view();
  e.subscriber_id = t.subscriber_id.view();
  e.routers = {t.routers.data(), t.router_count};
  e.dns_servers = {t.dns_servers.data(), t.dns_server_count};
  e.vlan = t.vlan;
  e.cut = t.is_cut;
  events.emit(e);
}

}  // namespace catenary::dhcp
