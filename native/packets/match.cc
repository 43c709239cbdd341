#include "packets/match.h"

#include <system_error>

#include "capture/filter.h"
#include "packets/stored.h"

namespace catenary::packets {

Matches match_packets(const std::string& path, const std::string& filter, std::span<const std::uint32_t> offsets,
                      std::span<const std::uint32_t> linktypes) {
  Matches out;
  capture::Filter program(filter);
  // A filter that means nothing is told even where there is no packet to look at.
  for (const std::uint32_t linktype : linktypes) {
    capture::RawPacket none;
    none.linktype = dlt_of(linktype);
    if (!program.empty()) program.match(none, out.error);
    if (!out.error.empty()) return out;
  }
  if (offsets.empty()) return out;
  StoredFile file(path);
  for (const std::uint32_t offset : offsets) {
    StoredPacket stored;
    if (!packet_at(file, offset, linktypes, stored)) {
      out.error = path + ":" + std::to_string(offset) + ": ";
      out.error += file.error() == 0 ? "no packet where the index says" : std::generic_category().message(file.error());
      out.passed.clear();
      return out;
    }
    out.passed.push_back(program.empty() || program.match(stored.raw, out.error) ? 1 : 0);
  }
  out.bytes_read = file.bytes_read();
  return out;
}

}  // namespace catenary::packets
