// One request with its response, or either alone, on its way to becoming an http event.
//
// All texts of a transaction lie in one string, cut to the schema's caps as they come in, so a transaction costs one
// allocation, none when it is used again, and never more than kTextBytesMax.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "files/tracker.h"
#include "flow/context.h"

namespace catenary::http {

// A part of the transaction's text.
struct Slice {
  std::uint32_t at = 0, size = 0;
  bool is_set = false;
};

// The schema's caps.
inline constexpr std::size_t kHeaderNamesMax = 64;
inline constexpr std::size_t kFilesMax = 15;  // as Zeek: of one message
inline constexpr std::size_t kFileNamesMax = 8;
inline constexpr std::size_t kProxiedMax = 8;
inline constexpr std::size_t kTextBytesMax = 65536;

// The files of one message.
struct MessageFiles {
  std::array<std::array<char, files::kFuidBytes>, kFilesMax> fuids;
  std::array<std::string_view, kFilesMax> mime_types;
  std::array<Slice, kFileNamesMax> names;
  std::uint8_t fuid_count = 0, mime_count = 0, name_count = 0;
};

struct HeaderNames {
  std::array<Slice, kHeaderNamesMax> names;
  std::uint8_t count = 0;
};

class Transaction {
 public:
  // Empties it for the next use; keeps its memory.
  void reset(Nanos now, std::uint32_t trans_depth);

  // Keeps at most `cap` bytes.
  Slice keep(std::string_view s, std::size_t cap);
  std::string_view text(Slice s) const noexcept { return std::string_view(text_).substr(s.at, s.size); }
  std::size_t bytes() const noexcept { return text_.size(); }

  void keep_uri(std::string_view target);
  // "name:port" is split; what is no such thing stays whole, so that the two say what the header said.
  void keep_host(std::string_view value);
  // Basic authentication, RFC 7617 2: the user; the password is not kept.
  void keep_user(std::string_view credentials);
  void keep_proxied(std::string_view name, std::string_view value);
  void keep_name(flow::Dir dir, std::string_view name);

  void add_file(flow::Dir dir, std::string_view fuid, std::string_view name);
  void add_mime_type(flow::Dir dir, std::string_view mime);

  void emit(flow::Context& cx);

  Nanos ts = 0;
  std::uint32_t trans_depth = 0;
  bool has_request = false, is_request_done = false;
  bool has_response = false, is_response_done = false;
  bool is_head = false, is_connect = false;
  bool is_old = false;  // HTTP/0.9
  bool is_cut = false;

  Slice method, uri, referrer, user_agent, origin, username, version, status_msg, info_msg;
  Slice request_content_type, response_content_type, response_content_encoding, location, server;
  std::optional<std::uint16_t> status_code, info_code;
  std::uint64_t request_body_len = 0, response_body_len = 0;

  // Whether the last status line was an interim one (RFC 9110 15.2): another will follow.
  bool is_interim() const noexcept { return status_code && *status_code >= 100 && *status_code < 200; }
  std::string_view host_text() const noexcept { return text(host_); }
  std::optional<std::uint16_t> host_port() const noexcept { return host_port_; }

 private:
  std::string text_;
  Slice host_;
  std::optional<std::uint16_t> host_port_;
  std::array<Slice, kProxiedMax> proxied_;
  std::uint8_t proxied_count_ = 0;
  HeaderNames names_[2];
  MessageFiles files_[2];
};

}  // namespace catenary::http
