// The parser: two sides, each a small machine over lines and counted bytes, joined by a queue of transactions.
//
//   start line -> header lines -> body (counted | chunked | until close) -> start line ...
//
// Requests enter the queue as they come, responses answer its front (RFC 9112 9.3.2). A transaction leaves it, and
// becomes an event, when both its messages are over.
#include "protocols/http/http.h"

#include <algorithm>
#include <vector>

#include "flow/flow.h"
#include "protocols/http/body.h"
#include "protocols/http/headers.h"
#include "protocols/http/start_line.h"
#include "protocols/http/text.h"
#include "protocols/http/transaction.h"

namespace catenary::http {

namespace {

using flow::Context;
using flow::Dir;
using flow::Step;

constexpr std::size_t kLineBytesMax = 16384;
// A line that is not whole, and behind it whatever one segment brings.
constexpr std::uint32_t kUnreadMax = 131072;
// As Zeek: more unanswered requests mean one-sided or hostile traffic.
constexpr std::size_t kPendingMax = 100;
constexpr std::size_t kPendingBytesMax = 512 * 1024;

enum class State : std::uint8_t {
  kStartLine,
  kHeaders,
  kLength,
  kUntilClose,
  kChunkSize,
  kChunkData,
  kChunkEnd,
  kTrailers,
  kTunnel,  // behind CONNECT, until the answer says what these bytes are
  kResync,  // behind a hole: until something is a start line for certain
  kDead,    // not HTTP any more
};

struct Side {
  State state = State::kStartLine;
  bool skips_line = false;    // the rest of a line that was too long
  std::uint32_t scanned = 0;  // of the unread bytes, looked at already
  std::uint64_t left = 0;     // of a counted body or chunk
  Transaction* tx = nullptr;  // whose message is being read
  Headers headers;
  Body body;
};

class HttpParser final : public flow::Parser {
 public:
  Step on_stream(Context& cx, Dir dir, Cursor& in) override;
  Step on_gap(Context& cx, Dir dir, std::uint64_t bytes) override;
  void on_end(Context& cx, Dir dir) override;
  void on_close(Context& cx) override;

 private:
  Side& side(Dir dir) noexcept { return sides_[flow::index(dir)]; }
  Worker& worker() noexcept { return *static_cast<Worker*>(shared); }

  bool advance(Context& cx, Dir dir, Side& s, Cursor& in);
  bool take_line(Context& cx, Side& s, Cursor& in, bool is_field, std::string_view& line);
  void line(Context& cx, Dir dir, Side& s, std::string_view line);
  void counted(Context& cx, Dir dir, Side& s, Cursor& in);
  bool resync(Dir dir, Side& s, Cursor& in);

  void start_request(Context& cx, Side& s, std::string_view line);
  void start_response(Context& cx, Side& s, std::string_view line);
  void start_raw_response(Side& s);
  void end_headers(Context& cx, Dir dir, Side& s);
  void end_message(Context& cx, Dir dir, Side& s, files::End how);
  void give_up(Context& cx, Dir dir, Side& s, State state);
  void last_line(Context& cx, Dir dir, bool needs_end);

  Transaction& create(Context& cx);
  Transaction* next_unanswered() noexcept;
  void make_room(Context& cx);
  void finish(Context& cx, Transaction& tx);
  bool upgrade_to_websocket(Context& cx, const Transaction& tx);
  void remember_counts(Context& cx);
  void recall_counts(Context& cx);

