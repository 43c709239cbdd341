// Which packets of a segment pass a filter: the index names those that may, and this looks.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace catenary::packets {

struct Matches {
  std::vector<std::uint8_t> passed;  // 1 for each offset whose packet passes
  std::uint64_t bytes_read = 0;
  std::string error;  // the filter does not compile, or the file is not as the index says; then `passed` is empty
};

// `offsets` of enhanced packet blocks, best ascending; `linktypes` of the segment's interfaces, LINKTYPE_ values.
// Cost: memory of one window; a read for each window of 64 KiB that has an offset in it.
Matches match_packets(const std::string& path, const std::string& filter, std::span<const std::uint32_t> offsets,
                      std::span<const std::uint32_t> linktypes);

}  // namespace catenary::packets
