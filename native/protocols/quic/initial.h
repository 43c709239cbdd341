// Initial packets, which are encrypted with keys that anybody can derive from what the packet says: RFC 9001 5.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "protocols/quic/packet.h"

struct evp_cipher_ctx_st;

namespace catenary::quic {

// Of one direction.
struct InitialKeys {
  std::array<std::uint8_t, 16> key{}, header{};
  std::array<std::uint8_t, 12> iv{};
};

// From the client's first destination connection ID, RFC 9001 5.2.
InitialKeys derive_keys(std::uint32_t version, Bytes dcid, bool is_client) noexcept;

// Opens packets. One a worker: contexts of the library and room for what they hold are kept.
class InitialOpener {
 public:
  InitialOpener();
  ~InitialOpener();
  InitialOpener(const InitialOpener&) = delete;
  InitialOpener& operator=(const InitialOpener&) = delete;

  // The frames of the packet, valid until the next call; empty when the keys do not open it.
  Bytes open(const InitialKeys& keys, const LongHeader& packet);

 private:
  evp_cipher_ctx_st* mask_;
  evp_cipher_ctx_st* content_;
  std::vector<std::uint8_t> header_, frames_;
};

}  // namespace catenary::quic
