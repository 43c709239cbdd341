#include "capture/filter.h"

#include <pcap/pcap.h>

namespace catenary::capture {

Filter::~Filter() {
  for (const auto& [linktype, program] : programs_) {
    if (!program) continue;
    pcap_freecode(program);
    delete program;
  }
}

bool Filter::match(const RawPacket& p, std::string& error) {
  auto it = programs_.find(p.linktype);
  if (it == programs_.end()) {
    auto* program = new bpf_program{};
    pcap_t* dead = pcap_open_dead(p.linktype, static_cast<int>(kPacketBytesMax));
    if (!dead || pcap_compile(dead, program, text_.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
      error = "filter '" + text_ + "': " + (dead ? pcap_geterr(dead) : "out of memory");
      delete program;
      program = nullptr;
    }
    if (dead) pcap_close(dead);
    it = programs_.emplace(p.linktype, program).first;
  }
  if (!it->second) return false;
  pcap_pkthdr header{};
  header.caplen = static_cast<bpf_u_int32>(p.data.size());
  header.len = p.wire_len;
  return pcap_offline_filter(it->second, &header, p.data.data()) != 0;
}

}  // namespace catenary::capture