  Side sides_[2];
  std::vector<std::unique_ptr<Transaction>> pending_;
  Transaction* interim_ = nullptr;  // had a 1xx, its response is still to come
  std::uint32_t trans_depth_ = 0;
  bool has_started_ = false, is_handing_over_ = false, is_confirmed_ = false;
  bool said_bare_lf_ = false, said_folded_ = false;
};

// ---- lines -----------------------------------------------------------------------------------------------------

// The next line, without its end. A field goes on in the next line when that begins with a blank (RFC 9112 5.2), so
// its end is known only with the byte behind it. What was looked at is not looked at again.
bool HttpParser::take_line(Context& cx, Side& s, Cursor& in, bool is_field, std::string_view& line) {
  if (s.skips_line) {
    const std::size_t end = as_text(in.peek_rest()).find('\n');
    if (end == std::string_view::npos) {
      in.rest();
      return false;
    }
    in.skip(end + 1);
    s.skips_line = false;
  }
  const std::string_view text = as_text(in.peek_rest());
  for (std::size_t from = s.scanned;;) {
    const std::size_t lf = text.find('\n', from);
    if (lf >= kLineBytesMax) {  // too far away, or not there
      if (text.size() < kLineBytesMax) {
        s.scanned = static_cast<std::uint32_t>(text.size());
        return false;
      }
      cx.weird(Weird::http_line_too_long);
      line = text.substr(0, kLineBytesMax);
      in.skip(kLineBytesMax);
      s.scanned = 0;
      s.skips_line = true;
      if (s.tx) s.tx->is_cut = true;
      break;
    }
    const bool is_empty = lf == 0 || (lf == 1 && text[0] == '\r');
    if (is_field && !is_empty) {
      if (lf + 1 == text.size()) {
        s.scanned = static_cast<std::uint32_t>(lf);
        return false;
      }
      if (is_blank(text[lf + 1])) {
        from = lf + 1;
        continue;
      }
    }
    line = text.substr(0, lf);
    in.skip(lf + 1);
    s.scanned = 0;
    if (!said_bare_lf_ && (line.empty() || line.back() != '\r')) {
      said_bare_lf_ = true;
      cx.weird(Weird::http_bare_lf);
    }
    while (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    break;
  }
  if (line.find('\n') == std::string_view::npos) return true;
  if (!said_folded_) {
    said_folded_ = true;
    cx.weird(Weird::http_header_folded);
  }
  std::string& one = worker().scratch;
  one.clear();
  for (const char c : line) {
    if (c != '\r' && c != '\n') one.push_back(c);
  }
  line = one;
  return true;
}

void HttpParser::line(Context& cx, Dir dir, Side& s, std::string_view line) {
  switch (s.state) {
    case State::kStartLine:
      // RFC 9112 2.2: empty lines before a start line are skipped.
      if (trim(line).empty()) return;
      if (dir == Dir::kOrig)
        start_request(cx, s, line);
      else
        start_response(cx, s, line);
      return;
    case State::kHeaders:
      if (line.empty())
        end_headers(cx, dir, s);
      else
        s.headers.line(cx, *s.tx, line);
      return;
    case State::kChunkSize:
      if (!parse_chunk_size(line, s.left)) {
        cx.weird(Weird::http_chunk_size_malformed, line.substr(0, 32));
        return give_up(cx, dir, s, State::kDead);
      }
      s.state = s.left == 0 ? State::kTrailers : State::kChunkData;
      return;
    case State::kChunkEnd:
      if (!line.empty()) cx.weird(Weird::http_chunk_size_malformed, "data behind a chunk");
      s.state = State::kChunkSize;
      return;
    default:  // kTrailers
      if (line.empty()) end_message(cx, dir, s, files::End::kComplete);
  }
}

// ---- the machine -----------------------------------------------------------------------------------------------

void HttpParser::counted(Context& cx, Dir dir, Side& s, Cursor& in) {
  const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(s.left, in.left()));
  s.left -= n;
  s.body.bytes(cx, in.take(n));
  if (s.left > 0) return;
  if (s.state == State::kChunkData)
    s.state = State::kChunkEnd;
  else
    end_message(cx, dir, s, files::End::kComplete);
}

// One step; false when it can go no further with what is there.
bool HttpParser::advance(Context& cx, Dir dir, Side& s, Cursor& in) {
  switch (s.state) {
    case State::kLength:
    case State::kChunkData: counted(cx, dir, s, in); return true;
    case State::kUntilClose: s.body.bytes(cx, in.rest()); return true;
    case State::kTunnel: return false;
    case State::kDead: in.rest(); return false;
    case State::kResync: return resync(dir, s, in);
    case State::kStartLine:
      // A request without a version has an answer without a status line.
      if (dir == Dir::kResp && !interim_) {
        const Transaction* tx = next_unanswered();
        if (tx && tx->is_old) {
          start_raw_response(s);
          return true;
        }
      }
      break;
    default: break;
  }
  std::string_view text;
  const bool is_field = s.state == State::kHeaders || s.state == State::kTrailers;
  if (!take_line(cx, s, in, is_field, text)) return false;
  line(cx, dir, s, text);
  return true;
}

Step HttpParser::on_stream(Context& cx, Dir dir, Cursor& in) {
  Side& s = side(dir);
  if (!has_started_) recall_counts(cx);
  while (!in.done() && !is_handing_over_ && advance(cx, dir, s, in)) {
  }
  if (is_handing_over_) {
    remember_counts(cx);
    if (!interim_ || !s.headers.is_websocket() || !upgrade_to_websocket(cx, *interim_)) cx.hand_over();
    return Step::kContinue;
  }
  const bool is_over = sides_[0].state == State::kDead && sides_[1].state == State::kDead;
  return is_over || (!is_confirmed_ && s.state == State::kDead) ? Step::kDetach : Step::kContinue;
}

// RFC 6455 4: what follows the 101 are its frames.
bool HttpParser::upgrade_to_websocket(Context& cx, const Transaction& tx) {
  const auto text = [&](Slice s) { return s.is_set ? std::optional(tx.text(s)) : std::nullopt; };
  std::string host(tx.text(tx.host));
  if (tx.host_port) host += ":" + std::to_string(*tx.host_port);
  const flow::Upgrade upgrade{.uri = text(tx.uri),
                              .host = tx.host.is_set ? std::optional<std::string_view>(host) : std::nullopt,
                              .user_agent = text(tx.user_agent),
                              .request_fields = side(Dir::kOrig).headers.websocket_fields(),
                              .response_fields = side(Dir::kResp).headers.websocket_fields()};
  return cx.hand_over_to("websocket", upgrade);
}

// A segment that begins with a start line takes the stream up again; what does not is skipped.
bool HttpParser::resync(Dir dir, Side& s, Cursor& in) {
  const std::string_view text = as_text(in.peek_rest());
  std::string_view line = text.substr(0, std::min(text.find('\n'), kLineBytesMax));
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  StatusLine status;
  const bool is_start =
      dir == Dir::kOrig ? is_certain_request_line(line) : parse_status_line(line, status) && status.code != 0;
  if (!is_start) {
    in.rest();
    return false;
  }
  s.state = State::kStartLine;
  return true;
}

Step HttpParser::on_gap(Context& cx, Dir dir, std::uint64_t bytes) {
  Side& s = side(dir);
  s.scanned = 0;
  switch (s.state) {
    case State::kUntilClose: s.body.gap(cx, bytes, true); return Step::kContinue;
    case State::kLength:
    case State::kChunkData: {
      // Of a hole that goes beyond a chunk nobody can tell how much of it was content.
      const bool is_beyond = bytes > s.left;
      s.body.gap(cx, is_beyond && s.state == State::kLength ? s.left : bytes, !is_beyond || s.state == State::kLength);
      s.left -= std::min(bytes, s.left);
      if (is_beyond) {
        give_up(cx, dir, s, State::kResync);
      } else if (s.left == 0) {
        if (s.state == State::kChunkData)
          s.state = State::kChunkEnd;
        else
          end_message(cx, dir, s, files::End::kComplete);
      }
      return Step::kContinue;
    }
    case State::kDead:
    case State::kTunnel: return Step::kContinue;
    default:
      give_up(cx, dir, s, State::kResync);
      s.skips_line = false;
      break;
  }
  // Answers may have been lost: the next one seen is to the newest request, unless requests are pipelined.
  if (dir == Dir::kResp) {
    interim_ = nullptr;
    while (pending_.size() > 1 && pending_[0].get() != sides_[0].tx) finish(cx, *pending_[0]);
  }
  return Step::kContinue;
}

void HttpParser::give_up(Context& cx, Dir dir, Side& s, State state) {
  if (s.tx) end_message(cx, dir, s, files::End::kAborted);
  s.state = state;
}

// What is left when nothing more comes: a header line that waited for the byte behind it, or a line without its end.
void HttpParser::last_line(Context& cx, Dir dir, bool needs_end) {
  Side& s = side(dir);
  const flow::Stream& stream = cx.flow.end(dir).stream;
  const bool is_in_line = s.state == State::kStartLine || s.state == State::kHeaders || s.state == State::kTrailers;
  if (stream.unread_len == 0 || !is_in_line || s.skips_line) return;
  std::string_view text = as_text(Bytes{stream.unread, std::min<std::size_t>(stream.unread_len, kLineBytesMax)});
  if (needs_end && text.back() != '\n') return;
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  if (!text.empty()) line(cx, dir, s, text);
}

void HttpParser::on_end(Context& cx, Dir dir) {
  last_line(cx, dir, false);
  Side& s = side(dir);
  if (!s.tx) return;
  const bool is_whole = s.state == State::kUntilClose;
  end_message(cx, dir, s, is_whole ? files::End::kComplete : files::End::kAborted);
}

void HttpParser::on_close(Context& cx) {
  for (const Dir dir : {Dir::kOrig, Dir::kResp}) {
    if (!cx.flow.end(dir).stream.is_finished && !is_handing_over_) last_line(cx, dir, true);
    if (side(dir).tx) end_message(cx, dir, side(dir), files::End::kAborted);
  }
  while (!pending_.empty()) finish(cx, *pending_[0]);
}

// ---- messages --------------------------------------------------------------------------------------------------

void HttpParser::start_request(Context& cx, Side& s, std::string_view line) {
  RequestLine request;
  // A line without a version is believed to be a request only when its method is known.
  const bool is_request = parse_request_line(line, request);
  if (!is_request || (request.version == Version{0, 9} && !is_known_method(request.method))) {
    cx.weird(Weird::http_request_line_malformed, line.substr(0, 64));
    s.state = State::kDead;
    return;
  }
  if (request.version.major != 1 && request.version != Version{0, 9}) cx.weird(Weird::http_version_unknown);
  if (!is_confirmed_) cx.confirm("http");
  is_confirmed_ = true;
  make_room(cx);
  Transaction& tx = create(cx);
  tx.has_request = true;
  tx.method = tx.keep(request.method, 64);
  tx.keep_uri(request.target);
  tx.is_head = equals_any_case(request.method, "head");
  tx.is_connect = equals_any_case(request.method, "connect");
  tx.is_old = request.version == Version{0, 9};
  s.tx = &tx;
  s.headers.start(Dir::kOrig, request.version == Version{1, 1});
  s.state = State::kHeaders;
}

void HttpParser::start_response(Context& cx, Side& s, std::string_view line) {
  StatusLine status;
  if (!parse_status_line(line, status)) {
    cx.weird(Weird::http_status_line_malformed, line.substr(0, 64));
    s.state = State::kDead;
    return;
  }
  if (status.version.major != 1) cx.weird(Weird::http_version_unknown);
  if (status.code == 0) cx.weird(Weird::http_status_line_malformed, line.substr(0, 64));
  // As in Zeek: an answer makes no HTTP of a flow in which nobody asked in it, where the asking could be seen.
  if (!is_confirmed_ && (trans_depth_ > 0 || cx.flow.is_partial || cx.flow.tcp_size(Dir::kOrig) == 0)) {
    cx.confirm("http");
    is_confirmed_ = true;
  }
  Transaction* tx = interim_ ? interim_ : next_unanswered();
  interim_ = nullptr;
  if (!tx) {
    cx.weird(Weird::http_response_without_request);
    tx = &create(cx);
  }
  const char version[3] = {static_cast<char>('0' + status.version.major), '.',
                           static_cast<char>('0' + status.version.minor)};
  tx->has_response = true;
  tx->status_code = status.code;
  tx->status_msg = tx->keep(status.has_reason ? status.reason : "<empty>", 256);
  tx->version = tx->keep({version, sizeof version}, 8);
  if (tx->is_interim()) {
    tx->info_code = status.code;
    tx->info_msg = tx->status_msg;
  }
  s.tx = tx;
  s.headers.start(Dir::kResp, status.version == Version{1, 1});
  s.state = State::kHeaders;
}

// HTTP/0.9: the answer is the file and ends with the connection. Zeek writes status 0 for it.
void HttpParser::start_raw_response(Side& s) {
  Transaction* tx = next_unanswered();
  tx->has_response = true;
  tx->status_code = 0;
  tx->status_msg = tx->keep("<empty>", 256);
  tx->version = tx->keep("0.9", 8);
  s.tx = tx;
  s.headers.start(Dir::kResp, false);
  s.body.start(worker(), *tx, Dir::kResp, s.headers.plan());
  s.state = State::kUntilClose;
}

void HttpParser::end_headers(Context& cx, Dir dir, Side& s) {
  const Framing framing = s.headers.finish(cx, *s.tx);
  if (framing == Framing::kNone) return end_message(cx, dir, s, files::End::kComplete);
  s.body.start(worker(), *s.tx, dir, s.headers.plan());
  switch (framing) {
    case Framing::kLength:
      s.left = s.headers.length();
      s.state = State::kLength;
      return;
    case Framing::kChunked: s.state = State::kChunkSize; return;
    default: s.state = State::kUntilClose;
  }
}

void HttpParser::end_message(Context& cx, Dir dir, Side& s, files::End how) {
  Transaction& tx = *s.tx;
  const bool has_body = s.body.is_open();
  if (has_body) s.body.end(cx, how);
  const std::uint64_t length = has_body ? s.body.length() : 0;
  s.tx = nullptr;
  s.state = State::kStartLine;
  if (dir == Dir::kOrig) {
    tx.request_body_len = length;
    tx.is_request_done = true;
    if (tx.is_connect && how == files::End::kComplete && !tx.is_response_done) s.state = State::kTunnel;
    if (tx.is_response_done) finish(cx, tx);
    return;
  }
  tx.response_body_len = length;
  if (tx.is_interim() && how == files::End::kComplete) {
    interim_ = &tx;
    // RFC 9110 15.2.2: what follows is what the Upgrade field names.
    is_handing_over_ = tx.status_code == 101 && s.headers.is_upgrade();
    return;
  }
  tx.is_response_done = true;
  if (tx.is_connect) {
    is_handing_over_ = tx.status_code >= 200 && tx.status_code < 300 && how == files::End::kComplete;
    if (side(Dir::kOrig).state == State::kTunnel) side(Dir::kOrig).state = State::kStartLine;
  }
  if (tx.is_request_done || !tx.has_request) finish(cx, tx);
}

// ---- the queue -------------------------------------------------------------------------------------------------

Transaction& HttpParser::create(Context& cx) {
  auto& spare = worker().spare;
  if (spare.empty()) {
    pending_.push_back(std::make_unique<Transaction>());
  } else {
    pending_.push_back(std::move(spare.back()));
    spare.pop_back();
  }
  pending_.back()->reset(cx.now, ++trans_depth_, worker().texts);
  return *pending_.back();
}

Transaction* HttpParser::next_unanswered() noexcept {
  for (const auto& tx : pending_) {
    if (!tx->has_response) return tx.get();
  }
  return nullptr;
}

// Before another request is taken in.
void HttpParser::make_room(Context& cx) {
  std::size_t bytes = 0;
  if (pending_.size() > 1) {
    for (const auto& tx : pending_) bytes += tx->bytes();
  }
  if (pending_.size() < kPendingMax && bytes < kPendingBytesMax) return;
  cx.weird(Weird::http_pipeline_limit);
  std::size_t kept = 0;
  while (pending_.size() > kept) {
    Transaction& oldest = *pending_[kept];
    if (&oldest == sides_[1].tx || &oldest == interim_)
      kept++;
    else
      finish(cx, oldest);
  }
}

void HttpParser::remember_counts(Context& cx) {
  Worker& w = worker();
  w.counted[w.next_counted++ % Worker::kCountedMax] = {cx.flow.uid, trans_depth_, sides_[0].body.file_count,
                                                       sides_[1].body.file_count};
}

void HttpParser::recall_counts(Context& cx) {
  has_started_ = true;
  for (const Worker::Counted& c : worker().counted) {
    if (c.uid != cx.flow.uid || c.trans_depth < trans_depth_) continue;
    trans_depth_ = c.trans_depth;
    sides_[0].body.file_count = c.orig_files;
    sides_[1].body.file_count = c.resp_files;
  }
}

// Writes the event and takes the transaction out of the queue.
void HttpParser::finish(Context& cx, Transaction& tx) {
  tx.emit(cx);
  if (interim_ == &tx) interim_ = nullptr;
  const auto at = std::find_if(pending_.begin(), pending_.end(), [&](const auto& p) { return p.get() == &tx; });
  auto& spare = worker().spare;
  const bool is_small = tx.bytes() < 16384;
  tx.release();
  if (is_small && spare.size() < Worker::kSpareMax) spare.push_back(std::move(*at));
  pending_.erase(at);
}

}  // namespace

extern constexpr flow::ProtocolInfo kProtocol =
    flow::make_protocol<HttpParser, Worker>("http", true, false, probe, kUnreadMax);

}  // namespace catenary::http
