#include "capture/fanout.h"

#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace catenary::capture {
namespace {

// Offsets from the network header: the program runs where skb->data may stand before or behind the Ethernet header.
constexpr std::uint32_t kNet = static_cast<std::uint32_t>(SKF_NET_OFF);
constexpr std::uint32_t kProtocol = static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_PROTOCOL);
// PACKET_FANOUT_FLAG_IGNORE_OUTGOING of Linux 6.2; the headers may be older than the kernel.
constexpr std::uint32_t kIgnoreOutgoing = 0x4000;
constexpr int kVlanTags = 2, kMplsLabels = 4;
constexpr std::uint32_t kMplsBottom = 0x100;  // RFC 3032 section 2.1

// Builds forward jumps to labels that are placed later, as classic BPF allows no others.
class Assembler {
 public:
  using Label = std::size_t;

  Label label() {
    places_.push_back(0);
    return places_.size() - 1;
  }
  void place(Label l) { places_[l] = code_.size(); }
  void add(int code, std::uint32_t k = 0) { code_.push_back({static_cast<std::uint16_t>(code), 0, 0, k}); }
  // To `yes` when A is `k`, else on.
  void jump_if(std::uint32_t k, Label yes) { jump(BPF_JMP | BPF_JEQ | BPF_K, k, yes); }
  void jump_if_set(std::uint32_t bits, Label yes) { jump(BPF_JMP | BPF_JSET | BPF_K, bits, yes); }
  void jump(Label to) { jump(BPF_JMP | BPF_JA, 0, to); }

  std::vector<sock_filter> take() {
    for (const auto& [at, to] : jumps_) {
      const std::size_t distance = places_[to] - at - 1;
      if (code_[at].code == (BPF_JMP | BPF_JA)) {
        code_[at].k = static_cast<std::uint32_t>(distance);
      } else {
        code_[at].jt = static_cast<std::uint8_t>(distance);
      }
    }
    return std::move(code_);
  }

 private:
  void jump(int code, std::uint32_t k, Label to) {
    jumps_.emplace_back(code_.size(), to);
    add(code, k);
  }

  std::vector<sock_filter> code_;
  std::vector<std::size_t> places_;
  std::vector<std::pair<std::size_t, Label>> jumps_;
};

void load(Assembler& a, int size, std::uint32_t at) { a.add(BPF_LD | size | BPF_IND, kNet + at); }
void advance(Assembler& a, std::uint32_t by) {
  a.add(BPF_MISC | BPF_TXA);
  // NOLINTNEXTLINE(misc-redundant-expression): names of instructions, two of which are 0
  a.add(BPF_ALU | BPF_ADD | BPF_K, by);
  a.add(BPF_MISC | BPF_TAX);
}

}  // namespace

std::vector<sock_filter> fanout_program(std::uint32_t key) {
  Assembler a;
  const auto ip4 = a.label(), ip6 = a.label(), mpls = a.label(), pppoe = a.label(), by_version = a.label(),
             other = a.label(), deal = a.label();
  // X: where the header that A names begins, behind the network header.
  // NOLINTNEXTLINE(misc-redundant-expression): the same
  a.add(BPF_LDX | BPF_W | BPF_IMM, 0);
  a.add(BPF_LD | BPF_W | BPF_ABS, kProtocol);
  for (int tag = 0; tag <= kVlanTags; tag++) {
    const auto vlan = a.label();
    a.jump_if(ETHERTYPE_IP, ip4);
    a.jump_if(ETHERTYPE_IPV6, ip6);
    a.jump_if(0x8847, mpls);   // ETH_P_MPLS_UC
    a.jump_if(0x8864, pppoe);  // ETH_P_PPP_SES
    if (tag == kVlanTags) break;
    a.jump_if(0x8100, vlan);  // IEEE 802.1Q
    a.jump_if(0x88a8, vlan);  // IEEE 802.1ad
    a.jump(other);
    a.place(vlan);
    load(a, BPF_H, 2);
    a.add(BPF_ST, 0);
    advance(a, 4);
    a.add(BPF_LD | BPF_W | BPF_MEM, 0);
  }
  a.jump(other);

  a.place(mpls);
  for (int n = 0; n < kMplsLabels; n++) {
    load(a, BPF_W, 0);
    a.add(BPF_ST, 0);
    advance(a, 4);
    a.add(BPF_LD | BPF_W | BPF_MEM, 0);
    a.jump_if_set(kMplsBottom, by_version);
  }
  a.jump(other);

  a.place(pppoe);  // RFC 2516 section 4: six bytes, then PPP's protocol
  load(a, BPF_H, 6);
  a.add(BPF_ST, 0);
  advance(a, 8);
  a.add(BPF_LD | BPF_W | BPF_MEM, 0);
  a.jump_if(0x0021, ip4);
  a.jump_if(0x0057, ip6);
  a.jump(other);

  a.place(by_version);  // what a label stack carries says by its first four bits what it is
  load(a, BPF_B, 0);
  a.add(BPF_ALU | BPF_RSH | BPF_K, 4);
  a.jump_if(4, ip4);
  a.jump_if(6, ip6);

  a.place(other);
  a.add(BPF_RET | BPF_K, 0);

  // The words of both addresses, folded into M[0]: the same whoever sends.
  const auto fold = [&](std::uint32_t first, std::uint32_t words) {
    a.add(BPF_LD | BPF_W | BPF_IMM, 0);
    a.add(BPF_ST, 0);
    for (std::uint32_t w = 0; w < words; w++) {
      load(a, BPF_W, first + 4 * w);
      // X holds the place: it is kept in M[1] while it holds the sum.
      a.add(BPF_STX, 1);
      a.add(BPF_LDX | BPF_W | BPF_MEM, 0);
      a.add(BPF_ALU | BPF_XOR | BPF_X);
      a.add(BPF_ST, 0);
      a.add(BPF_LDX | BPF_W | BPF_MEM, 1);
    }
    a.jump(deal);
  };
  a.place(ip4);
  fold(12, 2);
  a.place(ip6);
  fold(8, 8);

  // Multiply-shift: the upper half of the product of an odd secret.
  a.place(deal);
  a.add(BPF_LD | BPF_W | BPF_MEM, 0);
  a.add(BPF_ALU | BPF_MUL | BPF_K, key | 1);
  a.add(BPF_ALU | BPF_RSH | BPF_K, 16);
  a.add(BPF_RET | BPF_A);
  return a.take();
}

bool join_fanout(int socket, const Fanout& fanout, bool ignores_outgoing, std::string& error) {
  if (fanout.workers <= 1) return true;
  const std::uint32_t how = PACKET_FANOUT_CBPF | (ignores_outgoing ? kIgnoreOutgoing : 0);
  const std::uint32_t argument = fanout.group | how << 16;
  std::vector<sock_filter> code = fanout_program(fanout.key);
  const sock_fprog program{static_cast<std::uint16_t>(code.size()), code.data()};
  if (::setsockopt(socket, SOL_PACKET, PACKET_FANOUT, &argument, sizeof argument) == 0 &&
      ::setsockopt(socket, SOL_PACKET, PACKET_FANOUT_DATA, &program, sizeof program) == 0)
    return true;
  error = "cannot share the interface between workers: " + std::generic_category().message(errno);
  return false;
}

}  // namespace catenary::capture
