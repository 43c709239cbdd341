#include "base/ip_text.h"

#include <arpa/inet.h>

namespace catenary {

std::optional<Ip> parse_ip(std::string_view text) noexcept {
  char zero_ended[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof zero_ended) return std::nullopt;
  std::memcpy(zero_ended, text.data(), text.size());
  zero_ended[text.size()] = 0;
  std::array<std::uint8_t, 16> bytes{};
  if (inet_pton(AF_INET, zero_ended, bytes.data()) == 1) return Ip::v4(bytes);
  if (inet_pton(AF_INET6, zero_ended, bytes.data()) == 1) return Ip::v6(bytes);
  return std::nullopt;
}

}  // namespace catenary
