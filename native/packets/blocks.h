// Writes pcapng blocks (draft-ietf-opsawg-pcapng, sections 4.1 to 4.3), little-endian, into memory that the caller
// owns.
//
//   section header   once a segment: version 1.0, length not stated, what wrote it
//   interface        one for each link type: name, filter text, nanoseconds
//   enhanced packet  the bytes as captured, and epb_packetid: the number of the flow, as in its uid
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "capture/source.h"

namespace catenary::packets {

inline constexpr std::uint32_t kSectionBlock = 0x0a0d0d0a;
inline constexpr std::uint32_t kInterfaceBlock = 1;
inline constexpr std::uint32_t kPacketBlock = 6;
inline constexpr std::uint32_t kByteOrderMagic = 0x1a2b3c4d;

// An option's length has 16 bits; names and filters longer than this are cut in the file (the manifest has the filter).
inline constexpr std::size_t kOptionBytesMax = 4096;
// An enhanced packet block is this much longer than the captured bytes, rounded up to four.
inline constexpr std::size_t kPacketOverhead = 48;
// No block of ours, or of a file that is sealed, is longer.
inline constexpr std::size_t kBlockBytesMax = capture::kPacketBytesMax + 1024;

inline std::size_t padded(std::size_t n) noexcept { return (n + 3) & ~std::size_t{3}; }
inline std::size_t packet_block_bytes(std::size_t caplen) noexcept { return kPacketOverhead + padded(caplen); }

// The LINKTYPE_ value of a file for a DLT_ value of libpcap; they differ for raw IP alone (pcap-linktype(7)).
std::uint16_t linktype_of(int dlt) noexcept;

void append_section(std::vector<std::uint8_t>& out, std::string_view application);
void append_interface(std::vector<std::uint8_t>& out, int dlt, std::uint32_t snaplen, std::string_view name,
                      std::string_view filter);
// Exactly packet_block_bytes(raw.data.size()) bytes at `out`. Times before the epoch are written as the epoch.
void write_packet(std::uint8_t* out, std::uint32_t interface, const capture::RawPacket& raw,
                  std::uint64_t packet_id) noexcept;

// Little-endian stores, shared with the index.
std::uint8_t* put16(std::uint8_t* out, std::uint16_t v) noexcept;
std::uint8_t* put32(std::uint8_t* out, std::uint32_t v) noexcept;
std::uint8_t* put64(std::uint8_t* out, std::uint64_t v) noexcept;

}  // namespace catenary::packets
