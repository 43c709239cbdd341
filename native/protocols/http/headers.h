// The header section of one message: what of it becomes part of the event, and what it says about the body.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "flow/context.h"
#include "protocols/http/body.h"
#include "protocols/http/text.h"
#include "protocols/http/transaction.h"

namespace catenary::http {

// How a message's body is delimited, RFC 9112 6.3.
enum class Framing : std::uint8_t { kNone, kLength, kChunked, kUntilClose };

class Headers {
 public:
  // Lines that are kept; framing fields count behind it too, or hiding one behind many would cut the body wrongly.
  static constexpr std::uint32_t kLinesMax = 256;
  static constexpr std::size_t kWebsocketBytesMax = 4096;

  void start(flow::Dir dir, bool is_http_1_1);
  // One field line without its line end; folded lines are already one (RFC 9112 5.2).
  void line(flow::Context& cx, Transaction& tx, std::string_view line);
  // The section is over: which framing, by the rules of RFC 9112 6.3 in their order.
  Framing finish(flow::Context& cx, Transaction& tx);
  BodyPlan plan() const;

  std::uint64_t length() const noexcept { return length_; }
  bool is_upgrade() const noexcept { return has_upgrade_; }
  bool is_websocket() const noexcept { return is_websocket_; }
  // Sec-WebSocket-* fields, as flow::Upgrade has them.
  std::string_view websocket_fields() const noexcept { return websocket_fields_; }

 private:
  void framing_field(flow::Context& cx, Transaction& tx, std::string_view name, std::string_view value);
  void request_field(Transaction& tx, std::string_view name, std::string_view value);
  void response_field(Transaction& tx, std::string_view name, std::string_view value);

  flow::Dir dir_{};
  bool is_http_1_1_ = false;
  bool has_length_ = false, has_transfer_ = false, is_chunked_ = false, has_upgrade_ = false, has_host_ = false;
  bool is_websocket_ = false;
  bool said_limit_ = false, has_range_ = false;
  std::uint32_t lines_ = 0;
  std::uint64_t length_ = 0;
  Coding coding_ = Coding::kIdentity;
  Range range_;
  std::string boundary_, file_name_, websocket_fields_;
};

}  // namespace catenary::http
