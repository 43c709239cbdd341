#include "event/community_id.h"

#include <openssl/evp.h>

#include <optional>

namespace catenary {
namespace {

constexpr std::uint8_t kIcmp = 1, kTcp = 6, kUdp = 17, kIcmp6 = 58, kSctp = 132;

// The type that answers a type, both ways; nothing for one-way types. The specification's tables.
std::optional<std::uint16_t> counterpart(std::uint8_t proto, std::uint16_t type) noexcept {
  if (proto == kIcmp) {
    switch (type) {
      case 0: return 8;    // echo reply
      case 8: return 0;    // echo
      case 9: return 10;   // router advertisement
      case 10: return 9;   // router solicitation
      case 13: return 14;  // timestamp
      case 14: return 13;  // timestamp reply
      case 15: return 16;  // information request
      case 16: return 15;  // information reply
      case 17: return 18;  // address mask request
      case 18: return 17;  // address mask reply
      default: return {};
    }
  }
  switch (type) {
    case 128: return 129;  // echo
    case 129: return 128;  // echo reply
    case 130: return 131;  // multicast listener query
    case 131: return 130;  // multicast listener report
    case 133: return 134;  // router solicitation
    case 134: return 133;  // router advertisement
    case 135: return 136;  // neighbour solicitation
    case 136: return 135;  // neighbour advertisement
    case 139: return 140;  // who are you request
    case 140: return 139;  // who are you reply
    case 144: return 145;  // home agent discovery request
    case 145: return 144;  // home agent discovery reply
    default: return {};
  }
}

// Between equal addresses Zeek and the specification's own script compare the ports' network bytes as a little-endian
// number; Wireshark compares them as ports (the specification's issue 32, open). We follow Zeek.
constexpr std::uint16_t order_of(std::uint16_t port) noexcept {
  return static_cast<std::uint16_t>((port << 8) | (port >> 8));
}

std::size_t put16(std::uint8_t* out, std::size_t at, std::uint16_t v) noexcept {
  out[at] = static_cast<std::uint8_t>(v >> 8);
  out[at + 1] = static_cast<std::uint8_t>(v);
  return at + 2;
}

}  // namespace

CommunityId::CommunityId(std::uint16_t seed) noexcept
    : context_(EVP_MD_CTX_new()), digest_(EVP_MD_fetch(nullptr, "SHA1", nullptr)), seed_(seed) {}

CommunityId::~CommunityId() {
  EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_));
  EVP_MD_free(static_cast<EVP_MD*>(digest_));
}

std::string_view CommunityId::of(const Ip& orig_h, std::uint16_t orig_p, const Ip& resp_h, std::uint16_t resp_p,
                                 std::uint8_t proto) noexcept {
  const bool is_icmp = proto == kIcmp || proto == kIcmp6;
  const bool has_ports = is_icmp || proto == kTcp || proto == kUdp || proto == kSctp;
  bool is_one_way = false;
  if (is_icmp) {
    if (const auto answer = counterpart(proto, orig_p)) {
      resp_p = *answer;
    } else {
      is_one_way = true;
    }
  }
  const Ip* a = &orig_h;
  const Ip* b = &resp_h;
  // Mapped addresses compare as their four bytes do: the prefix is equal.
  if (!is_one_way && (*b < *a || (*a == *b && has_ports && order_of(resp_p) < order_of(orig_p)))) {
    std::swap(a, b);
    std::swap(orig_p, resp_p);
  }
  std::uint8_t tuple[2 + 16 + 16 + 2 + 4];
  std::size_t n = put16(tuple, 0, seed_);
  for (const Ip* ip : {a, b}) {
    const std::size_t skip = ip->is_v4() ? 12 : 0;
    std::memcpy(tuple + n, ip->bytes.data() + skip, 16 - skip);
    n += 16 - skip;
  }
  tuple[n++] = proto;
  tuple[n++] = 0;
  if (has_ports) n = put16(tuple, put16(tuple, n, orig_p), resp_p);

  std::uint8_t hash[EVP_MAX_MD_SIZE];
  auto* context = static_cast<EVP_MD_CTX*>(context_);
  const auto* digest = static_cast<const EVP_MD*>(digest_);
  if (context == nullptr || digest == nullptr || EVP_DigestInit_ex2(context, digest, nullptr) != 1 ||
      EVP_DigestUpdate(context, tuple, n) != 1 || EVP_DigestFinal_ex(context, hash, nullptr) != 1) {
    return {};
  }
  std::uint8_t encoded[29];
  EVP_EncodeBlock(encoded, hash, 20);
  std::memcpy(text_ + 2, encoded, kCommunityIdBytes - 2);
  return {text_, kCommunityIdBytes};
}

}  // namespace catenary
