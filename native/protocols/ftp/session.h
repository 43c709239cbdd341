// What happens on a control connection: commands that wait for replies, who is logged in, where, and what is next.
//
// A client may send commands without waiting (pipelining, or a sensor that misses replies), so a reply is matched with
// the waiting command that it suits best: by its code (RFC 959 5.4), then by what its text repeats, then by order. An
// event is a command with the last reply it had, written when the next command comes or the flow ends. All that is
// Zeek's; commands that its log leaves out are written here too.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flow/context.h"
#include "protocols/ftp/address.h"
#include "protocols/ftp/data.h"

namespace catenary::ftp {

inline constexpr std::size_t kPendingMax = 20;  // as Zeek
inline constexpr std::size_t kArgBytesMax = 4096;
inline constexpr std::size_t kReplyBytesMax = 4096;
inline constexpr std::size_t kUserBytesMax = 128;
// Of the arguments that wait, together; beyond it an argument is kept to kArgBytesShort.
inline constexpr std::size_t kPendingBytesMax = 16384;
inline constexpr std::size_t kArgBytesShort = 64;

class Session {
 public:
  // `name` in capitals.
  void on_command(flow::Context& cx, Transfers& transfers, std::string_view name, std::string_view arg);
  // One line of a reply; `more` for a line that does not end it, with code 0 when it has none of its own.
  void on_reply(flow::Context& cx, Transfers& transfers, unsigned code, std::string_view text, bool more);
  // Commands that are still waiting.
  void finish(flow::Context& cx, Transfers& transfers);

 private:
  struct Command {
    std::uint32_t number = 0;
    Nanos at = 0;
    std::string name, arg;
    bool is_path_used = false;
  };
  struct DataChannel {
    bool is_passive = false;
    Ip orig_h, resp_h;
    std::uint16_t resp_p = 0;
  };

  void start(flow::Context& cx, Transfers& transfers);
  void add(flow::Context& cx, std::string_view name, std::string_view arg);
  Command* current() noexcept;
  Command* best_match(unsigned code, std::string_view text) noexcept;
  void remove_current();
  void announce(flow::Context& cx, Transfers& transfers, bool is_passive, const Ip& orig_h, const Address& to);
  void change_directory(Command& c, std::string_view text);
  void emit(flow::Context& cx, Transfers& transfers, const Command& c);

  std::vector<Command> pending_;
  std::size_t pending_bytes_ = 0;
  std::uint32_t numbered_ = 0;
  std::uint32_t current_ = 0;  // 0: no command was answered yet
  std::uint64_t serial_ = 0;   // 0: nothing was said yet
  std::optional<std::uint16_t> reply_code_;
  std::string reply_text_;
  std::optional<std::string> user_, password_;
  std::string dir_ = ".";
  std::optional<std::uint64_t> file_size_;
  std::optional<DataChannel> channel_;
};

}  // namespace catenary::ftp
