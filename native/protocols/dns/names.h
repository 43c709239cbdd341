// Numbers of the DNS registries by name, spelled as Zeek spells them, so that a query written for one works on the
// other.
#pragma once

#include <cstdint>
#include <string_view>

namespace catenary::dns {

// Record types that are looked at by number (IANA, DNS parameters).
namespace type {
inline constexpr std::uint16_t kA = 1, kNs = 2, kCname = 5, kSoa = 6, kWks = 11, kPtr = 12, kHinfo = 13, kMx = 15,
                               kTxt = 16, kAaaa = 28, kLoc = 29, kNb = 32, kSrv = 33, kNbstat = 33, kNaptr = 35,
                               kA6 = 38, kOpt = 41, kDs = 43, kSshfp = 44, kRrsig = 46, kNsec = 47, kDnskey = 48,
                               kNsec3 = 50, kNsec3Param = 51, kSvcb = 64, kHttps = 65, kSpf = 99, kTkey = 249,
                               kTsig = 250, kAny = 255, kCaa = 257, kBindSigning = 65534;
}

namespace klass {
inline constexpr std::uint16_t kInternet = 1, kChaos = 3, kHesiod = 4, kNone = 254, kAny = 255;
}

// RFC 1035 4.1.1, RFC 1996, RFC 2136.
namespace opcode {
inline constexpr std::uint8_t kQuery = 0, kNotify = 4, kUpdate = 5;
}

// Empty when the number has no name.
std::string_view type_name(std::uint16_t type) noexcept;
std::string_view class_name(std::uint16_t klass) noexcept;
std::string_view rcode_name(std::uint16_t rcode) noexcept;
std::string_view opcode_name(std::uint8_t opcode, bool is_netbios) noexcept;

}  // namespace catenary::dns
