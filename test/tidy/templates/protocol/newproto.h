// Newproto over TCP, RFC 0000. (Say what it is for and name the specification with its section.)
//
// message:  type (1 byte, 1 question, 2 answer) | length (2 bytes, big endian) | text (length bytes)
#pragma once

#include <array>
#include <string_view>

#include "flow/protocol.h"

namespace catenary::newproto {

// RFC 0000 3: a message longer than this is another protocol's.
inline constexpr std::uint16_t kMessageBytesMax = 1024;
// Kept of a question until its answer comes; the schema's cap of the field.
inline constexpr std::size_t kQuestionBytesMax = 256;

// Yes to a whole first question of printable text; a header alone is too little to tell.
flow::Probe probe(const flow::ProbeInput& in) noexcept;

class Parser final : public flow::Parser {
 public:
  flow::Step on_stream(flow::Context& cx, flow::Dir dir, Cursor& in) override;
  void on_close(flow::Context& cx) override;

 private:
  flow::Step on_message(flow::Context& cx, std::uint8_t type, std::string_view text);
  void emit(flow::Context& cx, std::string_view answer, bool is_answered);
  std::string_view question() const noexcept { return {question_.data(), question_len_}; }

  std::array<char, kQuestionBytesMax> question_{};
  std::size_t question_len_ = 0;
  Nanos asked_at_ = 0;
  bool is_asked_ = false, is_confirmed_ = false;
};

inline constexpr flow::ProtocolInfo kProtocol = flow::make_protocol<Parser>("newproto", true, false, probe);

}  // namespace catenary::newproto
