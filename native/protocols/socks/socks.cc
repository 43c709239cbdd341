// The two sides in turn.
//
//   5, client   5 | methods (1+n)                  proxy   5 | method
//      client   1 | user (1+n) | password (1+n)    proxy   1 | status              when the method is 2
//      client   5 | command | 0 | address | port   proxy   5 | reply | 0 | address | port
//   4, client   4 | command | port | IPv4 | user 0 [| name 0]   proxy   0 | reply | port | IPv4
#include "protocols/socks/socks.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "base/ascii.h"
#include "flow/flow.h"
#include "protocols/socks/socks.gen.h"

namespace catenary::socks {

namespace {

using flow::Context;
using flow::Dir;
using flow::Probe;
using flow::Step;

constexpr std::uint32_t kUnreadMax = 65536;
constexpr std::uint8_t kSuccess5 = 0, kSuccess4 = 0x5a;
constexpr std::uint8_t kPassword = 2;
// Of version 4, which ends its texts with a zero: longer ones are another protocol's.
constexpr std::size_t kTextMax = 255;

constexpr std::string_view kStatus5[] = {"succeeded",
                                         "general SOCKS server failure",
                                         "connection not allowed by ruleset",
                                         "Network unreachable",
                                         "Host unreachable",
                                         "Connection refused",
                                         "TTL expired",
                                         "Command not supported",
                                         "Address type not supported"};
constexpr std::string_view kStatus4[] = {
    "succeeded", "general SOCKS server failure", "request failed because client is not running identd",
    "request failed because client's identd could not confirm the user ID string in the request"};
constexpr std::string_view kCommands[] = {"connect", "bind", "udp_associate"};

struct Address {
  std::optional<Ip> host;
  std::optional<std::string> name;
  std::uint16_t port = 0;
};

enum class Read : std::uint8_t { kWhole, kWait, kBad };

// RFC 1928 5.
Read read_address(Cursor& in, Address& out) {
  constexpr std::uint8_t kIp4 = 1, kName = 3, kIp6 = 4;
  const std::uint8_t type = in.u8();
  if (!in.ok()) return Read::kWait;
  switch (type) {
    case kIp4: out.host = Ip::v4(in.take(4)); break;
    case kIp6: out.host = Ip::v6(in.take(16)); break;
    case kName: out.name = std::string(as_text(in.take(in.u8()))); break;
    default: return Read::kBad;
  }
  out.port = in.be16();
  return in.ok() ? Read::kWhole : Read::kWait;
}

// Up to a zero, which is taken off too.
Read read_text(Cursor& in, std::string& out) {
  const std::string_view rest = as_text(in.peek_rest());
  const std::size_t zero = rest.substr(0, kTextMax + 1).find('\0');
  if (zero == std::string_view::npos) return rest.size() > kTextMax ? Read::kBad : Read::kWait;
  out = rest.substr(0, zero);
  in.skip(zero + 1);
  return Read::kWhole;
}

class Parser final : public flow::Parser {
 public:
  Step on_stream(Context& cx, Dir dir, Cursor& in) override;
  void on_close(Context& cx) override {
    if (is_confirmed_ && !is_written_) write(cx);
  }

 private:
  enum class State : std::uint8_t { kGreeting, kMethod, kLogin, kLoginStatus, kRequest, kReply, kOver };

  Read step(Context& cx, Cursor& in);
  Read greeting(Cursor& in);
  Read method(Context& cx, Cursor& in);
  Read login(Cursor& in);
  Read login_status(Cursor& in);
  Read request(Cursor& in);
  Read request4(Cursor& in);
  Read reply(Context& cx, Cursor& in);
  Read reply4(Context& cx, Cursor& in);
  void end(Context& cx, bool is_granted);
  void write(Context& cx);
  // Whose turn it is.
  bool is_clients_turn() const noexcept {
    return state_ == State::kGreeting || state_ == State::kLogin || state_ == State::kRequest;
  }

