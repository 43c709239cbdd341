// What a parser may use while it is called. Lives for one call.
#pragma once

#include <optional>
#include <string_view>

#include "base/net.h"
#include "event/batch.h"
#include "event/gen/weirds.gen.h"
#include "event/weird_log.h"

namespace catenary::files {
class Tracker;
}

namespace catenary::flow {

struct Flow;
struct Expectation;
class Expected;
class Nesting;

enum class Dir : std::uint8_t { kOrig = 0, kResp = 1 };
constexpr Dir other(Dir d) noexcept { return d == Dir::kOrig ? Dir::kResp : Dir::kOrig; }
constexpr unsigned index(Dir d) noexcept { return static_cast<unsigned>(d); }

// What was said when a flow went over from HTTP to another protocol (RFC 9110 7.8). Views: read during the call.
struct Upgrade {
  std::optional<std::string_view> uri, host, user_agent;
  std::string_view request_fields, response_fields;  // "name:value" each, a line feed behind it
};

struct Context {
  Flow& flow;
  Nanos now;  // packet time
  event::Batcher& events;
  files::Tracker& files;
  event::WeirdLog& weirds;
  Expected* expected = nullptr;  // null where no flow can be announced
  Nesting* nesting = nullptr;    // null where no protocol can carry another (flow/nested.h)

  // Fills the envelope (seen, uid, tuple, vlan) and hands the event on. `ts` is the caller's: when
  // the fact began.
  template <class E>
  void emit(E& e);

  // Something odd in this flow: named, counted, rate limited; the caller goes on.
  void weird(Weird name, std::string_view addl = {});
  // Do not call again for this direction before n unread bytes are there (or the stream ends).
  void need(Dir dir, std::size_t n);
  // The protocol is confirmed: the flow's service list names it.
  void confirm(const char* service);
  // What follows in this flow is another protocol, to be found by its first bytes (CONNECT, Upgrade).
  // The parser is detached after this call; what it left unread is what the next one reads first.
  void hand_over();
  // The same where the parser knows which: that one has the flow at once, and is told what was agreed on. False when
  // there is no such protocol here.
  bool hand_over_to(std::string_view protocol, const Upgrade& upgrade);
  // The flow is a run of questions and answers over UDP (DNS): it ends after ten quiet seconds, not sixty.
  void end_when_quiet();
  // Another flow is about to come, and whose it is (FTP's data connections): see flow/expected.h.
  void expect(const Expectation& expectation);
  // UDP: the first message shows that the responder spoke first. The ends change roles; `Dir` of later calls follows.
  void flip();
};

}  // namespace catenary::flow
