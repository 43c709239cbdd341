// One request with its response, or either alone, on its way to becoming an http event.
//
// All texts of a transaction lie in one string, cut to the schema's caps as they come in, so a transaction costs one
// allocation, none when it is used again, and never more than kTextBytesMax. What the transactions of a worker hold
// together has a budget too.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
inline constexpr std::size_t kHeaderNameMax = 64;
inline constexpr std::size_t kFilesMax = 15;  // as Zeek: of one message
inline constexpr std::size_t kFileNamesMax = 8;
inline constexpr std::size_t kProxiedMax = 8;
inline constexpr std::size_t kTextBytesMax = 65536;

// A file of a message.
struct NamedFile {
  std::array<char, files::kFuidBytes> fuid{};
  Slice name;
};

// What the transactions of one worker hold together. Beyond kBytesMax new texts are cut short, so that many open
// requests cost no more than many connections do.
struct TextBudget {
  static constexpr std::size_t kBytesMax = std::size_t{256} << 20;
  static constexpr std::size_t kShortMax = 64;
  std::size_t used = 0;
};

// All of a transaction that is simply set.
struct TransactionFacts {
  Nanos ts = 0;
  std::uint32_t trans_depth = 0;
  bool has_request = false, is_request_done = false;
  bool has_response = false, is_response_done = false;
  bool is_head = false, is_connect = false;
  bool is_old = false;  // HTTP/0.9
  bool is_cut = false;
  Slice method, uri, host, referrer, user_agent, origin, username, version, status_msg, info_msg;
  Slice request_content_type, response_content_type, response_content_encoding, location, server;
  std::optional<std::uint16_t> host_port, status_code, info_code;
  std::uint64_t request_body_len = 0, response_body_len = 0;

  // Whether the last status line was an interim one (RFC 9110 15.2): another will follow.
  bool is_interim() const noexcept { return status_code && *status_code >= 100 && *status_code < 200; }
};

class Transaction : public TransactionFacts {
 public:
  // Empties it for the next use; keeps its memory.
  void reset(Nanos now, std::uint32_t trans_depth, TextBudget& budget);
  ~Transaction() { release(); }
  Transaction() = default;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  // Its texts are over.
  void release() noexcept;

  // Keeps at most `cap` bytes.
  Slice keep(std::string_view s, std::size_t cap);
  std::string_view text(Slice s) const noexcept { return std::string_view(text_).substr(s.at, s.size); }
  std::size_t bytes() const noexcept { return accounted_; }

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

 private:
  std::string_view fit(std::string_view s, std::size_t cap) noexcept;
  void account() noexcept;

  TextBudget* budget_ = nullptr;
  std::size_t accounted_ = 0;
  std::string text_;
  std::string names_[2];  // upper case, each behind its length
  std::uint8_t name_count_[2] = {};
  std::vector<NamedFile> files_[2];
  std::vector<std::string_view> types_[2];
  std::vector<Slice> proxied_;
};

}  // namespace catenary::http
