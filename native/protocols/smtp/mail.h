// One message on its way to becoming an smtp event: its envelope, its headers, what it holds.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "files/tracker.h"
#include "flow/context.h"

namespace catenary::smtp {

// The schema's caps.
inline constexpr std::size_t kRecipientsMax = 64;
inline constexpr std::size_t kAddresseesMax = 32;
inline constexpr std::size_t kPathMax = 32;
inline constexpr std::size_t kFilesMax = 64;
inline constexpr std::size_t kUrlsMax = 32;

// What the mails of one worker hold together. Beyond kBytesMax new texts are cut short, so that many open flows cost no
// more than many connections do.
struct TextBudget {
  static constexpr std::size_t kBytesMax = std::size_t{128} << 20;
  static constexpr std::size_t kShortMax = 64;
  std::size_t used = 0;
};

using Text = std::optional<std::string>;

// All that is simply set.
struct MailFacts {
  Nanos first = 0;  // 0: nothing yet
  bool has_message = false;
  bool is_tls = false;
  bool is_within = false;
  bool is_cut = false;
  std::optional<bool> auth_success;
  std::optional<Ip> x_originating_ip;
};

class Mail : public MailFacts {
 public:
  Mail() = default;
  ~Mail() { reset(); }
  Mail(const Mail&) = delete;
  Mail& operator=(const Mail&) = delete;

  void begin(Nanos now, TextBudget& budget);
  void reset();

  void set(Text& to, std::string_view value, std::size_t cap);
  void add(std::vector<std::string>& to, std::string_view value, std::size_t cap, std::size_t cap_items);
  void on_header(std::string_view name, std::string_view value);
  void add_file(std::string_view fuid);
  void emit(flow::Context& cx, std::uint32_t trans_depth);

  Text helo, mailfrom, last_reply, auth_mechanism, username;
  std::vector<std::string> rcptto, urls;

 private:
  void on_received(std::string_view value);
  void add_all(std::vector<std::string>& to, std::string_view addresses);
  std::string_view fit(std::string_view s, std::size_t cap) noexcept;
  void account(std::size_t bytes) noexcept;

  TextBudget* budget_ = nullptr;
  std::size_t accounted_ = 0;
  Text date_, from_, reply_to_, msg_id_, in_reply_to_, subject_, user_agent_, first_received_, second_received_;
  std::vector<std::string> to_, cc_;
  std::vector<Ip> path_;  // behind the two ends of the flow
  std::vector<std::array<char, files::kFuidBytes>> fuids_;
};

}  // namespace catenary::smtp
