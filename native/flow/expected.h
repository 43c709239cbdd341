// Flows that another flow announced: FTP says on its control connection where the next data connection goes, TFTP
// answers a request from another port.
//
// A flow that is expected has its parser from its first packet, without a probe; what it carries may be anything. At
// most kMax are kept, each for kLifetime of packet time. A flow that came does not use its expectation up: a client may
// try again. The hash is keyed, and an address that is announced again replaces what was said before, so no bucket
// grows under an attacker's hand.
#pragma once

#include <vector>

#include "base/net.h"
#include "base/siphash.h"

namespace catenary::flow {

struct ProtocolInfo;
class Shared;

// Which flow, of a transport that the protocol has, whose parser reads it, and what its parser is told.
struct Expectation {
  Ip orig_h, resp_h;
  std::uint16_t resp_p = 0;
  const ProtocolInfo* protocol = nullptr;
  Shared* shared = nullptr;  // of the one who announced it
  std::uint64_t token = 0;   // for Parser::on_expected: a number of the announcer's
};

class Expected {
 public:
  static constexpr std::size_t kMax = 4096;
  static constexpr Nanos kLifetime = 300 * kSecond;  // Zeek's

  explicit Expected(SipKey key) : key_(key) {}

  // False when one that was still valid was forgotten for it.
  bool add(const Expectation& e, Nanos now);
  // Null when nobody announced such a flow. Valid until the next add().
  const Expectation* find(const Ip& orig_h, const Ip& resp_h, std::uint16_t resp_p, Nanos now) const noexcept;

 private:
  static constexpr std::uint32_t kNil = 0xffffffff;
  static constexpr std::size_t kBuckets = 2 * kMax;
  struct Entry {
    Expectation what;
    Nanos until = 0;
    std::uint32_t next = kNil;
    std::uint32_t bucket = kNil;
  };

  std::uint32_t bucket_of(const Ip& orig_h, const Ip& resp_h, std::uint16_t resp_p) const noexcept;
  std::uint32_t entry_of(std::uint32_t bucket, const Ip& orig_h, const Ip& resp_h, std::uint16_t resp_p) const noexcept;
  void unlink(std::uint32_t i) noexcept;

  SipKey key_;
  std::vector<Entry> ring_;             // in order of announcement; the oldest is written over
  std::vector<std::uint32_t> buckets_;  // made with the first expectation
  std::size_t next_ = 0;
  Nanos last_until_ = 0;  // nothing is valid from here on
};

}  // namespace catenary::flow
