// Community ID v1: a hash of the tuple that other tools compute alike (Corelight's specification, version 1).
//
//   "1:" base64( sha1( seed be16 | lesser addr | greater addr | proto | 0 | its port | other port ) )
//
// The lesser endpoint goes first, so both directions are equal. ICMP has no ports: type and the type that answers it
// stand there; a type that nothing answers is one-way, has its code as second port and is not swapped. Protocols
// without ports hash without them.
#pragma once

#include <string_view>

#include "base/net.h"

namespace catenary {

inline constexpr std::size_t kCommunityIdBytes = 2 + 28;

class CommunityId {
 public:
  explicit CommunityId(std::uint16_t seed = 0) noexcept;
  ~CommunityId();
  CommunityId(const CommunityId&) = delete;
  CommunityId& operator=(const CommunityId&) = delete;

  // For ICMP the ports carry type and code, as in a flow's envelope. Valid until the next call; empty when the
  // library offers no SHA-1.
  std::string_view of(const Ip& orig_h, std::uint16_t orig_p, const Ip& resp_h, std::uint16_t resp_p,
                      std::uint8_t proto) noexcept;

 private:
  void* context_ = nullptr;  // EVP_MD_CTX
  void* digest_ = nullptr;   // EVP_MD, fetched once: a fetch costs more than the hash
  std::uint16_t seed_;
  char text_[kCommunityIdBytes + 1] = {'1', ':'};  // EVP_EncodeBlock ends with a zero
};

}  // namespace catenary
