// Which certificates were reported lately. A site shows the same few certificates millions of times a day: one record a
// day and role is enough, as in Zeek (X509::relog_known_certificates_after).
//
// A table of sets of kWays entries that never grows. When a set is full its oldest entry goes: that certificate is
// then reported once more than needed, which loses nothing.
#pragma once

#include <memory>

#include "base/net.h"
#include "base/siphash.h"
#include "files/hasher.h"

namespace catenary::x509 {

class Known {
 public:
  static constexpr Nanos kReportAgainAfter = 24 * 3600 * kSecond;
  static constexpr std::size_t kWays = 8;
  static constexpr std::size_t kSets = 4096;  // 32,768 certificates, 1.5 MB

  // The key is no secret: a chosen collision can only make its author's own certificates be reported more often.
  explicit Known(SipKey key = {0x6365'7274'6966'6963ULL, 0x6174'6573ULL}) : key_(key) {}

  // Whether this certificate in this role is new, or was last new kReportAgainAfter ago. Remembers it.
  // The table is made with the first one: a worker that sees no certificate has none.
  bool is_new(const files::Sha256& fingerprint, bool is_host, bool is_client, Nanos now) {
    const std::uint8_t role = static_cast<std::uint8_t>(1 | (is_host ? 2 : 0) | (is_client ? 4 : 0));
    if (!entries_) entries_ = std::make_unique<std::array<Entry, kWays * kSets>>();
    Entry* set = &(*entries_)[(siphash(key_, fingerprint) % kSets) * kWays];
    Entry* oldest = set;
    for (Entry* e = set; e != set + kWays; e++) {
      if (e->role == role && e->fingerprint == fingerprint) {
        if (now - e->since < kReportAgainAfter) return false;
        e->since = now;
        return true;
      }
      if (e->role == 0 || (oldest->role != 0 && e->since < oldest->since)) oldest = e;
    }
    *oldest = {fingerprint, now, role};
    return true;
  }

 private:
  struct Entry {
    files::Sha256 fingerprint{};
    Nanos since = 0;
    std::uint8_t role = 0;  // 0: free
  };
  SipKey key_;
  std::unique_ptr<std::array<Entry, kWays * kSets>> entries_;
};

}  // namespace catenary::x509