  State state_ = State::kGreeting;
  std::optional<Dir> client_;
  Nanos first_ = 0;
  std::uint8_t version_ = 0, command_ = 0;
  std::optional<std::uint8_t> method_;
  std::optional<std::string> user_;
  std::string status_;
  std::optional<Address> request_, bound_;
  bool is_confirmed_ = false, is_written_ = false, is_handing_over_ = false;
};

Step Parser::on_stream(Context& cx, Dir dir, Cursor& in) {
  if (!client_) {
    client_ = dir;
    first_ = cx.now;
  }
  while (!in.done() && state_ != State::kOver) {
    if (is_clients_turn() != (dir == *client_)) {
      // A client may send what it wants passed on ahead of the reply; a proxy speaks when it is asked.
      if (dir == *client_) return Step::kContinue;
      return Step::kDetach;
    }
    Cursor unit = in;
    const Read r = step(cx, unit);
    if (r == Read::kWait) return Step::kContinue;
    if (r == Read::kBad) {
      if (is_confirmed_) cx.weird(Weird::socks_message_malformed);
      return Step::kDetach;
    }
    in = unit;
  }
  if (is_handing_over_) {
    cx.hand_over();
    return Step::kContinue;
  }
  return state_ == State::kOver ? Step::kDetach : Step::kContinue;
}

Read Parser::step(Context& cx, Cursor& in) {
  switch (state_) {
    case State::kGreeting: return greeting(in);
    case State::kMethod: return method(cx, in);
    case State::kLogin: return login(in);
    case State::kLoginStatus: return login_status(in);
    case State::kRequest: return request(in);
    case State::kReply: return version_ == 5 ? reply(cx, in) : reply4(cx, in);
    case State::kOver: break;
  }
  return Read::kBad;
}

Read Parser::greeting(Cursor& in) {
  version_ = in.peek(1)[0];
  if (version_ == 4) return request4(in);
  in.skip(1);
  in.skip(in.u8());
  if (!in.ok()) return Read::kWait;
  state_ = State::kMethod;
  return version_ == 5 ? Read::kWhole : Read::kBad;
}

Read Parser::method(Context& cx, Cursor& in) {
  constexpr std::uint8_t kNone = 0xff;
  const std::uint8_t version = in.u8(), chosen = in.u8();
  if (!in.ok()) return Read::kWait;
  if (version != 5) return Read::kBad;
  cx.confirm("socks");
  is_confirmed_ = true;
  method_ = chosen;
  // What follows another method than these, this parser cannot read (GSSAPI, RFC 1961).
  state_ = chosen == 0 ? State::kRequest : chosen == kPassword ? State::kLogin : State::kOver;
  if (chosen == kNone) status_ = "no acceptable methods";
  return Read::kWhole;
}

// RFC 1929 2. The password is not kept.
Read Parser::login(Cursor& in) {
  const std::uint8_t version = in.u8();
  const Bytes user = in.take(in.u8());
  in.skip(in.u8());
  if (!in.ok()) return Read::kWait;
  user_ = std::string(as_text(user));
  state_ = State::kLoginStatus;
  return version == 1 ? Read::kWhole : Read::kBad;
}

Read Parser::login_status(Cursor& in) {
  in.skip(1);
  const std::uint8_t status = in.u8();
  if (!in.ok()) return Read::kWait;
  status_ = kStatus5[status == 0 ? 0 : 1];
  state_ = status == 0 ? State::kRequest : State::kOver;
  return Read::kWhole;
}

Read Parser::request(Cursor& in) {
  const std::uint8_t version = in.u8();
  command_ = in.u8();
  in.skip(1);
  Address a;
  const Read r = read_address(in, a);
  if (r != Read::kWhole) return r;
  if (version != 5) return Read::kBad;
  request_ = std::move(a);
  state_ = State::kReply;
  return Read::kWhole;
}

Read Parser::request4(Cursor& in) {
  in.skip(1);
  command_ = in.u8();
  Address a;
  a.port = in.be16();
  const Bytes host = in.take(4);
  if (!in.ok()) return Read::kWait;
  a.host = Ip::v4(host);
  std::string user, name;
  Read r = read_text(in, user);
  if (r != Read::kWhole) return r;
  // SOCKS4A: an address that cannot be is followed by a name.
  const bool has_name = host[0] == 0 && host[1] == 0 && host[2] == 0 && host[3] != 0;
  if (has_name) {
    r = read_text(in, name);
    if (r != Read::kWhole) return r;
    a.name = std::move(name);
  }
  if (!user.empty()) user_ = std::move(user);
  request_ = std::move(a);
  state_ = State::kReply;
  return Read::kWhole;
}

Read Parser::reply(Context& cx, Cursor& in) {
  const std::uint8_t version = in.u8(), code = in.u8();
  in.skip(1);
  Address a;
  const Read r = read_address(in, a);
  if (r != Read::kWhole) return r;
  if (version != 5) return Read::kBad;
  bound_ = std::move(a);
  status_ = code < std::size(kStatus5) ? std::string(kStatus5[code]) : "unknown-" + std::to_string(code);
  end(cx, code == kSuccess5);
  return Read::kWhole;
}

Read Parser::reply4(Context& cx, Cursor& in) {
  const std::uint8_t zero = in.u8(), code = in.u8();
  Address a;
  a.port = in.be16();
  const Bytes host = in.take(4);
  if (!in.ok()) return Read::kWait;
  const unsigned place = code - kSuccess4;
  if (zero != 0 || code < kSuccess4 || place >= std::size(kStatus4)) return Read::kBad;
  a.host = Ip::v4(host);
  bound_ = std::move(a);
  status_ = kStatus4[place];
  cx.confirm("socks");
  is_confirmed_ = true;
  end(cx, code == kSuccess4);
  return Read::kWhole;
}

void Parser::end(Context& cx, bool is_granted) {
  constexpr std::uint8_t kUdp = 3;
  write(cx);
  state_ = State::kOver;
  is_handing_over_ = is_granted && command_ != kUdp;
}

void Parser::write(Context& cx) {
  is_written_ = true;
  SocksEvent e;
  e.ts = micros(first_);
  e.version = version_;
  if (user_) e.user = *user_;
  if (!status_.empty()) e.status = status_;
  if (request_) {
    e.request_host = request_->host;
    if (request_->name) e.request_name = *request_->name;
    e.request_p = request_->port;
  }
  if (bound_) {
    e.bound_host = bound_->host;
    if (bound_->name) e.bound_name = *bound_->name;
    e.bound_p = bound_->port;
  }
  if (command_ >= 1 && command_ <= std::size(kCommands)) e.command = kCommands[command_ - 1];
  e.method = method_;
  e.reverse = client_ == Dir::kResp;
  cx.emit(e);
}

// Methods of RFC 1928 3, those assigned since, and private ones.
bool is_method(std::uint8_t m) noexcept { return m <= 9 || (m >= 0x80 && m < 0xff); }

Probe probe5(Bytes data) noexcept {
  constexpr std::size_t kMethodsMax = 10;
  if (data.size() < 2) return Probe::kMore;
  const std::size_t n = data[1];
  if (n == 0 || n > kMethodsMax || data.size() > 2 + n) return Probe::kNo;
  const Bytes methods = data.subspan(2);
  if (!std::all_of(methods.begin(), methods.end(), is_method)) return Probe::kNo;
  return methods.size() == n ? Probe::kYes : Probe::kMore;
}

Probe probe4(Bytes data) {
  if (data.size() > 1 && (data[1] == 0 || data[1] > 2)) return Probe::kNo;
  Cursor in(data);
  in.skip(4);
  const Bytes host = in.take(4);
  if (!in.ok()) return Probe::kMore;
  std::size_t texts = host[0] == 0 && host[1] == 0 && host[2] == 0 ? 2 : 1;
  if (texts == 2 && host[3] == 0) return Probe::kNo;
  const std::string_view rest = as_text(in.rest());
  for (std::size_t i = 0; i < rest.size(); i++) {
    if (rest[i] != '\0') {
      if (!ascii::is_graph(rest[i]) || i > 2 * kTextMax) return Probe::kNo;
    } else if (--texts == 0) {
      return i + 1 == rest.size() ? Probe::kYes : Probe::kNo;
    }
  }
  return Probe::kMore;
}

}  // namespace

Probe probe(const flow::ProbeInput& in) noexcept {
  if (in.data.empty()) return Probe::kNo;
  if (in.data[0] == 5) return probe5(in.data);
  return in.data[0] == 4 ? probe4(in.data) : Probe::kNo;
}

extern constexpr flow::ProtocolInfo kProtocol = flow::make_protocol<Parser>("socks", true, false, probe, kUnreadMax);

}  // namespace catenary::socks
