// The DHCP transactions of one worker: messages of one xid, whichever flows carried them, become one event.
//
// A transaction spans flows because a client without an address broadcasts and a server may answer to the address it
// has just given. Its end is not announced (an ACK may be lost, a second server may answer), so it is told when it has
// been quiet. When exactly is Zeek's, whose dhcp.log then has the same rows: every 10 s of packet time the table is
// looked through, and a transaction older than 10 s is told if its last message is more than 5 s or its first more than
// 30 s ago; if not, it is looked at again when 5 more seconds have passed.
#pragma once

#include <string>
#include <vector>

#include "base/siphash.h"
#include "flow/context.h"
#include "flow/protocol.h"
#include "protocols/dhcp/message.h"

namespace catenary::dhcp {

inline constexpr std::size_t kTransactionsMax = 16384;             // at once: a thousand a second, each held for 15 s
inline constexpr std::size_t kUidsMax = 10;                        // as in Zeek: at this number it is told at once
inline constexpr std::size_t kTypesMax = 50;                       // likewise
inline constexpr std::size_t kAddressesMax = 8, kParamsMax = 128;  // the schema's caps
inline constexpr Nanos kSweepInterval = 10 * kSecond, kAgeMin = 10 * kSecond, kQuiet = 5 * kSecond,
                       kWatchMax = 30 * kSecond;

struct Transaction {
  std::uint32_t xid = 0;
  Nanos first = 0, last = 0;
  std::int64_t due_second = 0;  // since the worker began: when the sweep asks about it
  std::array<Uid, kUidsMax> uids;
  std::array<std::uint8_t, kTypesMax> types;
  std::array<std::uint8_t, kParamsMax> params;
  std::array<Ip, kAddressesMax> routers, dns_servers;
  std::uint8_t uid_count = 0, type_count = 0, param_count = 0, router_count = 0, dns_server_count = 0;
  bool is_cut = false;
  // Says the client: of its identifier, or else of the header. The identifier may say so and then hold no address.
  std::optional<Mac> mac, client_hardware;
  bool is_mac_settled = false;
  std::optional<Ip> client_addr, server_addr, requested_addr, assigned_addr, relay_addr;
  std::optional<std::uint32_t> lease_time;
  std::optional<std::uint16_t> vlan;
  struct Text {
    bool is_set = false;
    std::string value;  // keeps its room from one transaction to the next
    void set(std::string_view text) {
      value.assign(text);
      is_set = true;
    }
    std::optional<std::string_view> view() const noexcept {
      return is_set ? std::optional<std::string_view>(value) : std::nullopt;
    }
  };
  Text host_name, client_fqdn, domain, client_message, server_message, client_software, server_software, client_id,
      circuit_id, agent_remote_id, subscriber_id;

  std::uint32_t next_in_bucket = 0, older = 0, newer = 0;

  void clear() noexcept;
};

class Transactions final : public flow::Shared {
 public:
  Transactions();

  void add(flow::Context& cx, flow::Dir dir, const Message& m);
  void on_time(Nanos now, event::Batcher& events, event::WeirdLog& weirds) override;
  void on_finish(event::Batcher& events, event::WeirdLog& weirds) override;

  std::size_t size() const noexcept { return size_; }

 private:
  static constexpr std::uint32_t kNil = 0xffffffff;
  static constexpr std::size_t kBuckets = kTransactionsMax;

  std::uint32_t& bucket(std::uint32_t xid) noexcept;
  Transaction* find(std::uint32_t xid) noexcept;
  Transaction& create(flow::Context& cx, std::uint32_t xid);
  void tell(Transaction& t, event::Batcher& events);
  void remove(Transaction& t) noexcept;
  std::int64_t second_of(Nanos time) const noexcept { return (time - begin_) / kSecond; }

  std::vector<std::unique_ptr<Transaction>> slots_;  // grows to what was open at once, never shrinks
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> buckets_;
  std::uint32_t oldest_ = kNil, newest_ = kNil;
  std::size_t size_ = 0;
  Nanos begin_ = 0;  // the first packet
};

}  // namespace catenary::dhcp
