// Certificates that flows show: reads one, fingerprints it, and writes one `x509` event the first time in a day.
//
//   x509::Register register_;                     // one a worker: a protocol's flow::Shared holds it
//   x509::Seen seen;
//   if (register_.see(cx, der, {.is_host = i == 0, .is_client = false}, seen)) ... seen.certificate, seen.fingerprint
#pragma once

#include "files/x509/certificate.h"
#include "files/x509/known.h"
#include "flow/context.h"

namespace catenary::x509 {

// Alternative names kept in an event, by kind: the caps of the schema.
inline constexpr std::size_t kDnsNamesMax = 180;
inline constexpr std::size_t kUriNamesMax = 16;
inline constexpr std::size_t kMailNamesMax = 16;
inline constexpr std::size_t kAddressesMax = 64;

struct Role {
  bool is_host = false;    // the first of its chain
  bool is_client = false;  // shown by the client
};

// Views into the DER that was seen.
struct Seen {
  Certificate certificate;
  files::Sha256 fingerprint{};
};

class Register {
 public:
  // False when `der` is no certificate: a weird says so, and nothing else happens.
  bool see(flow::Context& cx, Bytes der, Role role, Seen& out);
  files::Hasher& hasher() noexcept { return hasher_; }

 private:
  void report(flow::Context& cx, const Seen& seen, Role role);

  files::Hasher hasher_;
  Known known_;
};

}  // namespace catenary::x509
